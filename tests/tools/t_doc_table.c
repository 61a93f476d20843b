/* The tables from which help, manual pages and completion are written: what those that read them
 * rely on, and that their examples and exit codes are true. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "heloci/status.h"
#include "tools/heloci/doc_table.h"

enum { WORDS = 64, TEXT = 512, LONGEST_WORD = 44 };

static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
static const char name_set[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
static const char word_set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

/* Words of a list between '|': each plain enough to stand in any shell. */
static int good_words(const char *list)
{
    for (const char *at = list;;) {
        size_t length = strcspn(at, "|");
        if (length == 0 || strspn(at, word_set) != length || *at == '.' || *at == '-')
            return 0;
        if (!at[length])
            return 1;
        at += length + 1;
    }
}

Test(doc_table, option_rows_are_whole)
{
    for (int i = 0; i < OPT_COUNT; i++) {
        const option_row *row = &option_table[i];
        cr_assert(row->name && row->help, "option %d has no row", i);
        cr_expect(row->name[0] && strspn(row->name, name_set) == strlen(row->name), "%s",
                  row->name);
        cr_expect(row->commands != 0 && row->commands >> CMD_COUNT == 0, "%s", row->name);
        cr_expect((row->required & ~row->commands) == 0, "%s is required where unknown", row->name);
        cr_expect_eq(row->kind == KIND_FLAG, row->arg == NULL, "%s", row->name);
        cr_expect(strlen(row->help) < TEXT - 128, "%s: too long for its buffers", row->name);
        if (row->choices)
            cr_expect(good_words(row->choices), "%s: %s", row->name, row->choices);
        if (row->kind == KIND_CHOICE || row->kind == KIND_SET)
            cr_expect(row->choices != NULL, "%s: no choices", row->name);
        if (row->kind == KIND_COUNT || row->kind == KIND_REAL)
            cr_expect(row->low < row->high, "%s: no range", row->name);
        if (row->required)
            cr_expect(row->arg != NULL, "%s: a flag cannot be required", row->name);
    }
}

Test(doc_table, command_rows_are_whole)
{
    for (int c = 0; c < CMD_COUNT; c++) {
        const command_row *row = &command_table[c];
        cr_assert(row->name && row->summary && row->text, "command %d has no row", c);
        cr_expect(row->name[0] && strspn(row->name, lower) == strlen(row->name), "%s", row->name);
        cr_expect_eq(command_find(row->name), c);
        const operand_row *operand = &operand_table[c];
        cr_expect(!operand->kind || row->operand, "%s takes no operand", row->name);
        cr_expect(!operand->choices || good_words(operand->choices), "%s", row->name);
        for (const word_row *w = word_table; w->name; w++)
            cr_expect_str_neq(w->name, row->name);
    }
}

/* Whether a name of file_table ends in `.type`: these may be several, separated by ", ". */
static int file_is_listed(const char *type)
{
    char ending[64];
    snprintf(ending, sizeof ending, ".%s", type);
    const size_t length = strlen(ending);
    for (const file_row *f = file_table; f->text; f++)
        for (const char *at = f->name ? strstr(f->name, ending) : NULL; at;
             at = strstr(at + 1, ending))
            if (at[length] == 0 || at[length] == ',')
                return 1;
    return 0;
}

/* An option for a file of ours says how those are called, and that is how they are written. */
Test(doc_table, types_of_files_are_those_that_commands_write)
{
    static const option_id ours[] = {OPT_KEY, OPT_DATA, OPT_GENO, OPT_WEIGHTS,
                                     OPT_EVK, OPT_SUMS, OPT_MODEL};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        const option_row *row = &option_table[ours[i]];
        cr_assert(row->kind == KIND_FILE && row->choices, "%s", row->name);
        cr_expect(file_is_listed(row->choices), "%s: no command writes .%s", row->name,
                  row->choices);
        cr_expect(strstr(row->help, row->choices) != NULL, "%s: %s", row->name, row->help);
    }
    cr_expect_eq(option_table[OPT_BFILE].kind, KIND_PREFIX);
    cr_expect_str_eq(option_table[OPT_BFILE].choices, "bed");
}

/* Splits a copy of the line into words; returns their number. */
static int split(char *copy, char **argv)
{
    int argc = 0;
    char *rest = NULL;
    for (char *w = strtok_r(copy, " ", &rest); w && argc < WORDS; w = strtok_r(NULL, " ", &rest))
        argv[argc++] = w;
    return argc;
}

Test(doc_table, examples_parse)
{
    int shown[CMD_COUNT] = {0};
    for (const example_row *e = example_table; e->line; e++) {
        char copy[TEXT], error[TEXT] = "", *argv[WORDS];
        cr_assert(e->command < CMD_COUNT && e->text && strlen(e->line) < sizeof copy);
        shown[e->command]++;
        cr_expect(strstr(e->line, "  ") == NULL && strpbrk(e->line, "'\"\\$`") == NULL, "%s",
                  e->line);
        cr_expect(strstr(e->text, "heloci") == NULL, "%s", e->text);
        snprintf(copy, sizeof copy, "%s", e->line);
        int argc = split(copy, argv);
        cr_assert(argc > 2, "%s", e->line);
        cr_expect_str_eq(argv[0], "heloci");
        cr_expect_str_eq(argv[1], command_table[e->command].name);
        for (int i = 0; i < argc; i++)
            cr_expect(strlen(argv[i]) <= LONGEST_WORD, "%s: too long for narrow terminals",
                      argv[i]);
        options o;
        FILE *err = fmemopen(error, sizeof error, "w");
        cr_assert(err != NULL);
        int rc = options_parse(&o, e->command, argc, argv, err);
        fclose(err);
        cr_expect_eq(rc, 0, "%s: %s", e->line, error);
        for (int i = 0; i < OPT_COUNT; i++) { /* a file of one type is named by it */
            const option_row *row = &option_table[i];
            if (!o.text[i] || row->kind != KIND_FILE || !row->choices || strchr(row->choices, '|'))
                continue;
            const size_t type = strlen(row->choices), length = strlen(o.text[i]);
            cr_expect(length > type + 1 && o.text[i][length - type - 1] == '.' &&
                          strcmp(o.text[i] + length - type, row->choices) == 0,
                      "%s: %s is no .%s", e->line, o.text[i], row->choices);
        }
        free(o.operands);
    }
    for (int c = 0; c < CMD_COUNT; c++)
        cr_expect(shown[c] > 0, "%s: no example in tools/heloci/doc_table.c",
                  command_table[c].name);
}

Test(doc_table, example_units_keep_options_and_values_together)
{
    cr_expect_eq(example_unit("heloci scan"), 6);
    cr_expect_eq(example_unit("--geno x.geno --quiet"), 13);
    cr_expect_eq(example_unit("--geno x.geno"), 13);
    cr_expect_eq(example_unit("--quiet --geno x"), 7);
    cr_expect_eq(example_unit("--quiet"), 7);
    cr_expect_eq(example_unit("x.geno"), 6);
}

Test(doc_table, every_exit_code_is_explained)
{
    const uint32_t every = (1u << CMD_COUNT) - 1;
    uint32_t with_zero = 0, with_usage = 0, same = 0; /* same: who has that code already */
    int last = -1;
    for (const exit_row *e = exit_table; e->text; e++) {
        same = e->code == last ? same : 0;
        cr_expect(e->code >= last && !(e->commands & same), "%d comes after %d", e->code, last);
        same |= e->commands;
        cr_expect(e->commands != 0 && (e->commands & ~every) == 0);
        last = e->code;
        with_zero |= e->code == 0 ? e->commands : 0;
        with_usage |= e->code == 64 ? e->commands : 0;
    }
    cr_expect_eq(with_zero, every);
    cr_expect_eq(with_usage, every);
    int known = 0;
    for (int s = 0; s < 64; s++) {
        if (strcmp(hel_status_name((hel_status)s), "HEL_E_UNKNOWN") == 0)
            continue;
        int code = hel_status_exit_code((hel_status)s), found = 0;
        known++;
        for (const exit_row *e = exit_table; e->text; e++)
            found |= e->code == code;
        cr_expect(found, "%s: exit code %d is not in tools/heloci/doc_table.c",
                  hel_status_name((hel_status)s), code);
    }
    cr_expect(known > 10, "%d statuses", known);
}

Test(doc_table, domains)
{
    char text[256];
    static const struct {
        option_id option;
        const char *domain;
    } cases[] = {
        {OPT_THREADS, "a whole number from 1 to 4096"},
        {OPT_MAX_CORR, "a number from 1e-09 to 1"},
        {OPT_MEMORY, "an amount of memory of at least 1 MiB, such as 2048, 512M or 2G"},
        {OPT_MISSING, "one of mean, delete"},
        {OPT_FORMAT, "a list of plink2, regenie, ssf"},
        {OPT_BFILE, ""},
        {OPT_GENO, ""},
        {OPT_TITLE, ""},
        {OPT_QUIET, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        option_domain(text, sizeof text, &option_table[cases[i].option]);
        cr_expect_str_eq(text, cases[i].domain);
    }
    /* a buffer that is too small gets what fits */
    option_row row = option_table[OPT_PROGRESS];
    for (size_t bytes = 1; bytes < 40; bytes++) {
        memset(text, 'x', sizeof text);
        option_domain(text, bytes, &row);
        cr_expect(memchr(text, 0, bytes) != NULL && text[bytes] == 'x', "%zu bytes", bytes);
    }
}

/* The wording of errors about files did not change with their kinds. */
Test(doc_table, empty_files_are_refused)
{
    static const char *const words[] = {"bfile", "out", "pheno", "pheno-name", "passphrase-file"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char option[64], error[TEXT] = "", wanted[TEXT];
        char *argv[] = {(char[]){"heloci"}, (char[]){"run"}, option, (char[]){""}, NULL};
        options o;
        snprintf(option, sizeof option, "--%s", words[i]);
        FILE *err = fmemopen(error, sizeof error, "w");
        cr_assert(err != NULL);
        cr_expect_eq(options_parse(&o, CMD_RUN, 4, argv, err), 64);
        fclose(err);
        free(o.operands);
        snprintf(wanted, sizeof wanted, "heloci run: --%s: '' is not usable: it is empty\n",
                 words[i]);
        cr_expect_str_eq(error, wanted);
    }
}
