/*
 * The scan's threads in one plain program, for ThreadSanitizer: feeds, workers, two lanes on
 * simulated devices that meet for checkpoints, interruptions; the files must be equal.
 *
 *   lanes [cpu]     cpu: without the devices
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heloci/heloci.h"
#include "tests/ref/ref_cohort.h"

typedef struct setting {
    char dir[200], prefix[250];
    int wishes; /* progress reports until a drain; 0: never */
} setting;

static void check(int good, const char *what, hel_engine *engine)
{
    if (good)
        return;
    fprintf(stderr, "lanes: %s: %s\n", what, engine ? hel_engine_error(engine) : "");
    exit(1);
}

static char *path(const setting *s, const char *suffix)
{
    static char ring[8][300];
    static unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, sizeof ring[0], "%s%s", s->prefix, suffix);
    return out;
}

static int progress(void *arg, const char *stage, uint64_t done, uint64_t total, const char *unit)
{
    setting *s = arg;
    (void)stage;
    (void)done;
    (void)total;
    (void)unit;
    return s->wishes && --s->wishes == 0 ? HEL_PROGRESS_DRAIN : 0;
}

static hel_engine *engine_of(setting *s, uint32_t threads, const char *backend)
{
    hel_engine *e;
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.threads = threads;
    config.backend = backend;
    config.progress = progress;
    config.progress_arg = s;
    check(hel_engine_create(&e, &config) == HEL_OK, "engine", NULL);
    return e;
}

static void prepare(setting *s)
{
    const hel_params params = {.log_n = 10,
                               .scan_limbs = 3,
                               .expand_limbs = 4,
                               .special_limbs = 2,
                               .digit_limbs = 2,
                               .out_limbs = 2,
                               .weight_bits = 20,
                               .plane_max = 2,
                               .chunk = 128,
                               .da_shift = 2,
                               .dz = 1 << 24,
                               .toy = 1};
    hel_engine *e = engine_of(s, 2, NULL);
    hel_keygen_config kc = HEL_KEYGEN_CONFIG_INIT;
    kc.out = s->prefix;
    kc.params = &params;
    check(hel_keygen(e, &kc) == HEL_OK, "keygen", e);
    hel_encrypt_config ec = HEL_ENCRYPT_CONFIG_INIT;
    ec.bfile = s->prefix;
    ec.key = path(s, ".key");
    ec.out = s->prefix;
    check(hel_encrypt(e, &ec) == HEL_OK, "encrypt", e);
    hel_null_config nc = HEL_NULL_CONFIG_INIT;
    nc.data = path(s, ".private");
    nc.key = path(s, ".key");
    nc.out = s->prefix;
    nc.pheno = path(s, ".pheno");
    nc.pheno_name = "Q1";
    check(hel_null(e, &nc) == HEL_OK, "null", e);
    hel_engine_free(e);
}

static hel_status scan(setting *s, const char *out, uint32_t threads, const char *backend,
                       double every)
{
    hel_engine *e = engine_of(s, threads, backend);
    hel_scan_config sc = HEL_SCAN_CONFIG_INIT;
    sc.geno = path(s, ".geno");
    sc.weights = path(s, ".weights");
    sc.evk = path(s, ".evk");
    sc.out = path(s, out);
    sc.checkpoint = every;
    sc.device_count = HEL_DEVICES_ALL;
    const hel_status status = hel_scan(e, &sc, NULL);
    check(status == HEL_OK || status == HEL_E_CANCELLED, "scan", e);
    hel_engine_free(e);
    return status;
}

static void same(const setting *s, const char *a, const char *b)
{
    char command[800];
    snprintf(command, sizeof command, "cmp '%s' '%s'", path(s, a), path(s, b));
    check(system(command) == 0, "two scans disagree", NULL);
}

int main(int argc, char **argv)
{
    const int devices = !(argc > 1 && strcmp(argv[1], "cpu") == 0);
    const char *base = getenv("TMPDIR");
    char command[300];
    setting s = {.wishes = 0};
    ref_cohort c;
    setenv("HELOCI_SIM_DEVICES", "2", 1);
    snprintf(s.dir, sizeof s.dir, "%s/hel_lanes_XXXXXX", base ? base : "/tmp");
    check(mkdtemp(s.dir) != NULL, "mkdtemp", NULL);
    snprintf(s.prefix, sizeof s.prefix, "%s/x", s.dir);
    ref_cohort_write(
        &c, &(ref_cohort_request){devices ? 70 : 200, devices ? 2000 : 5000, 0.02, 0, 7}, s.prefix);
    ref_cohort_free(&c);
    prepare(&s);
    check(scan(&s, "a", 1, NULL, -1) == HEL_OK, "scan with one thread", NULL);
    check(scan(&s, "b", 4, NULL, 1e-9) == HEL_OK, "scan with four", NULL);
    same(&s, "a.sums", "b.sums");
    s.wishes = 1;
    check(scan(&s, "c", 3, NULL, 600) == HEL_E_CANCELLED, "an interrupted scan", NULL);
    check(scan(&s, "c", 3, devices ? "sim" : NULL, 1e-9) == HEL_OK, "its rest", NULL);
    same(&s, "a.sums", "c.sums");
    if (devices) {
        s.wishes = 1;
        (void)scan(&s, "d", 2, "sim", 600);
        while (scan(&s, "d", 2, "sim", 1e-9) != HEL_OK)
            continue;
        same(&s, "a.sums", "d.sums");
    }
    snprintf(command, sizeof command, "rm -rf '%s'", s.dir);
    return system(command) != 0;
}
