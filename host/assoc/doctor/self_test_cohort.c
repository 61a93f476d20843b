/* See self_test_private.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/assoc/doctor/self_test_private.h"
#include "host/base/file.h"
#include "host/base/mem.h"

/* ---- made up ---- */

/* splitmix64: the same cohort everywhere. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Every variant varies: the first three samples have 0, 1 and 2 copies. */
void hel_test_cohort_make(hel_test_cohort *c)
{
    uint64_t state = 1;
    for (uint32_t v = 0; v < HEL_TEST_VARIANTS; v++)
        for (uint32_t i = 0; i < HEL_TEST_SAMPLES; i++)
            c->call[v][i] = (uint8_t)(i < 3 ? i : next(&state) % 3);
    for (uint32_t i = 0; i < HEL_TEST_SAMPLES; i++) /* thousandths, so that text holds them */
        c->trait[i] = 0.5 * c->call[0][i] + (double)(next(&state) % 4001) / 1000 - 2;
}

/* ---- as files ---- */

static hel_status write_bed(hel_engine *engine, const hel_test_cohort *c, hel_outfile *f)
{
    static const uint8_t magic[3] = {0x6c, 0x1b, 0x01};
    static const uint8_t code[3] = {3, 2, 0}; /* of 0, 1, 2 copies */
    HEL_TRY(hel_outfile_write(engine, f, magic, sizeof magic));
    for (uint32_t v = 0; v < HEL_TEST_VARIANTS; v++) {
        uint8_t row[(HEL_TEST_SAMPLES + 3) / 4] = {0};
        for (uint32_t i = 0; i < HEL_TEST_SAMPLES; i++)
            row[i / 4] = (uint8_t)(row[i / 4] | code[c->call[v][i]] << i % 4 * 2);
        HEL_TRY(hel_outfile_write(engine, f, row, sizeof row));
    }
    return HEL_OK;
}

static hel_status write_bim(hel_engine *engine, const hel_test_cohort *c, hel_outfile *f)
{
    (void)c;
    for (uint32_t v = 0; v < HEL_TEST_VARIANTS; v++)
        HEL_TRY(hel_outfile_printf(engine, f, "1\tv%u\t0\t%u\tA\tC\n", v, 100 * (v + 1)));
    return HEL_OK;
}

static hel_status write_fam(hel_engine *engine, const hel_test_cohort *c, hel_outfile *f)
{
    for (uint32_t i = 0; i < HEL_TEST_SAMPLES; i++)
        HEL_TRY(hel_outfile_printf(engine, f, "0\ts%u\t0\t0\t0\t%.3f\n", i, c->trait[i]));
    return HEL_OK;
}

hel_status hel_test_cohort_write(hel_engine *engine, const hel_test_cohort *c, const char *prefix)
{
    static const struct {
        const char *suffix;
        hel_status (*write)(hel_engine *engine, const hel_test_cohort *c, hel_outfile *f);
    } files[] = {{".bed", write_bed}, {".bim", write_bim}, {".fam", write_fam}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        hel_outfile f;
        char *path;
        HEL_TRY(hel_path_join(engine, &path, prefix, files[i].suffix));
        hel_status status = hel_outfile_open(engine, &f, path, 0644);
        if (status == HEL_OK) {
            status = files[i].write(engine, c, &f);
            if (status == HEL_OK)
                status = hel_outfile_commit(engine, &f);
            else
                hel_outfile_abort(&f);
        }
        hel_free(path);
        HEL_TRY(status);
    }
    return HEL_OK;
}

/* ---- in clear ---- */

static void regress(const hel_test_cohort *c, uint32_t v, double *beta, double *se)
{
    const double n = HEL_TEST_SAMPLES;
    double x = 0, y = 0, xx = 0, xy = 0, yy = 0;
    for (uint32_t i = 0; i < HEL_TEST_SAMPLES; i++) {
        x += c->call[v][i] / n;
        y += c->trait[i] / n;
    }
    for (uint32_t i = 0; i < HEL_TEST_SAMPLES; i++) {
        const double dx = c->call[v][i] - x, dy = c->trait[i] - y;
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
    }
    *beta = xy / xx;
    *se = sqrt((yy - *beta * xy) / ((n - 2) * xx));
}

/* The n-th field of a line, from 0. */
static const char *field(const char *line, uint32_t n)
{
    for (; n > 0; n--) {
        line += strcspn(line, "\t\n");
        line += *line == '\t';
    }
    return line;
}

/* Number of a column by its name in the header; UINT32_MAX where it has none. */
static uint32_t column(const char *header, const char *name)
{
    const size_t length = strlen(name);
    const char *end = header + strcspn(header, "\n");
    uint32_t n = 0;
    for (const char *at = header; at < end; at += strcspn(at, "\t\n") + 1, n++)
        if (strcspn(at, "\t\n") == length && memcmp(at, name, length) == 0)
            return n;
    return UINT32_MAX;
}

/* Weights are rounded to 2^-19 of the largest: far nearer than this. */
static int is_near(double got, double want, double se)
{
    return fabs(got - want) <= 1e-3 * se;
}

hel_status hel_test_cohort_check(hel_engine *engine, const hel_test_cohort *c, const char *table)
{
    uint8_t *data;
    uint64_t bytes;
    HEL_TRY(hel_file_read(engine, table, 1 << 20, &data, &bytes));
    const char *line = (const char *)data;
    const uint32_t betas = column(line, "BETA"), ses = column(line, "SE");
    hel_status status = HEL_OK;
    uint32_t v = 0;
    if (betas == UINT32_MAX || ses == UINT32_MAX)
        status = hel_fail(engine, HEL_E_INTERNAL, "%s: has no columns BETA and SE", table);
    line += strcspn(line, "\n");
    for (; status == HEL_OK && line[0] == '\n' && line[1]; v++) {
        double beta = 0, se = 0;
        const char *row = line + 1;
        if (v < HEL_TEST_VARIANTS)
            regress(c, v, &beta, &se);
        const double b = strtod(field(row, betas), NULL), s = strtod(field(row, ses), NULL);
        if (!is_near(b, beta, se) || !is_near(s, se, se))
            status = hel_fail(engine, HEL_E_INTERNAL,
                              "variant v%u: beta %g with standard error %g, in clear %g with %g", v,
                              b, s, beta, se);
        line = row + strcspn(row, "\n");
    }
    if (status == HEL_OK && v != HEL_TEST_VARIANTS)
        status = hel_fail(engine, HEL_E_INTERNAL, "%s: %u rows, the rule is %u", table, v,
                          HEL_TEST_VARIANTS);
    hel_free(data);
    return status;
}
