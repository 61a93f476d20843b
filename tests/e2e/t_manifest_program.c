/*
 * Manifests and logs of the program itself: the openssl command verifies what heloci signed, heloci
 * refuses what was changed, and every line of a log is whole.
 */
#include <jansson.h>
#include <signal.h>

#include "tests/e2e/program.h"
#include "tests/e2e/toy_cohort.h"

enum { SAMPLES = 70, VARIANTS = 60 };

static toy t;
static char sums[2 * PATH_MAX], manifest[2 * PATH_MAX], key[2 * PATH_MAX], pub[2 * PATH_MAX];
static char log_path[2 * PATH_MAX];

static void path_of(char out[2 * PATH_MAX], const char *suffix)
{
    snprintf(out, 2 * PATH_MAX, "%s%s", t.e.prefix, suffix);
}

static void setup(void)
{
    toy_start(&t, SAMPLES, VARIANTS);
    path_of(sums, ".sums");
    path_of(manifest, ".sums.manifest");
    path_of(key, ".key.pem");
    path_of(pub, ".pub.pem");
    path_of(log_path, ".log");
    unsetenv("HELOCI_SIGNING_KEY");
    unsetenv("HELOCI_TRACEPARENT");
    unsetenv("TRACEPARENT");
    E2E_OK(&t.e, e2e_keygen(&t.e, &t.params));
    E2E_OK(&t.e, e2e_encrypt(&t.e, t.e.prefix, 0));
    E2E_OK(&t.e, toy_null(&t));
}

static void teardown(void)
{
    toy_stop(&t);
}

TestSuite(manifest_program, .init = setup, .fini = teardown, .timeout = 300);

#define EXPECT(r, wanted, piece)                                                                   \
    do {                                                                                           \
        cr_assert_eq((r).code, (wanted), "exit %d, not %d: %s%s", (r).code, (wanted), (r).out,     \
                     (r).err);                                                                     \
        cr_assert(strstr((r).out, (piece)) || strstr((r).err, (piece)), "'%s%s' lacks '%s'",       \
                  (r).out, (r).err, (piece));                                                      \
    } while (0)

/* heloci scan with two more arguments, or NULL. */
static void scan(program_result *r, const char *environment, const char *option, const char *value)
{
    static char geno[2 * PATH_MAX], weights[2 * PATH_MAX], evk[2 * PATH_MAX];
    path_of(geno, ".geno");
    path_of(weights, ".weights");
    path_of(evk, ".evk");
    const char *argv[] = {NULL,    "scan",     "--geno", geno,        "--weights",
                          weights, "--evk",    evk,      "--backend", "cpu",
                          "--out", t.e.prefix, option,   value,       NULL};
    program_run_argv(r, NULL, environment, argv);
}

static void decrypt(program_result *r, const char *option, const char *value)
{
    static char data[2 * PATH_MAX], model[2 * PATH_MAX], secret[2 * PATH_MAX];
    path_of(data, ".private");
    path_of(model, ".model");
    path_of(secret, ".key");
    const char *argv[] = {NULL,    "decrypt",  "--sums", sums,    "--data",
                          data,    "--model",  model,    "--key", secret,
                          "--out", t.e.prefix, option,   value,   NULL};
    program_run_argv(r, NULL, NULL, argv);
}

static int shell(const char *format, ...)
{
    char line[8 * PATH_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    int state = system(line);
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128;
}

/* A pair of key files as MANIFEST.md says; 0 = no openssl command. */
static int make_key(const char *secret, const char *public_key)
{
    return shell("command -v openssl > /dev/null") == 0 &&
           shell("umask 077 && openssl genpkey -algorithm ed25519 -out '%s' 2> /dev/null",
                 secret) == 0 &&
           shell("openssl pkey -in '%s' -pubout -out '%s' 2> /dev/null", secret, public_key) == 0;
}

/* The commands of MANIFEST.md; exit code of openssl. */
static int openssl_verifies(const char *file)
{
    return shell("cd '%s' && head -n 1 '%s' | head -c -1 > line1 &&"
                 " tail -n 1 '%s' | sed 's/.*\"value\":\"\\([^\"]*\\)\".*/\\1/' |"
                 " openssl base64 -d -A > line1.sig &&"
                 " openssl pkeyutl -verify -pubin -inkey '%s' -rawin -in line1"
                 " -sigfile line1.sig > /dev/null 2>&1",
                 t.e.dir.path, file, file, pub);
}

static json_t *first_line(const char *path)
{
    size_t bytes;
    uint8_t *text = test_read_file(path, &bytes);
    json_t *line =
        json_loadb((char *)text, strcspn((char *)text, "\n"), JSON_REJECT_DUPLICATES, NULL);
    cr_assert(line != NULL, "%s", path);
    free(text);
    return line;
}

static const char *member(const json_t *object, const char *a, const char *b)
{
    const json_t *value = json_object_get(object, a);
    return json_string_value(b ? json_object_get(value, b) : value);
}

static void flip(const char *path, long at)
{
    size_t bytes;
    uint8_t *data = test_read_file(path, &bytes);
    data[at < 0 ? (long)bytes + at : at] ^= 1;
    test_write_file(path, data, bytes, 0644);
    free(data);
}

/* ---- manifests ---- */

Test(manifest_program, openssl_verifies_what_scan_signed)
{
    program_result r;
    char digest[256];
    if (!make_key(key, pub))
        cr_skip_test("needs the openssl command");
    scan(&r, NULL, "--sign", key);
    EXPECT(r, 0, ".sums.manifest  signed by ");
    cr_assert_eq(openssl_verifies(manifest), 0);
    json_t *line = first_line(manifest);
    cr_expect_str_eq(member(line, "signer", "key"), "file");
    cr_expect_str_eq(member(line, "command", NULL), "scan");
    const json_t *subject = json_array_get(json_object_get(line, "subjects"), 0);
    cr_expect_str_eq(member(subject, "name", NULL), "x.sums");
    cr_assert_eq(shell("sha256sum '%s' | grep -q '^%s '", sums, member(subject, "sha256", NULL)),
                 0);
    /* The key id is made of what openssl writes. */
    snprintf(digest, sizeof digest, "%s", member(line, "signer", "key_id"));
    cr_assert_eq(
        shell("openssl pkey -pubin -in '%s' -outform der | sha256sum | grep -q '^%s'", pub, digest),
        0);
    cr_expect(!member(line, "trace", "traceparent"));
    json_decref(line);
    flip(manifest, 60);
    cr_assert_neq(openssl_verifies(manifest), 0);
}

Test(manifest_program, verify_tells_damage_from_forgery)
{
    program_result r;
    char other[2 * PATH_MAX], other_pub[2 * PATH_MAX], printed[64] = "";
    path_of(other, ".other.pem");
    path_of(other_pub, ".other.pub");
    if (!make_key(key, pub) || !make_key(other, other_pub))
        cr_skip_test("needs the openssl command");
    scan(&r, NULL, "--sign", key);
    EXPECT(r, 0, "signed by ");
    sscanf(strstr(r.out, "signed by "), "signed by %60s", printed);
    program_run(&r, "verify", sums, NULL);
    EXPECT(r, 0, "every checksum holds");
    EXPECT(r, 0, "as signed in x.sums.manifest");
    EXPECT(r, 0, printed);
    program_run(&r, "verify", manifest, "--signer", pub, NULL);
    EXPECT(r, 0, "the signature holds; 1 file as signed");
    program_run(&r, "verify", sums, "--signer", printed, NULL);
    EXPECT(r, 0, "as signed");
    program_run(&r, "verify", sums, "--signer", other_pub, NULL);
    EXPECT(r, 76, "not by");
    program_run(&r, "verify", sums, "--signer", key, NULL);
    EXPECT(r, 65, "not an Ed25519 public key");
    program_run(&r, "verify", sums, "--signer", "/nonexistent", NULL);
    EXPECT(r, 74, "/nonexistent");
    program_run(&r, "inspect", manifest, NULL);
    EXPECT(r, 0, "role genotypes, name x.geno");
    EXPECT(r, 0, printed);

    flip(manifest, 60);
    program_run(&r, "verify", sums, NULL);
    EXPECT(r, 76, "signature does not hold");
    program_run(&r, "inspect", manifest, NULL);
    EXPECT(r, 76, "signature does not hold");
    flip(manifest, 60);
    flip(manifest, -3);
    program_run(&r, "verify", manifest, NULL);
    EXPECT(r, 65, "line 2");
    flip(manifest, -3);
    flip(sums, -1);
    program_run(&r, "verify", sums, NULL);
    EXPECT(r, 65, "closing digest is damaged");
    program_run(&r, "verify", manifest, NULL);
    EXPECT(r, 65, "another SHA-256");
    flip(sums, -1);
    unlink(manifest);
    program_run(&r, "verify", sums, NULL);
    EXPECT(r, 0, "no manifest; nothing says who made it");
    program_run(&r, "verify", sums, "--signer", pub, NULL);
    EXPECT(r, 76, "has no manifest");
}

/* What a kill between two renames leaves, and that the same command mends it. */
Test(manifest_program, interrupted_runs_are_noticed_and_mended)
{
    program_result r;
    size_t bytes;
    scan(&r, NULL, NULL, NULL);
    EXPECT(r, 0, "a key of this run only");
    uint8_t *older = test_read_file(sums, &bytes);
    older[40] ^= 1; /* the time of creation: another scan, in the end */
    repair_all(older, bytes);
    test_write_file(sums, older, bytes, 0644);
    program_run(&r, "verify", sums, NULL);
    EXPECT(r, 65, "not the file that was signed");
    unlink(sums);
    program_run(&r, "verify", sums, NULL);
    EXPECT(r, 74, "x.sums: cannot be opened");
    program_run(&r, "verify", manifest, NULL);
    EXPECT(r, 74, "x.sums: cannot be opened");
    scan(&r, NULL, NULL, NULL);
    EXPECT(r, 0, "");
    program_run(&r, "verify", sums, NULL);
    EXPECT(r, 0, "as signed");
    cr_expect_eq(toy_count(&t, ".part"), 0);
    free(older);
}

Test(manifest_program, signing_keys_are_read_before_the_work)
{
    program_result r;
    char environment[2 * PATH_MAX + 32];
    if (!make_key(key, pub))
        cr_skip_test("needs the openssl command");
    cr_assert_eq(chmod(key, 0640), 0);
    scan(&r, NULL, "--sign", key);
    EXPECT(r, 77, "lets others in");
    cr_expect_not(test_exists(sums));
    snprintf(environment, sizeof environment, "HELOCI_SIGNING_KEY=%s", key);
    scan(&r, environment, NULL, NULL);
    EXPECT(r, 77, "lets others in");
    scan(&r, NULL, "--sign", pub);
    EXPECT(r, 77, "lets others in");
    cr_assert_eq(chmod(pub, 0600), 0);
    scan(&r, NULL, "--sign", pub);
    EXPECT(r, 65, "not a private key");
    scan(&r, NULL, "--sign", "/nonexistent");
    EXPECT(r, 74, "/nonexistent");
    cr_expect_not(test_exists(sums));
    cr_expect_eq(toy_count(&t, ".part"), 0);
    cr_assert_eq(chmod(key, 0600), 0);
    scan(&r, environment, NULL, NULL);
    EXPECT(r, 0, "signed by ");
    program_run(&r, "verify", sums, "--signer", pub, NULL);
    EXPECT(r, 0, "said to be kept in a file");
    scan(&r, "HELOCI_SIGNING_KEY=", NULL, NULL); /* empty: none */
    EXPECT(r, 0, "a key of this run only");
}

/* The owner's tables are signed by one key, run after run, that no file holds. */
Test(manifest_program, tables_are_signed_by_the_owner)
{
    program_result r;
    char run[2 * PATH_MAX], table[2 * PATH_MAX], signer[2][64];
    struct stat info;
    path_of(run, ".manifest");
    path_of(table, ".Q1.ssf.tsv");
    scan(&r, NULL, NULL, NULL);
    EXPECT(r, 0, "");
    json_t *of_sums = first_line(manifest);
    for (int i = 0; i < 2; i++) {
        decrypt(&r, "--format", "plink2,regenie,ssf");
        EXPECT(r, 0, ".manifest  signed by ");
        sscanf(strstr(r.out, "signed by "), "signed by %60s", signer[i]);
    }
    cr_expect_str_eq(signer[0], signer[1]);
    program_run(&r, "verify", run, "--signer", signer[0], NULL);
    EXPECT(r, 0, "4 files as signed"); /* three tables and a sidecar */
    EXPECT(r, 0, "owner's secret key");
    program_run(&r, "verify", table, "--signer", signer[0], NULL);
    EXPECT(r, 0, "as signed in x.manifest");
    json_t *line = first_line(run);
    cr_expect_str_eq(member(line, "kind", NULL), "tables");
    cr_expect_str_neq(member(line, "signer", "key_id"), member(of_sums, "signer", "key_id"));
    const json_t *inputs = json_object_get(line, "inputs");
    cr_assert_eq(json_array_size(inputs), 4);
    cr_expect_str_eq(member(json_array_get(inputs, 0), "manifest", "key_id"),
                     member(of_sums, "signer", "key_id"));
    for (size_t i = 1; i < 4; i++)
        cr_expect(!member(json_array_get(inputs, i), "content", NULL));
    cr_expect(json_integer_value(json_object_get(json_object_get(line, "parameters"),
                                                 "security_bits")) == 0); /* toys say so */
    size_t bytes;
    uint8_t *text = test_read_file(run, &bytes);
    cr_expect(!strstr((char *)text, t.e.dir.path));
    cr_expect_neq(shell("cut -d ' ' -f 2 '%s.fam' > '%s.ids' && head -n 1 '%s' | grep -q -w -F -f "
                        "'%s.ids'",
                        t.e.prefix, t.e.prefix, run, t.e.prefix),
                  0); /* nobody's name */
    cr_assert(stat(run, &info) == 0 && (info.st_mode & 0022) == 0);
    free(text);
    json_decref(line);
    json_decref(of_sums);
    flip(table, 5);
    program_run(&r, "verify", table, NULL);
    EXPECT(r, 65, "another SHA-256");
}

Test(manifest_program, environment_of_a_job_is_noted)
{
    program_result r;
    setenv("SLURM_JOB_ID", "4711", 1);
    setenv("SLURM_ARRAY_TASK_ID", "3", 1);
    setenv("SLURM_JOB_USER", "somebody", 1);
    scan(&r, "TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", NULL, NULL);
    EXPECT(r, 0, "");
    json_t *line = first_line(manifest);
    cr_expect(json_integer_value(json_object_get(json_object_get(line, "slurm"), "job_id")) ==
              4711);
    cr_expect_str_eq(member(line, "trace", "traceparent"),
                     "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    json_decref(line);
    cr_expect_neq(shell("grep -q -e somebody -e '/lib' '%s'", manifest), 0);
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_ARRAY_TASK_ID");
    unsetenv("SLURM_JOB_USER");
}

/* ---- the log ---- */

/* Parses every line; their events, blank-separated, into `events`. `pick` NULL, or the event whose
 * last line is returned. */
static json_t *read_log(const char *path, char *events, size_t room, const char *pick)
{
    size_t bytes, used = 0;
    uint8_t *text = test_read_file(path, &bytes);
    json_t *picked = NULL;
    cr_assert(bytes > 0 && text[bytes - 1] == '\n');
    events[0] = 0;
    for (char *line = (char *)text, *end; (end = strchr(line, '\n')); line = end + 1) {
        json_t *event = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);
        cr_assert(event != NULL, "not JSON: %.*s", (int)(end - line), line);
        const char *name = member(event, "event", NULL), *time = member(event, "time", NULL);
        cr_assert(name && member(event, "command", NULL) && member(event, "host", NULL));
        cr_assert(json_is_integer(json_object_get(event, "pid")));
        cr_assert(time && strlen(time) == 24 && time[10] == 'T' && time[19] == '.' &&
                  time[23] == 'Z');
        if (strcmp(name, "progress") != 0 && used < room)
            used += (size_t)snprintf(events + used, room - used, "%s%s", used ? " " : "", name);
        if (pick && strcmp(name, pick) == 0) {
            json_decref(picked);
            picked = json_incref(event);
        }
        json_decref(event);
    }
    free(text);
    return picked;
}

Test(manifest_program, log_of_a_scan)
{
    program_result r;
    char events[512];
    scan(&r, "HELOCI_TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "--log",
         log_path);
    EXPECT(r, 0, "");
    json_t *start = read_log(log_path, events, sizeof events, "start");
    cr_expect_str_eq(events, "start plan result end");
    cr_expect_str_eq(member(start, "command", NULL), "scan");
    cr_expect_str_eq(member(start, "version", NULL), hel_version());
    cr_expect_str_eq(member(start, "arguments", "backend"), "cpu");
    cr_expect_str_eq(member(start, "arguments", "log"), log_path);
    cr_expect(strncmp(member(start, "traceparent", NULL), "00-4bf92f", 9) == 0);
    json_decref(start);
    json_t *result = read_log(log_path, events, sizeof events, "result");
    cr_expect_str_eq(member(result, "path", NULL), sums);
    json_decref(result);
    /* Another process appends. */
    decrypt(&r, "--log", log_path);
    EXPECT(r, 0, "");
    json_t *end = read_log(log_path, events, sizeof events, "end");
    cr_expect_str_eq(events, "start plan result end start result result end");
    cr_expect(json_integer_value(json_object_get(end, "exit_code")) == 0);
    cr_expect(json_real_value(json_object_get(end, "seconds")) > 0);
    json_decref(end);
}

Test(manifest_program, log_of_a_failure)
{
    program_result r;
    char events[512], geno[2 * PATH_MAX];
    path_of(geno, ".geno");
    flip(geno, -1);
    scan(&r, NULL, "--log", log_path);
    EXPECT(r, 65, "closing digest");
    json_t *error = read_log(log_path, events, sizeof events, "error");
    cr_expect_str_eq(events, "start error end");
    cr_expect_str_eq(member(error, "status", NULL), "HEL_E_FORMAT");
    cr_expect(json_integer_value(json_object_get(error, "exit_code")) == 65);
    cr_expect(strstr(member(error, "text", NULL), "closing digest") != NULL);
    json_decref(error);
    json_decref(read_log(log_path, events, sizeof events, "end"));
}

/* An unusable log is an error before anything happens. */
Test(manifest_program, log_is_opened_first)
{
    program_result r;
    char folder[2 * PATH_MAX], below[2 * PATH_MAX + 8];
    scan(&r, NULL, "--log", "/nonexistent/folder/log");
    EXPECT(r, 74, "--log: /nonexistent/folder/log: No such file");
    scan(&r, NULL, "--log", t.e.dir.path);
    EXPECT(r, 74, "Is a directory");
    cr_expect_not(test_exists(sums));
    decrypt(&r, "--log", t.e.dir.path);
    EXPECT(r, 74, "Is a directory");
    if (geteuid() != 0)
        cr_skip_test("needs root, to become a user without rights");
    path_of(folder, ".d");
    cr_assert_eq(mkdir(folder, 0700), 0);
    snprintf(below, sizeof below, "%s/log", folder);
    cr_assert_eq(shell("chmod 755 '%s' && cd / && setpriv --reuid 65534 --regid 65534 "
                       "--clear-groups '" HEL_PROGRAM "' scan --geno a --weights a --evk a --out "
                       "'%s' --log '%s' 2> /dev/null",
                       t.e.dir.path, t.e.prefix, below),
                 77);
    rmdir(folder);
}

/* What leads to a passphrase is not written, and secrets never are. */
Test(manifest_program, log_keeps_secrets)
{
    program_result r;
    char events[512], pass[2 * PATH_MAX], out[2 * PATH_MAX];
    path_of(pass, ".pass");
    path_of(out, "2");
    test_write_file(pass, "correct horse battery\n", 22, 0600);
    program_run(&r, "keygen", "--out", out, "--passphrase-file", pass, "--log", log_path, NULL);
    EXPECT(r, 0, "sealed");
    json_t *start = read_log(log_path, events, sizeof events, "start");
    cr_expect_str_eq(events, "start result result end");
    cr_expect(
        json_is_true(json_object_get(json_object_get(start, "arguments"), "passphrase-file")));
    json_decref(start);
    cr_expect_neq(shell("grep -q -e correct -e '%s' '%s'", pass, log_path), 0);
}

/* Many processes, one file: lines are whole, and each process' own are in order. */
Test(manifest_program, processes_share_a_log)
{
    enum { PROCESSES = 24 };
    char line[8 * PATH_MAX];
    size_t bytes, lines = 0;
    snprintf(line, sizeof line,
             "for i in $(seq %d); do '" HEL_PROGRAM "' scan --geno '%s.geno' --weights "
             "'/nonexistent/%0200d' --evk '%s.evk' --out '%s.$i' --log '%s' 2> /dev/null & done; "
             "wait",
             PROCESSES, t.e.prefix, 7, t.e.prefix, t.e.prefix, log_path);
    cr_assert_neq(system(line), -1);
    uint8_t *text = test_read_file(log_path, &bytes);
    json_int_t pid[PROCESSES] = {0};
    int seen[PROCESSES] = {0};
    for (char *at = (char *)text, *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
        static const char *const order[] = {"start", "error", "end"};
        json_t *event = json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES, NULL);
        cr_assert(event != NULL, "torn: %.*s", (int)(end - at), at);
        const json_int_t id = json_integer_value(json_object_get(event, "pid"));
        int p = 0;
        while (p < PROCESSES && pid[p] && pid[p] != id)
            p++;
        cr_assert(p < PROCESSES && seen[p] < 3);
        pid[p] = id;
        cr_assert_str_eq(member(event, "event", NULL), order[seen[p]++]);
        json_decref(event);
    }
    cr_expect_eq(lines, 3 * PROCESSES, "%zu lines", lines);
    free(text);
}

/* A disk that fills up costs the log, not the work. */
Test(manifest_program, a_full_log_is_a_warning)
{
    program_result r;
    if (access("/dev/full", W_OK) != 0)
        cr_skip_test("no /dev/full");
    scan(&r, NULL, "--log", "/dev/full");
    EXPECT(r, 0, "warning: /dev/full: the log is not complete: No space left");
    program_run(&r, "verify", sums, NULL);
    EXPECT(r, 0, "as signed");
}

/* All steps of a run, the sandboxed one among them. */
Test(manifest_program, log_of_a_run)
{
    program_result r;
    char events[2048], out[2 * PATH_MAX], bfile[2 * PATH_MAX];
    path_of(bfile, "");
    path_of(out, "run");
    program_run(&r, "run", "--bfile", bfile, "--pheno", t.pheno, "--pheno-name", "Q1", "--covar",
                t.covar, "--out", out, "--backend", "cpu", "--log", log_path, NULL);
    EXPECT(r, 0, "");
    json_t *step = read_log(log_path, events, sizeof events, "step");
    cr_expect_str_eq(events, "start "
                             "start result result end step "      /* keygen */
                             "start note result result end step " /* encrypt */
                             "start plan result result end step " /* null */
                             "start plan result end step "        /* scan */
                             "start result result end step "      /* decrypt */
                             "start result result result result result end step end");
    cr_expect_str_eq(member(step, "step", NULL), "report");
    json_decref(step);
    cr_expect_eq(
        shell("grep '\"command\":\"scan\"' '%s' | grep -q '\"path\":\"study.sums\"'", log_path), 0);
    /* A run that cannot begin says why. */
    unlink(log_path);
    program_run(&r, "run", "--bfile", bfile, "--pheno", t.pheno, "--pheno-name", "nothing", "--out",
                out, "--log", log_path, NULL);
    cr_assert_eq(r.code, 65, "%s", r.err);
    json_decref(read_log(log_path, events, sizeof events, NULL));
    cr_expect_str_eq(events, "start error error end");
}

/* ---- the build ---- */

Test(manifest_program, version_as_json)
{
    program_result r;
    program_run(&r, "--version", "--json", NULL);
    EXPECT(r, 0, "");
    json_t *v = json_loads(r.out, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(v != NULL, "%s", r.out);
    cr_expect_str_eq(member(v, "version", NULL), hel_version());
    cr_expect(json_is_array(json_object_get(v, "cuda_architectures")));
    cr_expect_eq(strlen(member(v, "security_table", NULL)), 64);
    const char *commit = member(v, "commit", NULL);
    if (commit)
        cr_expect(strspn(commit, "0123456789abcdef") >= 40 &&
                      (!commit[40] || strcmp(commit + 40, "-dirty") == 0),
                  "%s", commit);
    json_decref(v);
}
