/*
 * heloci bench: the workload encrypted-gwas from the simulated cohort to the picture. This process
 * holds no data: it starts the stages (bench_stage.h), adds up what they took, writes, clears up.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tools/heloci/bench_run.h"
#include "tools/heloci/flat_folder.h"
#include "tools/heloci/interrupt.h"

enum { EXIT_MEMORY = 71, REASON = BENCH_PATH + 256 };

static int complain(int exit_code, const char *what, const char *reason)
{
    fprintf(stderr, "heloci bench: %s: %s\n", what, reason);
    return exit_code;
}

/* ---- before ---- */

static int check_predict(const options *o)
{
    const char *at = o->text[OPT_PREDICT];
    double samples, variants;
    while (at && *at)
        if (!bench_cohort_read(&at, &samples, &variants))
            return complain(EXIT_USAGE, "--predict",
                            "cohorts are written 100000x500000, samples by variants, with commas "
                            "between them");
    return 0;
}

/* What key generation will find, for the ring that was asked for: primes go by the noise, which is
 * greater in a larger one. Where there is none, that stage says so; N alone is taken then. */
static hel_params find_params(const options *o)
{
    hel_params params = {.log_n = 13,
                         .scan_limbs = 3,
                         .expand_limbs = 4,
                         .special_limbs = 2,
                         .digit_limbs = 2,
                         .out_limbs = 2,
                         .chunk = 4096};
    hel_params_request request = HEL_PARAMS_REQUEST_INIT;
    hel_params found;
    hel_engine *engine = NULL;
    request.log_n = (uint32_t)o->number[OPT_LOG_N];
    if (o->given[OPT_LOG_N])
        params.log_n = request.log_n;
    if (hel_engine_create(&engine, NULL) == HEL_OK &&
        hel_params_search(engine, &request, &found) == HEL_OK)
        params = found;
    hel_engine_free(engine);
    return params;
}

/* The figures are for information. */
static bench_bytes say_size(const bench_result *r)
{
    const hel_params usual = find_params(r->o);
    const bench_size *s = &r->work.size;
    const bench_shape shape = bench_shape_of(s);
    const bench_bytes b = bench_bytes_of(&shape, &usual);
    char disk[32], memory[32];
    format_bytes(disk, sizeof disk, b.genotypes + b.weights + 2 * b.sums + b.dataset + b.clear);
    format_bytes(memory, sizeof memory, bench_scan_memory(&shape, &usual));
    if (!r->o->given[OPT_QUIET])
        printf("encrypted-gwas, %s: %s samples x %s variants, %u covariates, %u quantitative and "
               "%u case/control traits, seed %llu\n"
               "  %s of disk in %s; a scan's memory is %s or, where that is less, --memory\n",
               s->name, bench_grouped(s->samples), bench_grouped(s->variants), s->covariates,
               s->quantitative, s->binary, (unsigned long long)r->work.seed, disk, r->dir, memory);
    return b;
}

static int check_disk(const bench_result *r, const bench_bytes *b)
{
    struct statvfs info;
    char need[32], have[32], text[128];
    const double bytes = b->genotypes + b->weights + 2 * b->sums + b->dataset + b->clear;
    if (statvfs(r->dir, &info) != 0)
        return 0;
    const double left = (double)info.f_bavail * (double)info.f_frsize;
    if (left >= bytes)
        return 0;
    format_bytes(need, sizeof need, bytes);
    format_bytes(have, sizeof have, left);
    snprintf(text, sizeof text, "%s are needed, %s are free (--dir)", need, have);
    return complain(EXIT_IO, r->dir, text);
}

/* New, or there and empty. */
static int make_dir(bench_result *r)
{
    if (mkdir(r->dir, 0700) == 0) {
        r->dir_made = 1;
        return 0;
    }
    if (errno != EEXIST)
        return complain(errno == EACCES || errno == EROFS ? 77 : EXIT_IO, r->dir, strerror(errno));
    DIR *dir = opendir(r->dir);
    int entries = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        entries += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (!dir)
        return complain(EXIT_IO, r->dir, strerror(errno));
    closedir(dir);
    return entries == 0 ? 0
                        : complain(EXIT_USAGE, r->dir,
                                   "is not empty: an earlier bench kept it or was killed. Remove "
                                   "it, or choose another --dir");
}

/* Whose rates they are, as tables name them. */
static void name_rates(bench_result *r)
{
    const char *path = r->o->text[OPT_RATES], *slash = strrchr(path, '/');
    for (uint32_t i = 0; i < r->given_count; i++) {
        char name[RATES_NAME];
        snprintf(name, sizeof name, "%.60s [%.24s]", r->given[i].name, slash ? slash + 1 : path);
        memcpy(r->given[i].name, name, sizeof name);
    }
}

static int prepare(bench_result *r)
{
    char why[REASON];
    int rc = check_predict(r->o);
    if (rc == 0 && r->o->given[OPT_RATES]) {
        rc = bench_rates_read(r->o->text[OPT_RATES], r->given, &r->given_count, why, sizeof why);
        if (rc)
            fprintf(stderr, "heloci bench: %s\n", why);
        else
            name_rates(r);
    }
    if (rc)
        return rc;
    r->program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (r->program < 0)
        return complain(EXIT_MEMORY, "/proc/self/exe", strerror(errno));
    const bench_bytes bytes = say_size(r);
    rc = make_dir(r);
    return rc ? rc : check_disk(r, &bytes);
}

/* ---- after ---- */

static int write_json(const json_t *value, const char *path)
{
    char why[REASON];
    const int rc = json_write(value, path, why, sizeof why);
    if (rc)
        fprintf(stderr, "heloci bench: %s\n", why);
    return rc;
}

/* Of the first backend OUT.results-N.json, of others OUT.BACKEND.results-N.json. */
static int write_results(const bench_result *r)
{
    int rc = 0;
    for (int b = 0; b < BENCH_BACKENDS; b++)
        for (uint32_t run = 0; rc == 0 && run < r->record[STAGE_COMPUTE][b].count; run++) {
            char path[BENCH_PATH];
            const int first = b == (int)r->first;
            json_t *results = bench_results_json(r, run, (bench_backend)b);
            snprintf(path, sizeof path, "%s%s%s.results-%u.json", r->out, first ? "" : ".",
                     first ? "" : bench_backend_names[b], run + 1);
            rc = write_json(results, path);
            json_decref(results);
        }
    return rc;
}

/* The tables: on the terminal and in OUT.md; the predictions go into the JSON too. */
static int write_tables(const bench_result *r, hel_engine *engine, json_t **root)
{
    char path[BENCH_PATH], part[BENCH_PATH];
    FILE *text = r->o->given[OPT_QUIET] ? NULL : stdout;
    snprintf(path, sizeof path, "%s.md", r->out);
    snprintf(part, sizeof part, "%s.md.part", r->out);
    FILE *markdown = fopen(part, "w");
    if (!markdown)
        return complain(EXIT_IO, part, strerror(errno));
    bench_print(r, text, markdown);
    const hel_status status = bench_predict(r, engine, root, text, markdown);
    if (status != HEL_OK)
        fprintf(stderr, "heloci bench: %s\n", hel_engine_error(engine));
    int bad = ferror(markdown);
    bad |= fclose(markdown) != 0;
    bad = bad || rename(part, path) != 0;
    if (bad)
        (void)complain(EXIT_IO, path, strerror(errno));
    return status != HEL_OK ? hel_status_exit_code(status) : bad ? EXIT_IO : 0;
}

static int write_all(bench_result *r)
{
    char path[BENCH_PATH];
    hel_engine *engine = NULL;
    hel_status status = hel_engine_create(&engine, NULL);
    if (status == HEL_OK)
        status = bench_run_rates(r, engine);
    if (status != HEL_OK) {
        (void)complain(0, "rates", engine ? hel_engine_error(engine) : hel_status_name(status));
        hel_engine_free(engine);
        return hel_status_exit_code(status);
    }
    json_t *root = bench_everything_json(r);
    int rc = write_tables(r, engine, &root);
    hel_engine_free(engine);
    snprintf(path, sizeof path, "%s.json", r->out);
    if (rc == 0)
        rc = write_json(root, path);
    json_decref(root);
    if (rc == 0)
        rc = write_results(r);
    if (rc == 0)
        rc = bench_draw(r);
    if (rc == 0 && !r->o->given[OPT_QUIET])
        printf("\nwritten: %s.json, %s.md, %s.svg, %s.png, %s.results-1.json%s\n", r->out, r->out,
               r->out, r->out, r->out, r->runs > 1 ? " and so on" : "");
    return rc;
}

static void clear_up(const bench_result *r)
{
    static const char *const folders[] = {"dataset", "client", "server", "reports"};
    if (r->o->given[OPT_KEEP_INTERMEDIATE]) {
        if (!r->o->given[OPT_QUIET])
            printf("kept: %s\n", r->dir);
        return;
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[BENCH_PATH + 16];
        snprintf(path, sizeof path, "%s/%s", r->dir, folders[i]);
        flat_folder_remove(path);
    }
    if (r->dir_made)
        (void)rmdir(r->dir);
}

/* ---- the command ---- */

static int run_one_stage(const options *o)
{
    const bench_stage stage = bench_stage_find(o->text[OPT_STAGE]);
    bench_work work;
    if (stage == BENCH_STAGES) {
        fprintf(stderr, "heloci bench: --stage: there is no stage '%s'; they are",
                o->text[OPT_STAGE]);
        for (int i = 0; i < BENCH_STAGES; i++)
            fprintf(stderr, " %s", bench_stage_table[i].name);
        fputc('\n', stderr);
        return EXIT_USAGE;
    }
    if (!o->given[OPT_DIR])
        return complain(EXIT_USAGE, "--stage", "needs --dir, the folder that stages share");
    bench_work_begin(&work, o, o->text[OPT_DIR]);
    const uint64_t set = o->given[OPT_BACKENDS] ? o->number[OPT_BACKENDS] : 4;
    if (set != 2 && set != 4 && set != 8)
        return complain(EXIT_USAGE, "--stage", "takes one --backend: cpu, cuda or sim");
    work.backend = set == 2 ? BENCH_CUDA : set == 8 ? BENCH_SIM : BENCH_CPU;
    return bench_stage_run(&work, stage);
}

static int names_fit(const options *o)
{
    const char *text[] = {o->text[OPT_OUT], o->text[OPT_DIR]};
    for (int i = 0; i < 2; i++)
        if (text[i] && strlen(text[i]) > BENCH_PATH / 2)
            return 0;
    return 1;
}

int command_bench(const options *o)
{
    if (!names_fit(o))
        return complain(EXIT_USAGE, "--out, --dir", "must be shorter than 2048 bytes");
    if (o->given[OPT_STAGE])
        return run_one_stage(o);
    bench_result *r = calloc(1, sizeof *r);
    if (!r)
        return complain(EXIT_MEMORY, "start", "no memory");
    r->o = o;
    r->out = o->text[OPT_OUT];
    r->program = -1;
    r->runs = o->given[OPT_RUNS] ? (uint32_t)o->number[OPT_RUNS] : 3;
    if (o->given[OPT_DIR])
        snprintf(r->dir, sizeof r->dir, "%s", o->text[OPT_DIR]);
    else
        snprintf(r->dir, sizeof r->dir, "%s.work", r->out);
    bench_work_begin(&r->work, o, r->dir);
    int rc = prepare(r), begun = rc == 0;
    if (rc == 0)
        rc = bench_run_all(r);
    if (rc == 0 || r->mismatch) {
        const int written = write_all(r);
        rc = rc ? rc : written;
    }
    if (rc == EXIT_CANCELLED && interrupted())
        fprintf(stderr, "heloci bench: stopped by signal %d\n", interrupted());
    if (begun || r->dir_made)
        clear_up(r);
    bench_result_free(r);
    return rc;
}
