/* Backends by name: what each name gives, what is said where one cannot be used, and that contexts
 * compute on it. libheloci_sim.so.0 lies in ../lib of this program's folder. */
#include <string.h>

#include "host/backend/backend_open.h"
#include "host/backend/device_launch.h"
#include "tests/base/test_dir.h"
#include "tests/ref/ref_ckks.h"

static hel_engine *engine_for(const char *backend, uint32_t device)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_engine *engine;
    char name[64];
    config.threads = 2;
    config.device = device;
    if (backend) { /* the engine keeps its own copy */
        snprintf(name, sizeof name, "%s", backend);
        config.backend = name;
    }
    cr_assert_eq(hel_engine_create(&engine, &config), HEL_OK);
    memset(name, '?', sizeof name);
    return engine;
}

/* Opening fails, with all the words in the sentence. */
static void refuses(const char *backend, uint32_t device, hel_status code, const char *const *words)
{
    hel_engine *engine = engine_for(backend, device);
    hel_backend *b = (hel_backend *)(uintptr_t)1;
    hel_error_clear(engine);
    cr_assert_eq(hel_backend_open(engine, &b), code, "%s", backend);
    cr_assert_null(b);
    for (; *words; words++)
        cr_assert(strstr(hel_engine_error(engine), *words), "%s: %s", backend,
                  hel_engine_error(engine));
    cr_assert_str_eq(hel_engine_backend_text(engine), hel_engine_error(engine));
    hel_engine_free(engine);
}

Test(engine_backend, the_cpu_is_always_there)
{
    const char *const names[] = {NULL, "cpu"};
    for (int i = 0; i < 2; i++) {
        hel_engine *engine = engine_for(names[i], 0);
        hel_backend *b;
        char want[64];
        snprintf(want, sizeof want, "cpu: %s, 2 threads", hel_engine_simd_name(engine));
        cr_assert_str_eq(hel_engine_backend_text(engine), want);
        cr_assert_eq(hel_backend_open(engine, &b), HEL_OK);
        cr_assert_null(hel_backend_device(b));
        hel_backend_free(b);
        hel_engine_free(engine);
    }
    refuses("cpu", 1, HEL_E_USAGE, (const char *const[]){"cpu", "device 1", NULL});
    cr_assert_str_eq(hel_engine_backend_text(NULL), "");
}

Test(engine_backend, a_library_by_name)
{
    hel_engine *engine = engine_for("sim", 0);
    hel_backend *b;
    const char *text = hel_engine_backend_text(engine);
    cr_assert(strncmp(text, "sim: simulated device", 21) == 0, "%s", text);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(hel_backend_open(engine, &b), HEL_OK, "%s", hel_engine_error(engine));
        cr_assert_not_null(hel_backend_device(b));
        hel_backend_free(b);
    }
    cr_assert(text == hel_engine_backend_text(engine));
    hel_engine_free(engine);
}

/* On a machine with a GPU and the library, it is used; elsewhere the reason stands in the text. */
Test(engine_backend, auto_says_its_choice)
{
    hel_engine *engine = engine_for("auto", 0);
    hel_backend *b;
    cr_assert_eq(hel_backend_open(engine, &b), HEL_OK, "%s", hel_engine_error(engine));
    const char *text = hel_engine_backend_text(engine);
    if (hel_backend_device(b))
        cr_assert(strncmp(text, "cuda: ", 6) == 0, "%s", text);
    else
        cr_assert(strncmp(text, "cpu: ", 5) == 0 &&
                      strstr(text, "(no CUDA backend: libheloci_cuda.so.0: "),
                  "%s", text);
    cr_assert_str_eq(hel_engine_error(engine), "");
    hel_backend_free(b);
    hel_engine_free(engine);
}

Test(engine_backend, names_that_cannot_be)
{
    const char *const bad[] = {"", "../sim", "a-b", "sim ", "a.b", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuses(bad[i], 0, HEL_E_USAGE, (const char *const[]){"letters, digits", NULL});
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_engine *engine;
    config.backend = "a_name_of_more_than_thirty_one_letters";
    cr_assert_eq(hel_engine_create(&engine, &config), HEL_E_USAGE);
    cr_assert_null(engine);
}

Test(engine_backend, libraries_that_are_not_there_or_not_ours)
{
    test_dir dir;
    char odd[PATH_MAX];
    const char *const words[] = {"no backend nosuch", "libheloci_nosuch.so.0",
                                 "looked for in",     "../lib",
                                 "--backend cpu",     NULL};
    refuses("nosuch", 0, HEL_E_UNSUPPORTED, words);

    test_dir_make(&dir);
    snprintf(odd, sizeof odd, "%s", test_dir_path(&dir, "libheloci_odd.so.0"));
    cr_assert_eq(setenv("HELOCI_BACKEND_DIR", dir.path, 1), 0);
    test_write_file(odd, "not a library", 13, 0755);
    refuses("odd", 0, HEL_E_UNSUPPORTED, (const char *const[]){"no backend odd", odd, NULL});
    cr_assert_eq(unlink(odd), 0);
    char libm[PATH_MAX] = "";
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[PATH_MAX];
    while (maps && fgets(line, sizeof line, maps))
        if (strstr(line, "/libm.so") || strstr(line, "/libm-"))
            sscanf(strchr(line, '/'), "%4000[^\n]", libm);
    if (maps)
        fclose(maps);
    if (libm[0]) {
        cr_assert_eq(symlink(libm, odd), 0);
        refuses("odd", 0, HEL_E_UNSUPPORTED,
                (const char *const[]){"no backend odd", "has no hel_device_count", NULL});
    }
    test_dir_remove(&dir);
}

Test(engine_backend, devices_by_number)
{
    refuses("sim", 1, HEL_E_UNSUPPORTED,
            (const char *const[]){"device 1, the rule is less than 1", "--backend cpu", NULL});
    cr_assert_eq(setenv("HELOCI_SIM_DEVICES", "2", 1), 0);
    hel_engine *engine = engine_for("sim", 1);
    hel_backend *b;
    cr_assert_eq(hel_backend_open(engine, &b), HEL_OK, "%s", hel_engine_error(engine));
    hel_backend_free(b);
    hel_engine_free(engine);
    cr_assert_eq(setenv("HELOCI_SIM_DEVICES", "0", 1), 0);
    refuses("sim", 0, HEL_E_UNSUPPORTED,
            (const char *const[]){"no device: HELOCI_SIM_DEVICES is 0", NULL});
}

static void note_device(void *arg, const hel_device_info *info)
{
    hel_device_info *all = arg;
    cr_assert_lt(info->device, 4);
    cr_assert_eq(all[info->device].total_bytes, 0);
    all[info->device] = *info;
}

/* Every device is opened and described; places on the bus come by number. */
Test(engine_backend, a_survey)
{
    static const char *const places[] = {"0000:3b:00.0", "", "0000:86:00.0", ""};
    hel_device_info all[4] = {{0}};
    hel_library_info library;
    cr_assert_eq(setenv("HELOCI_SIM_DEVICES", "4", 1), 0);
    cr_assert_eq(setenv("HELOCI_SIM_PCI", "0000:3b:00.0,,0000:86:00.0", 1), 0);
    cr_assert_eq(setenv("HELOCI_SIM_MEMORY", "1048576", 1), 0);
    hel_backend_survey("sim", &library, note_device, all);
    cr_expect_str_eq(library.about, "simulator");
    cr_expect_str_eq(library.why, "");
    cr_expect_eq(library.devices, 4);
    for (uint32_t i = 0; i < 4; i++) {
        cr_expect_eq(all[i].device, i);
        cr_expect_str_eq(all[i].pci, places[i]);
        cr_expect_str_eq(all[i].why, "");
        cr_expect(strncmp(all[i].model, "simulated device", 16) == 0);
        cr_expect_eq(all[i].total_bytes, 1048576);
        cr_expect_leq(all[i].free_bytes, all[i].total_bytes);
    }
    hel_backend_survey("sim", &library, NULL, NULL);
    cr_expect_eq(library.devices, 4);

    cr_assert_eq(setenv("HELOCI_SIM_FAIL", "1", 1), 0); /* the first call of each */
    memset(all, 0, sizeof all);
    hel_backend_survey("sim", &library, note_device, all);
    cr_expect_eq(library.devices, 4);
    cr_expect(strncmp(all[2].why, "device 2: ", 10) == 0 && all[2].why[10], "%s", all[2].why);

    cr_assert_eq(setenv("HELOCI_SIM_DEVICES", "0", 1), 0);
    hel_backend_survey("sim", &library, note_device, all);
    cr_expect_eq(library.devices, 0);
    cr_expect(strstr(library.why, "no device: HELOCI_SIM_DEVICES is 0"), "%s", library.why);
    hel_backend_survey("nosuch", &library, note_device, all);
    cr_expect(library.devices == 0 && !library.about[0]);
    cr_expect(strstr(library.why, "libheloci_nosuch.so.0"), "%s", library.why);
    hel_backend_survey("no/such", &library, note_device, all);
    cr_expect(strstr(library.why, "no/such"), "%s", library.why);
}

/* Contexts are compared by what they compute from the same uniform polynomial. */
static void residues(const char *backend, const hel_ckks_params *p, uint32_t **out, size_t *words)
{
    hel_engine *engine = engine_for(backend, 0);
    const uint8_t seed[32] = {7};
    hel_ckks *ckks;
    cr_assert_eq(hel_ckks_create(engine, &ckks, p), HEL_OK, "%s", hel_engine_error(engine));
    const uint32_t limbs = p->limbs[p->depth];
    const size_t n = (size_t)1 << p->log_n;
    hel_stream *s = ckks->stream;
    uint32_t *data;
    *words = limbs * n;
    *out = ref_words(*words);
    cr_assert_eq(s->ops->alloc(s, &data, *words * sizeof *data), HEL_OK);
    const hel_view v = {data, 1, limbs, limbs, *words};
    cr_assert_eq(s->ops->uniform(s, ckks->context->basis, v, seed, HEL_DOMAIN_CIPHER_A, 3), HEL_OK);
    cr_assert_eq(s->ops->mul(s, ckks->context->basis, v, v, v), HEL_OK);
    cr_assert_eq(s->ops->ntt_inverse(s, ckks->context->basis, v), HEL_OK);
    cr_assert_eq(s->ops->download(s, *out, data, *words * sizeof *data), HEL_OK);
    s->ops->release(s, data);
    cr_assert(strncmp(hel_engine_backend_text(engine), backend, 3) == 0);
    hel_ckks_free(ckks);
    hel_engine_free(engine);
}

Test(engine_backend, contexts_compute_on_it)
{
    const hel_ckks_params p = ref_ckks_toy(11, 2, 30, 0);
    uint32_t *cpu, *sim;
    size_t words, same;
    residues("cpu", &p, &cpu, &words);
    residues("sim", &p, &sim, &same);
    cr_assert_eq(words, same);
    cr_assert_arr_eq(cpu, sim, words * sizeof *cpu);
    free(cpu);
    free(sim);

    hel_engine *engine = engine_for("nosuch", 0);
    hel_ckks *ckks;
    cr_assert_eq(hel_ckks_create(engine, &ckks, &p), HEL_E_UNSUPPORTED);
    cr_assert_null(ckks);
    cr_assert(strstr(hel_engine_error(engine), "no backend nosuch"));
    hel_engine_free(engine);
}
