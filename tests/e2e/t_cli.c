/* The command line of the program: help, errors of usage with their suggestions, exit codes,
 * passphrase files. What the steps compute is tested elsewhere. */
#include "tests/base/test_dir.h"
#include "tests/e2e/program.h"

static const char *const commands[] = {"run",    "params", "keygen",  "encrypt", "null",
                                       "scan",   "merge",  "decrypt", "report",  "inspect",
                                       "verify", "doctor", "submit"};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* Exit code and a piece of the error text. */
#define EXPECT(r, wanted, piece)                                                                   \
    do {                                                                                           \
        cr_expect_eq((r).code, (wanted), "exit %d, not %d: %s", (r).code, (wanted), (r).err);      \
        cr_expect(strstr((r).err, (piece)) != NULL, "'%s' does not say '%s'", (r).err, (piece));   \
    } while (0)

Test(cli, no_argument_shows_the_overview)
{
    program_result r;
    program_run(&r, NULL);
    EXPECT(r, 64, "usage: heloci COMMAND");
    cr_expect_str_eq(r.out, "");
}

Test(cli, overview_names_every_command)
{
    static const char *const words[] = {"help", "--help", "-h"};
    for (int i = 0; i < 3; i++) {
        program_result r;
        program_run(&r, words[i], NULL);
        EXPECT(r, 0, "");
        for (int c = 0; c < COMMANDS; c++)
            cr_expect(strstr(r.out, commands[c]) != NULL, "%s: %s", words[i], commands[c]);
    }
}

Test(cli, version)
{
    program_result r;
    program_run(&r, "--version", NULL);
    EXPECT(r, 0, "");
    cr_expect_eq(strncmp(r.out, "heloci ", 7), 0);
    cr_expect(r.out[7] >= '0' && r.out[7] <= '9');
}

Test(cli, every_command_has_help)
{
    for (int c = 0; c < COMMANDS; c++) {
        program_result r, same;
        char usage[64];
        program_run(&r, commands[c], "--help", NULL);
        EXPECT(r, 0, "");
        snprintf(usage, sizeof usage, "usage: heloci %s", commands[c]);
        cr_expect_eq(strncmp(r.out, usage, strlen(usage)), 0, "%s", r.out);
        program_run(&same, "help", commands[c], NULL);
        cr_expect_str_eq(same.out, r.out);
    }
}

Test(cli, help_keeps_to_the_terminal)
{
    static const unsigned widths[] = {60, 80, 120};
    for (int w = 0; w < 3; w++)
        for (int c = 0; c < COMMANDS; c++) {
            program_result r;
            char columns[32];
            const char *argv[] = {NULL, commands[c], "--help", NULL};
            snprintf(columns, sizeof columns, "COLUMNS=%u", widths[w]);
            program_run_argv(&r, NULL, columns, argv);
            char *rest = NULL, *line = strtok_r(r.out, "\n", &rest);
            for (; line; line = strtok_r(NULL, "\n", &rest))
                if (strncmp(line, "usage:", 6) != 0)
                    cr_expect(strlen(line) <= widths[w], "%u columns: %s", widths[w], line);
        }
}

Test(cli, help_wins_over_missing_options)
{
    program_result r;
    program_run(&r, "encrypt", "--nonsense", "--help", NULL);
    EXPECT(r, 0, "");
}

Test(cli, unknown_commands_get_a_suggestion)
{
    program_result r;
    program_run(&r, "scna", NULL);
    EXPECT(r, 64, "did you mean 'scan'?");
    program_run(&r, "decript", NULL);
    EXPECT(r, 64, "did you mean 'decrypt'?");
    program_run(&r, "params2dfgdfg", NULL);
    EXPECT(r, 64, "heloci help");
}

Test(cli, unknown_options_get_a_suggestion)
{
    program_result r;
    program_run(&r, "scan", "--gneo", "x", NULL);
    EXPECT(r, 64, "heloci scan: unknown option --gneo; did you mean --geno?");
    program_run(&r, "run", "--pheno-nmae", "x", NULL);
    EXPECT(r, 64, "did you mean --pheno-name?");
    program_run(&r, "run", "--qqqqqqqq", NULL);
    EXPECT(r, 64, "heloci run --help");
    program_run(&r, "scan", "--bfile", "x", NULL);
    EXPECT(r, 64, "--bfile is not an option of scan but of encrypt");
    program_run(&r, "scan", "--key", "x", NULL);
    EXPECT(r, 64, "--key is not an option of scan");
    program_run(&r, "encrypt", "--backend", "cpu", NULL);
    EXPECT(r, 64, "--backend is not an option of encrypt but of scan");
}

Test(cli, required_options_are_named)
{
    static const char *const firsts[COMMANDS] = {"bfile", NULL,  "out", "bfile", "key",
                                                 "geno",  "out", "key", "table"};
    for (int c = 0; c < COMMANDS; c++) {
        if (!firsts[c])
            continue;
        program_result r;
        char text[64];
        program_run(&r, commands[c], NULL);
        snprintf(text, sizeof text, "heloci %s: --%s ", commands[c], firsts[c]);
        EXPECT(r, 64, text);
        EXPECT(r, 64, "is required");
    }
    program_result r;
    program_run(&r, "inspect", NULL);
    EXPECT(r, 64, "heloci inspect FILE");
}

Test(cli, arguments_are_checked)
{
    static const struct {
        const char *command, *option, *value, *says;
    } cases[] = {
        {"run", "--threads", "0", "whole number from 1 to 4096"},
        {"run", "--threads", "4097", "whole number from 1 to 4096"},
        {"run", "--threads", "-1", "whole number"},
        {"run", "--threads", "2x", "whole number"},
        {"run", "--threads", "", "whole number"},
        {"run", "--threads", "99999999999999999999", "whole number"},
        {"run", "--vif", "nan", "number from 1"},
        {"run", "--vif", "0.5", "number from 1"},
        {"run", "--max-corr", "1.5", "number from"},
        {"run", "--memory", "2Q", "amount of memory"},
        {"run", "--memory", "-5", "amount of memory"},
        {"run", "--memory", "1K", "at least 1 MiB"},
        {"run", "--memory", "0", "at least 1 MiB"},
        {"run", "--missing", "median", "one of mean, delete"},
        {"scan", "--backend", "gpu", "one of auto, cuda, cpu, sim"},
        {"run", "--backend", "", "one of auto, cuda, cpu, sim"},
        {"scan", "--device", "-1", "whole number from 0"},
        {"scan", "--verify", "1.5", "number from 0 to 1"},
        {"run", "--verify", "nan", "number from 0 to 1"},
        {"run", "--trait", "Linear", "one of auto, linear, logistic"},
        {"run", "--format", "plink2,", "list of plink2, regenie, ssf"},
        {"run", "--format", "plink", "list of plink2, regenie, ssf"},
        {"run", "--progress", "loud", "one of auto, bar, plain, json, none"},
        {"run", "--bfile", "", "empty"},
        {"params", "--bits", "25", "from 8 to 24"},
        {"params", "--log-n", "9", "from 10 to 17"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        program_result r;
        program_run(&r, cases[i].command, cases[i].option, cases[i].value, NULL);
        EXPECT(r, 64, cases[i].says);
        cr_expect(strstr(r.err, cases[i].option) != NULL);
    }
}

Test(cli, malformed_lines)
{
    program_result r;
    program_run(&r, "scan", "--geno", NULL);
    EXPECT(r, 64, "--geno needs an argument");
    program_run(&r, "scan", "--geno", "--weights", "x", NULL);
    EXPECT(r, 64, "--geno needs an argument");
    program_run(&r, "scan", "--geno", "a", "--geno", "a", NULL);
    EXPECT(r, 64, "--geno is given twice");
    program_run(&r, "run", "--quiet=1", NULL);
    EXPECT(r, 64, "--quiet takes no argument");
    program_run(&r, "scan", "file", NULL);
    EXPECT(r, 64, "'file' is not expected here");
    program_run(&r, "inspect", "one", "two", NULL);
    EXPECT(r, 64, "'two' is not expected here");
    program_run(&r, "scan", "-g", NULL);
    EXPECT(r, 64, "'-g' is not expected here");
    program_run(&r, "scan", "--", NULL);
    EXPECT(r, 64, "'--' is not expected here");
}

Test(cli, equals_sign_is_an_alternative)
{
    program_result r, same;
    program_run(&r, "params", "--bits=16", NULL);
    program_run(&same, "params", "--bits", "16", NULL);
    EXPECT(r, 0, "");
    cr_expect_str_eq(r.out, same.out);
}

Test(cli, params_shows_both_conditions_and_the_table)
{
    static const char *const pieces[] = {"N = 8192 = 2^13", "range   2 n G", "noise   Da Dz / 2",
                                         "holds",           "2^13: 214",     "within"};
    program_result r;
    program_run(&r, "params", NULL);
    EXPECT(r, 0, "");
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        cr_expect(strstr(r.out, pieces[i]) != NULL, "%s is not in:\n%s", pieces[i], r.out);
    program_run(&r, "params", "--estimator-input", NULL);
    EXPECT(r, 0, "");
    cr_expect_eq(strncmp(r.out, "LWE.Parameters(n=2**13, q=2**", 29), 0, "%s", r.out);
    program_run(&r, "params", "--log-n", "12", NULL);
    EXPECT(r, 78, "heloci params: "); /* expansion does not fit below 2^106 */
}

Test(cli, params_shows_the_sets_of_ckks)
{
    static const char *const names[] = {"n12", "n17", "cmp13", "cmp16d4", "log2 QP"};
    static const char *const pieces[] = {"N = 8192 = 2^13, 4096 slots", "bound 214 at 128 bits",
                                         "multiplier  primes", "3 digits"};
    program_result r;
    program_run(&r, "params", "--ckks", NULL);
    EXPECT(r, 0, "");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        cr_expect(strstr(r.out, names[i]) != NULL, "%s is not in:\n%s", names[i], r.out);
    program_run(&r, "params", "--ckks=cmp13", NULL);
    EXPECT(r, 0, "");
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        cr_expect(strstr(r.out, pieces[i]) != NULL, "%s is not in:\n%s", pieces[i], r.out);
    program_run(&r, "params", "--ckks", "cmp13", "--estimator-input", NULL);
    EXPECT(r, 0, "");
    cr_expect_eq(strncmp(r.out, "LWE.Parameters(n=2**13, q=2**210,", 33), 0, "%s", r.out);
    program_run(&r, "params", "--ckks", "--estimator-input", NULL);
    EXPECT(r, 0, "");
    program_run(&r, "params", "--ckks", "n18", NULL);
    EXPECT(r, 64, "there is no set 'n18'; there are n12, ");
    program_run(&r, "params", "--ckks", "--bits", "16", NULL);
    EXPECT(r, 64, "--ckks does not go with --bits");
    program_run(&r, "params", "--ckks=", NULL);
    EXPECT(r, 64, "empty");
}

Test(cli, missing_files_are_named)
{
    program_result r;
    program_run(&r, "inspect", "/nonexistent/x.geno", NULL);
    EXPECT(r, 74, "heloci inspect: /nonexistent/x.geno");
    program_run(&r, "verify", "/nonexistent/x.geno", NULL);
    EXPECT(r, 74, "heloci verify: /nonexistent/x.geno");
    program_run(&r, "run", "--bfile", "/nonexistent/x", "--out", "/tmp/y", NULL);
    EXPECT(r, 66, "/nonexistent/x.bed: No such file");
}

Test(cli, output_folders_must_exist)
{
    static const char *const lines[][8] = {
        {"keygen"},
        {"run", "--bfile", "x"},
        {"scan", "--geno", "x", "--weights", "x", "--evk", "x"},
        {"report", "--table", "x"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *argv[PROGRAM_ARGS] = {NULL};
        int argc = 1;
        for (int k = 0; k < 8 && lines[i][k]; k++)
            argv[argc++] = lines[i][k];
        argv[argc++] = "--out";
        argv[argc] = "/nonexistent/y";
        program_result r;
        program_run_argv(&r, NULL, NULL, argv);
        EXPECT(r, 74, "output folder /nonexistent does not exist");
    }
}

Test(cli, bfile_is_a_prefix)
{
    program_result r;
    program_run(&r, "encrypt", "--bfile", "a/x.bed", "--key", "k", "--out", "y", NULL);
    EXPECT(r, 64, "did you mean --bfile a/x?");
}

Test(cli, encrypt_keeps_an_earlier_dataset_file)
{
    test_dir d;
    program_result r;
    test_dir_make(&d);
    const char *out = test_dir_path(&d, "x"), *file = test_dir_path(&d, "x.private");
    test_write_file(file, "old", 3, 0600);
    program_run(&r, "encrypt", "--bfile", "/nonexistent/b", "--key", "k", "--out", out, NULL);
    EXPECT(r, 64, "x.private exists already");
    program_run(&r, "encrypt", "--bfile", "/nonexistent/b", "--key", "k", "--out", out,
                "--overwrite", NULL);
    cr_expect(r.code != 0 && r.code != 64, "%d: %s", r.code, r.err);
    test_dir_remove(&d);
}

/* A file of the wrong kind: the command's name once, and an article that fits. */
Test(cli, errors_name_the_command_once)
{
    test_dir d;
    program_result r;
    test_dir_make(&d);
    const char *out = test_dir_path(&d, "k"), *evk = test_dir_path(&d, "k.evk");
    program_run(&r, "keygen", "--out", out, "--quiet", NULL);
    EXPECT(r, 0, "");
    program_run(&r, "scan", "--geno", evk, "--weights", evk, "--evk", evk, "--out", out, NULL);
    EXPECT(r, 65, "this is an evaluation keys file, a weights file is needed here");
    program_run(&r, "keygen", "--out", test_dir_path(&d, "l"), "--plane-max", "1", NULL);
    EXPECT(r, 64, "heloci keygen: planes up to 1");
    test_dir_remove(&d);
}

Test(cli, unwritable_standard_output_is_an_error)
{
    if (access("/dev/full", W_OK) != 0)
        cr_skip_test("no /dev/full");
    int code = system("'" HEL_PROGRAM "' help > /dev/full 2> /dev/null");
    cr_expect_eq(WEXITSTATUS(code), 74);
}

/* ---- passphrase files ---- */

static void keygen_with(program_result *r, const char *out, const char *passphrase_file)
{
    program_run(r, "keygen", "--out", out, "--passphrase-file", passphrase_file, NULL);
}

Test(cli, passphrase_file_must_be_private)
{
    static const mode_t open_modes[] = {0640, 0604, 0620, 0602, 0660, 0644, 0601};
    test_dir d;
    test_dir_make(&d);
    const char *file = test_dir_path(&d, "pass"), *out = test_dir_path(&d, "k");
    const char *key = test_dir_path(&d, "k.key");
    program_result r;
    for (size_t i = 0; i < sizeof open_modes / sizeof open_modes[0]; i++) {
        test_write_file(file, "correct horse\n", 14, open_modes[i]);
        keygen_with(&r, out, file);
        EXPECT(r, 77, "pass: mode ");
        cr_expect_not(test_exists(key));
        unlink(file);
    }
    test_dir_remove(&d);
}

Test(cli, passphrase_file_must_hold_a_passphrase)
{
    test_dir d;
    test_dir_make(&d);
    const char *file = test_dir_path(&d, "pass"), *out = test_dir_path(&d, "k");
    char longest[5000];
    program_result r;
    keygen_with(&r, out, file);
    EXPECT(r, 66, "No such file");
    test_write_file(file, "", 0, 0600);
    keygen_with(&r, out, file);
    EXPECT(r, 65, "empty");
    test_write_file(file, "\nsecond line\n", 13, 0600);
    keygen_with(&r, out, file);
    EXPECT(r, 65, "empty");
    test_write_file(file, "a\0b\n", 4, 0600);
    keygen_with(&r, out, file);
    EXPECT(r, 65, "NUL");
    memset(longest, 'x', sizeof longest);
    test_write_file(file, longest, sizeof longest, 0600);
    keygen_with(&r, out, file);
    EXPECT(r, 65, "longer than 4095");
    keygen_with(&r, out, d.path);
    EXPECT(r, 65, "regular file");
    test_dir_remove(&d);
}

Test(cli, passphrase_is_the_first_line_and_may_come_by_environment)
{
    test_dir d;
    test_dir_make(&d);
    const char *file = test_dir_path(&d, "pass"), *out = test_dir_path(&d, "k");
    char environment[2 * PATH_MAX + 64];
    program_result r;
    test_write_file(file, "correct horse\r\nignored\n", 23, 0600);
    keygen_with(&r, out, file);
    EXPECT(r, 0, "");
    cr_expect(strstr(r.out, "sealed") != NULL, "%s", r.out);
    snprintf(environment, sizeof environment, "HELOCI_PASSPHRASE_FILE=%s", file);
    const char *argv[] = {NULL, "keygen", "--out", out, "--overwrite", NULL};
    program_run_argv(&r, NULL, environment, argv);
    EXPECT(r, 0, "");
    cr_expect(strstr(r.out, "sealed") != NULL, "%s", r.out);
    test_dir_remove(&d);
}

Test(cli, keys_are_private_and_not_overwritten)
{
    test_dir d;
    test_dir_make(&d);
    const char *out = test_dir_path(&d, "k"), *key = test_dir_path(&d, "k.key");
    struct stat info;
    size_t bytes, again;
    program_result r;
    program_run(&r, "keygen", "--out", out, "--quiet", NULL);
    EXPECT(r, 0, "");
    cr_expect_str_eq(r.out, "");
    cr_expect_eq(stat(key, &info), 0);
    cr_expect_eq(info.st_mode & 0777, 0600);
    uint8_t *first = test_read_file(key, &bytes);
    program_run(&r, "keygen", "--out", out, NULL);
    EXPECT(r, 64, "k.key");
    uint8_t *second = test_read_file(key, &again);
    cr_expect(bytes == again && memcmp(first, second, bytes) == 0);
    free(first);
    free(second);
    test_dir_remove(&d);
}
