/* See bench_witness.h. */
#include "tools/heloci/bench_witness.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/heloci/bench_clear.h"
#include "tools/heloci/run_command.h"

enum { PATH_BYTES = 4096, OUTPUT_BYTES = 1 << 16, EXIT_UNSUPPORTED = 69, EXIT_FILE = 74 };

typedef struct paths {
    char cohort[PATH_BYTES], pheno[PATH_BYTES], covar[PATH_BYTES], out[PATH_BYTES];
} paths;

/* run_command()'s code; *said is what the program says of its failure. */
static int run(const paths *p, char *said, size_t room)
{
    const char *const argv[] = {"plink2", "--bfile",  p->cohort,    "--chr",
                                "1",      "--pheno",  p->pheno,     "--pheno-name",
                                "Q1",     "--covar",  p->covar,     "--covar-variance-standardize",
                                "--glm",  "omit-ref", "hide-covar", "--threads",
                                "1",      "--out",    p->out,       NULL};
    char *output = calloc(1, OUTPUT_BYTES);
    if (!output) {
        errno = ENOMEM;
        return COMMAND_FAILED;
    }
    const int code = run_command_all(argv, NULL, output, OUTPUT_BYTES);
    const char *error = strstr(output, "Error: ");
    if (code > 0)
        snprintf(said, room, "plink2 ended with %d%s%.*s", code, error ? ": " : "",
                 error ? (int)strcspn(error, "\n") : 0, error ? error : "");
    else if (code == COMMAND_FAILED)
        snprintf(said, room, "plink2 cannot be started: %s", strerror(errno));
    free(output);
    return code;
}

/* One row of plink2's table; 0 when it holds no numbers. */
static int read_row(char *line, const int column[5], char id[24], double value[4])
{
    char *rest = NULL;
    int at = 0, found = 0;
    for (char *word = strtok_r(line, "\t\n", &rest); word;
         word = strtok_r(NULL, "\t\n", &rest), at++) {
        if (at == column[0])
            snprintf(id, 24, "%s", word);
        for (int c = 1; c < 5; c++)
            if (at == column[c]) {
                char *end;
                value[c - 1] = strtod(word, &end);
                found += end != word && !*end;
            }
    }
    return found == 4;
}

static int find_columns(char *line, int column[5])
{
    static const char *const names[5] = {"ID", "OBS_CT", "BETA", "SE", "P"};
    char *rest = NULL;
    int at = 0, found = 0;
    for (char *word = strtok_r(line, "\t\n", &rest); word;
         word = strtok_r(NULL, "\t\n", &rest), at++)
        for (int c = 0; c < 5; c++)
            if (strcmp(word, names[c]) == 0) {
                column[c] = at;
                found++;
            }
    return found == 5;
}

/* 0 when the table lacks a column. */
static int compare(witness *out, FILE *table, FILE *expected, const clear_header *head)
{
    char *line = NULL, id[24] = "";
    size_t room = 0;
    int column[5] = {0};
    double value[4];
    clear_row row[8];
    int header = getline(&line, &room, table) > 0 && find_columns(line, column);
    for (uint32_t next = 0; header && getline(&line, &room, table) > 0;) {
        const int numbers = read_row(line, column, id, value);
        const uint32_t variant = (uint32_t)strtoul(id[0] ? id + 1 : "", NULL, 10);
        out->variants++;
        while (next <= variant && fread(row, sizeof *row, head->traits, expected) == head->traits)
            next++;
        if (!numbers || next != variant + 1 || row[0].missing || row[0].constant)
            continue;
        out->compared++;
        out->beta = fmax(out->beta, fabs(value[1] - row[0].beta) / row[0].se);
        out->beta = fmax(out->beta, fabs(value[2] / row[0].se - 1));
        if (value[3] > 0)
            out->log10p = fmax(out->log10p, fabs(-log10(value[3]) - row[0].log10p));
    }
    free(line);
    return header;
}

int witness_ask(witness *out, const char *folder, char *why, size_t room)
{
    paths p;
    char path[PATH_BYTES];
    clear_header head;
    memset(out, 0, sizeof *out);
    snprintf(p.cohort, sizeof p.cohort, "%s/cohort", folder);
    snprintf(p.pheno, sizeof p.pheno, "%s/cohort.pheno", folder);
    snprintf(p.covar, sizeof p.covar, "%s/cohort.covar", folder);
    snprintf(p.out, sizeof p.out, "%s/plink2", folder);
    const int code = run(&p, why, room);
    if (code == COMMAND_ABSENT)
        snprintf(out->absent, sizeof out->absent, "plink2 is not installed");
    if (code)
        return code == COMMAND_ABSENT ? 0 : EXIT_UNSUPPORTED;
    snprintf(path, sizeof path, "%s/plink2.Q1.glm.linear", folder);
    FILE *table = fopen(path, "r");
    snprintf(path, sizeof path, "%s/expected.bin", folder);
    FILE *expected = fopen(path, "rb");
    int rc = 0;
    if (!table || !expected || fread(&head, sizeof head, 1, expected) != 1 ||
        head.magic != CLEAR_MAGIC || head.traits < 1 || head.traits > 8 || head.binary[0] ||
        !compare(out, table, expected, &head)) {
        snprintf(why, room, "%s: cannot be compared with plink2", folder);
        rc = EXIT_FILE;
    }
    if (table)
        fclose(table);
    if (expected)
        fclose(expected);
    return rc;
}
