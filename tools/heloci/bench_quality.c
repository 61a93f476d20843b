/* See bench_quality.h. */
#include "tools/heloci/bench_quality.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_DATA = 65, EXIT_FILE = 74, PATH_BYTES = 4096, LOW_COUNT = 5 };
#define COLLINEAR 50.0 /* the library's rule for variance inflation */
#define MARGIN    1e-3 /* within which rounding may decide on it */

/* The columns that are read. */
typedef enum cell_id {
    CELL_ID,
    CELL_FREQ,
    CELL_CASE_FREQ,
    CELL_OBS,
    CELL_CASES,
    CELL_MISSING,
    CELL_BETA,
    CELL_SE,
    CELL_LOG10P,
    CELL_REASON,
    CELLS
} cell_id;

static const char *const names[CELLS] = {"ID",      "A1_FREQ", "A1_CASE_FREQ", "OBS_CT", "CASE_CT",
                                         "MISS_CT", "BETA",    "SE",           "LOG10P", "ERRCODE"};

typedef struct row {
    const char *cell[CELLS];
} row;

int quality_agreement(double a, double b)
{
    const double size = fmax(fabs(a), fabs(b)), gap = fabs(a - b);
    if (!(gap > 0))
        return isnan(gap) ? 0 : QUALITY_DIGITS - 1;
    const double digits = floor(-log10(gap / size));
    return digits < 0 ? 0 : digits > QUALITY_DIGITS - 1 ? QUALITY_DIGITS - 1 : (int)digits;
}

static void find_columns(char *line, int index[CELLS])
{
    char *rest = NULL;
    int at = 0;
    for (int c = 0; c < CELLS; c++)
        index[c] = -1;
    for (char *word = strtok_r(line, "\t\n", &rest); word;
         word = strtok_r(NULL, "\t\n", &rest), at++)
        for (int c = 0; c < CELLS; c++)
            if (strcmp(word, names[c]) == 0)
                index[c] = at;
}

static int columns_complete(const int index[CELLS], int binary)
{
    for (int c = 0; c < CELLS; c++)
        if (index[c] < 0 && (binary || (c != CELL_CASE_FREQ && c != CELL_CASES)))
            return 0;
    return 1;
}

static int split_row(char *line, const int index[CELLS], row *out)
{
    char *rest = NULL;
    int at = 0, found = 0, wanted = 0;
    memset(out, 0, sizeof *out);
    for (char *word = strtok_r(line, "\t\n", &rest); word;
         word = strtok_r(NULL, "\t\n", &rest), at++)
        for (int c = 0; c < CELLS; c++)
            if (index[c] == at) {
                out->cell[c] = word;
                found++;
            }
    for (int c = 0; c < CELLS; c++)
        wanted += index[c] >= 0;
    return found == wanted;
}

static uint32_t whole(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

/* Copies behind a printed frequency; NA stands for none called. */
static int copies_equal(const char *frequency, uint32_t called, uint32_t copies)
{
    if (strcmp(frequency, "NA") == 0)
        return called == 0;
    return lround(strtod(frequency, NULL) * 2 * called) == (long)copies;
}

static int integers_equal(const row *r, const clear_row *want, int binary)
{
    if (whole(r->cell[CELL_OBS]) != want->called || whole(r->cell[CELL_MISSING]) != want->missing ||
        !copies_equal(r->cell[CELL_FREQ], want->called, want->copies))
        return 0;
    return !binary ||
           (whole(r->cell[CELL_CASES]) == want->cases_called &&
            copies_equal(r->cell[CELL_CASE_FREQ], want->cases_called, want->cases_copies));
}

/* The rules by which a variant has no result, on the clear numbers; the first one that holds is the
 * reason. Variance inflation, as a ratio to what is allowed. */
static int few_copies(const quality_trait *q, const clear_row *want)
{
    const uint32_t other = 2 * want->called - want->copies;
    return q->binary && (want->copies < other ? want->copies : other) < LOW_COUNT;
}

static double inflation(const clear_row *want)
{
    return 1 / (want->unexplained * COLLINEAR);
}

/* Whether the reason why a variant has no result is the one that the clear numbers give. */
static int reason_holds(quality_trait *q, const char *reason, const clear_row *want)
{
    if (strcmp(reason, "CONST_OMITTED_ALLELE") == 0) {
        q->constant++;
        return want->constant != 0;
    }
    if (strcmp(reason, "LOW_MAC") == 0) {
        q->low_count++;
        return !want->constant && few_copies(q, want);
    }
    if (strcmp(reason, "VIF_TOO_HIGH") == 0 || strcmp(reason, "CORR_TOO_HIGH") == 0) {
        q->collinear++;
        return !want->constant && !few_copies(q, want) && inflation(want) > 1 - MARGIN;
    }
    return 0;
}

/* Why a variant that has a result should have none; NULL otherwise. */
static const char *undue(const quality_trait *q, const clear_row *want)
{
    if (want->constant)
        return "does not vary, but has a result";
    if (few_copies(q, want))
        return "has fewer than 5 minor alleles, but a result";
    if (inflation(want) > 1 + MARGIN)
        return "is collinear, but has a result";
    return NULL;
}

static void bad(quality_trait *q, const char *variant, const char *what)
{
    if (!q->first_bad[0])
        snprintf(q->first_bad, sizeof q->first_bad, "%.24s: %s", variant, what);
}

static void compare_statistics(quality_trait *q, const row *r, const clear_row *want)
{
    const double beta = strtod(r->cell[CELL_BETA], NULL), se = strtod(r->cell[CELL_SE], NULL);
    const double log10p = strtod(r->cell[CELL_LOG10P], NULL);
    const double gap = fabs(log10p - want->log10p);
    q->tested++;
    q->digits[quality_agreement(log10p, want->log10p)]++;
    q->strongest = fmax(q->strongest, want->log10p);
    q->beta = fmax(q->beta, fabs(beta - want->beta) / want->se);
    q->se = fmax(q->se, fabs(se / want->se - 1));
    if (gap > q->log10p || q->tested == 1) {
        q->log10p = gap;
        snprintf(q->worst, sizeof q->worst, "%s", r->cell[CELL_ID]);
    }
    if (!(gap <= QUALITY_LOG10P) || !(fabs(beta - want->beta) <= QUALITY_BETA * want->se) ||
        !(fabs(se / want->se - 1) <= QUALITY_SE)) {
        q->off++;
        bad(q, r->cell[CELL_ID], "the statistics differ");
    }
}

static void compare_row(quality_trait *q, const row *r, const clear_row *want)
{
    const char *id = r->cell[CELL_ID], *reason = r->cell[CELL_REASON];
    char own[24];
    snprintf(own, sizeof own, "v%llu", (unsigned long long)q->variants++);
    if (strcmp(own, id) != 0) {
        q->unlike++;
        bad(q, id, "is not the next variant");
        return;
    }
    if (integers_equal(r, want, q->binary))
        q->integers_equal++;
    else
        bad(q, id, "the counts differ");
    if (strcmp(reason, ".") != 0) {
        if (!reason_holds(q, reason, want)) {
            q->unlike++;
            bad(q, id, "has no result");
        }
        return;
    }
    if (undue(q, want)) {
        q->unlike++;
        bad(q, id, undue(q, want));
        return;
    }
    compare_statistics(q, r, want);
}

static int read_rows(quality *out, uint32_t t, const clear_header *head, FILE *table,
                     const clear_row *want, const char *path, char *why, size_t room)
{
    quality_trait *q = &out->trait[t];
    char *line = NULL;
    size_t size = 0;
    int index[CELLS] = {0}, header = 0, rc = 0;
    while (rc == 0 && getline(&line, &size, table) > 0) {
        row r;
        if (line[0] == '#' && line[1] == '#')
            continue;
        if (!header) {
            find_columns(line, index);
            header = columns_complete(index, q->binary);
            rc = header ? 0 : EXIT_DATA;
        } else if (q->variants == head->variants || !split_row(line, index, &r)) {
            rc = EXIT_DATA;
        } else {
            compare_row(q, &r, &want[q->variants * head->traits + t]);
        }
    }
    if (rc == 0 && q->variants != head->variants)
        rc = EXIT_DATA;
    if (rc)
        snprintf(why, room, "%s: is not the table of this cohort, at row %llu", path,
                 (unsigned long long)q->variants + 1);
    free(line);
    return rc;
}

static int read_trait(quality *out, uint32_t t, const clear_header *head, const clear_row *want,
                      const char *tables, char *why, size_t room)
{
    quality_trait *q = &out->trait[t];
    char path[PATH_BYTES];
    *q = (quality_trait){
        .binary = head->binary[t], .samples = head->samples[t], .cases = head->cases[t]};
    memcpy(q->name, head->name[t], sizeof q->name);
    snprintf(path, sizeof path, "%s.%s.glm.%s", tables, q->name, q->binary ? "logistic" : "linear");
    FILE *table = fopen(path, "r");
    if (!table) {
        snprintf(why, room, "%s: %s", path, strerror(errno));
        return EXIT_FILE;
    }
    const int rc = read_rows(out, t, head, table, want, path, why, room);
    fclose(table);
    return rc;
}

/* All rows; NULL with a reason. */
static clear_row *read_expected(const char *folder, clear_header *head, char *why, size_t room)
{
    char path[PATH_BYTES];
    clear_row *rows = NULL;
    snprintf(path, sizeof path, "%s/expected.bin", folder);
    FILE *f = fopen(path, "rb");
    if (f && fread(head, sizeof *head, 1, f) == 1 && head->magic == CLEAR_MAGIC &&
        head->traits > 0 && head->traits <= BENCH_TRAITS) {
        const size_t count = (size_t)head->variants * head->traits;
        rows = malloc((count + 1) * sizeof *rows);
        if (rows && fread(rows, sizeof *rows, count, f) != count) {
            free(rows);
            rows = NULL;
        }
    }
    if (!rows)
        snprintf(why, room, "%s: cannot be read", path);
    if (f)
        fclose(f);
    return rows;
}

int quality_read(quality *out, const char *expected, const char *tables, char *why, size_t room)
{
    clear_header head;
    memset(out, 0, sizeof *out);
    clear_row *rows = read_expected(expected, &head, why, room);
    int rc = rows ? 0 : EXIT_FILE;
    for (uint32_t t = 0; rc == 0 && t < head.traits; t++)
        rc = read_trait(out, t, &head, rows, tables, why, room);
    out->traits = rc ? 0 : head.traits;
    free(rows);
    return rc;
}

int quality_good(const quality *q)
{
    int good = q->traits > 0;
    for (uint32_t t = 0; t < q->traits; t++) {
        const quality_trait *x = &q->trait[t];
        good = good && x->integers_equal == x->variants && x->unlike == 0 && x->tested > 0 &&
               x->off == 0;
    }
    return good;
}
