/* The cohort's files, and every variant of them in clear; see bench_clear.h. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/heloci/bench_clear.h"
#include "tools/heloci/bench_size.h"

enum { EXIT_DATA = 65, EXIT_MEMORY = 71, EXIT_FILE = 74, PATH_BYTES = 4096, NAME = 8 };

typedef struct table {
    uint32_t rows, columns; /* without FID and IID */
    char name[BENCH_COVARIATES][NAME];
    double *value; /* [columns][rows], NaN = NA */
} table;

typedef struct reading {
    const char *folder;
    char *why;
    size_t room;
} reading;

static int fail(const reading *r, const char *name, const char *reason, int code)
{
    snprintf(r->why, r->room, "%s/%s: %s", r->folder, name, reason);
    return code;
}

static FILE *open_file(const reading *r, const char *name, const char *mode)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", r->folder, name);
    return fopen(path, mode);
}

static int read_header(table *t, char *line)
{
    char *rest = NULL, *word = strtok_r(line, "\t\r\n", &rest);
    for (uint32_t i = 0; word; word = strtok_r(NULL, "\t\r\n", &rest), i++) {
        if (i < 2)
            continue;
        if (t->columns == BENCH_COVARIATES || strlen(word) >= NAME)
            return 0;
        snprintf(t->name[t->columns++], NAME, "%s", word);
    }
    return 1;
}

static int read_row(table *t, char *line, uint32_t row, uint32_t rows)
{
    char *rest = NULL, *word = strtok_r(line, "\t\r\n", &rest);
    uint32_t i = 0;
    for (; word && i < t->columns + 2; word = strtok_r(NULL, "\t\r\n", &rest), i++)
        if (i >= 2)
            t->value[(size_t)(i - 2) * rows + row] =
                strcmp(word, "NA") == 0 ? NAN : strtod(word, NULL);
    return !word && i == t->columns + 2;
}

/* A table of our own; one row per sample, in the order of the .fam file. */
static int read_table(const reading *r, const char *name, uint32_t rows, table *t)
{
    FILE *f = open_file(r, name, "r");
    char *line = NULL;
    size_t room = 0;
    int rc = 0;
    memset(t, 0, sizeof *t);
    if (!f)
        return fail(r, name, strerror(errno), EXIT_FILE);
    if (getline(&line, &room, f) <= 0 || !read_header(t, line))
        rc = fail(r, name, "is not a table of this workload", EXIT_DATA);
    if (rc == 0 && !(t->value = calloc((size_t)t->columns * rows + 1, sizeof *t->value)))
        rc = fail(r, name, "no memory", EXIT_MEMORY);
    while (rc == 0 && t->rows < rows && getline(&line, &room, f) > 0)
        if (!read_row(t, line, t->rows++, rows))
            rc = fail(r, name, "a row is too short or too long", EXIT_DATA);
    if (rc == 0 && t->rows < rows)
        rc = fail(r, name, "has fewer rows than there are samples", EXIT_DATA);
    free(line);
    fclose(f);
    return rc;
}

static int count_lines(const reading *r, const char *name, uint32_t *lines)
{
    FILE *f = open_file(r, name, "r");
    *lines = 0;
    if (!f)
        return fail(r, name, strerror(errno), EXIT_FILE);
    for (int c; (c = fgetc(f)) != EOF;)
        *lines += (uint32_t)(c == '\n');
    fclose(f);
    return 0;
}

static int create_traits(const reading *r, const table *pheno, const table *covar,
                         clear_header *head, clear_trait **trait)
{
    const double *columns[BENCH_COVARIATES];
    const uint32_t n = pheno->rows;
    for (uint32_t a = 0; a < covar->columns; a++)
        columns[a] = covar->value + (size_t)a * n;
    head->traits = pheno->columns;
    for (uint32_t t = 0; t < pheno->columns; t++) {
        double *y = pheno->value + (size_t)t * n;
        snprintf(head->name[t], sizeof head->name[t], "%s", pheno->name[t]);
        head->binary[t] = pheno->name[t][0] == 'B';
        for (uint32_t i = 0; i < n; i++) {
            if (head->binary[t])
                y[i] -= 1;
            head->samples[t] += isnan(y[i]) ? 0 : 1;
            head->cases[t] += head->binary[t] && y[i] > 0.5;
        }
        clear_trait_create(&trait[t], n, covar->columns, columns, y, head->binary[t]);
        if (!trait[t])
            return fail(r, "cohort.pheno", "no null model can be fitted in clear", EXIT_DATA);
    }
    return 0;
}

static int run_variants(const reading *r, const clear_header *head, uint32_t samples,
                        clear_trait **trait)
{
    static const uint8_t copies[4] = {2, 3, 1, 0}; /* of A1, by code; 3 = missing */
    const size_t bytes = ((size_t)samples + 3) / 4;
    FILE *bed = open_file(r, "cohort.bed", "rb"), *out = open_file(r, "expected.bin", "wb");
    uint8_t *row = malloc(bytes), *calls = malloc(samples), magic[3];
    int rc = 0;
    if (!bed || !out)
        rc = fail(r, bed ? "expected.bin" : "cohort.bed", strerror(errno), EXIT_FILE);
    else if (!row || !calls)
        rc = fail(r, "cohort.bed", "no memory", EXIT_MEMORY);
    else if (fread(magic, 1, 3, bed) != 3 || memcmp(magic, "\x6c\x1b\x01", 3) != 0)
        rc = fail(r, "cohort.bed", "is no .bed file", EXIT_DATA);
    else if (fwrite(head, sizeof *head, 1, out) != 1)
        rc = fail(r, "expected.bin", strerror(errno), EXIT_FILE);
    for (uint32_t j = 0; rc == 0 && j < head->variants; j++) {
        clear_row result[BENCH_TRAITS];
        if (fread(row, 1, bytes, bed) != bytes) {
            rc = fail(r, "cohort.bed", "is too short", EXIT_DATA);
            break;
        }
        for (uint32_t i = 0; i < samples; i++)
            calls[i] = copies[row[i / 4] >> 2 * (i % 4) & 3];
        for (uint32_t t = 0; t < head->traits; t++)
            clear_trait_variant(trait[t], calls, &result[t]);
        if (fwrite(result, sizeof *result, head->traits, out) != head->traits)
            rc = fail(r, "expected.bin", strerror(errno), EXIT_FILE);
    }
    if (bed)
        fclose(bed);
    if (out && fclose(out) != 0 && rc == 0)
        rc = fail(r, "expected.bin", strerror(errno), EXIT_FILE);
    free(row);
    free(calls);
    return rc;
}

int bench_cleartext(const char *folder, char *why, size_t room)
{
    const reading r = {folder, why, room};
    clear_header head = {.magic = CLEAR_MAGIC};
    clear_trait *trait[BENCH_TRAITS] = {NULL};
    table pheno = {0}, covar = {0};
    uint32_t samples = 0;
    int rc = count_lines(&r, "cohort.fam", &samples);
    if (rc == 0)
        rc = count_lines(&r, "cohort.bim", &head.variants);
    if (rc == 0)
        rc = read_table(&r, "cohort.pheno", samples, &pheno);
    if (rc == 0)
        rc = read_table(&r, "cohort.covar", samples, &covar);
    if (rc == 0 && (pheno.columns == 0 || pheno.columns > BENCH_TRAITS))
        rc = fail(&r, "cohort.pheno", "has no traits, or more than 8", EXIT_DATA);
    if (rc == 0)
        rc = create_traits(&r, &pheno, &covar, &head, trait);
    if (rc == 0)
        rc = run_variants(&r, &head, samples, trait);
    for (uint32_t t = 0; t < BENCH_TRAITS; t++)
        clear_trait_free(trait[t]);
    free(pheno.value);
    free(covar.value);
    return rc;
}
