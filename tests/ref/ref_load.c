#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/ref/ref_load.h"

static void *must(size_t count, size_t bytes)
{
    void *p = calloc(count ? count : 1, bytes);
    if (!p)
        abort();
    return p;
}

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "ref_load: %s\n", what);
    abort();
}

int ref_unpack(const char *folder, const char *name, char *path)
{
    char archive[512], command[1200], made[] = "/tmp/hel_ref_XXXXXX";
    snprintf(archive, sizeof archive, "%s/%s.tar.xz", folder, name);
    if (access(archive, R_OK))
        return 0;
    check(mkdtemp(made) != NULL, "no temporary folder");
    snprintf(command, sizeof command, "tar xJf '%s' -C '%s'", archive, made);
    check(system(command) == 0, archive);
    snprintf(path, 512, "%s/%s", made, name);
    return 1;
}

void ref_unpack_remove(const char *path)
{
    char command[600];
    check(!strncmp(path, "/tmp/hel_ref_", 13), path);
    snprintf(command, sizeof command, "rm -rf '%.19s'", path);
    if (system(command))
        fprintf(stderr, "ref_load: %s remains\n", path);
}

static char *slurp(const char *path)
{
    size_t length = strlen(path), bytes = 0, room = 1 << 20;
    int zipped = length > 3 && !strcmp(path + length - 3, ".gz");
    char command[600], *text = must(room, 1);
    snprintf(command, sizeof command, "zcat '%s'", path);
    FILE *f = zipped ? popen(command, "r") : fopen(path, "r");
    check(f != NULL, path);
    for (size_t got; (got = fread(text + bytes, 1, room - bytes - 1, f)) > 0;) {
        bytes += got;
        if (room - bytes < 4096) {
            room *= 2;
            text = realloc(text, room);
            check(text != NULL, "memory");
        }
    }
    text[bytes] = 0;
    if (zipped)
        pclose(f);
    else
        fclose(f);
    return text;
}

ref_table *ref_table_load(const char *path)
{
    ref_table *t = must(1, sizeof *t);
    t->text = slurp(path);
    uint64_t lines = 0, at = 0;
    for (char *c = t->text; *c; c++)
        lines += *c == '\n';
    const char *blank = " \t\r";
    char *line_save, *save;
    for (char *line = strtok_r(t->text, "\n", &line_save); line;
         line = strtok_r(NULL, "\n", &line_save)) {
        uint64_t first = at;
        for (char *c = strtok_r(line, blank, &save); c; c = strtok_r(NULL, blank, &save)) {
            if (!t->cell || (t->columns && at >= (lines + 1) * t->columns)) {
                check(!t->columns, "a table's lines differ in length");
                t->cell = must(4096, sizeof *t->cell);
            }
            t->cell[at++] = c;
        }
        if (!t->columns) {
            t->columns = (uint32_t)at;
            t->cell = realloc(t->cell, (lines + 1) * t->columns * sizeof *t->cell);
            check(t->cell != NULL, "memory");
        }
        check(at - first == t->columns, path);
        t->rows++;
    }
    t->rows--;
    return t;
}

void ref_table_free(ref_table *t)
{
    if (!t)
        return;
    free(t->cell);
    free(t->text);
    free(t);
}

uint32_t ref_table_column(const ref_table *t, const char *name)
{
    for (uint32_t c = 0; c < t->columns; c++)
        if (!strcmp(t->cell[c], name))
            return c;
    check(0, name);
    return 0;
}

double ref_number(const ref_table *t, uint32_t row, uint32_t column)
{
    const char *cell = ref_cell(t, row, column);
    char *end;
    double v = strtod(cell, &end);
    return *end ? NAN : v;
}

ref_set *ref_set_load(const char *prefix)
{
    char path[600];
    ref_set *s = must(1, sizeof *s);
    snprintf(path, sizeof path, "%s.fam", prefix);
    s->fam = ref_table_load(path);
    snprintf(path, sizeof path, "%s.bim", prefix);
    s->bim = ref_table_load(path);
    s->samples = s->fam->rows + 1;
    s->variants = s->bim->rows + 1;
    snprintf(path, sizeof path, "%s.bed", prefix);
    FILE *f = fopen(path, "rb");
    size_t stride = (s->samples + 3) / 4;
    uint8_t *raw = must(stride, 1), magic[3];
    static const uint8_t count_of[4] = {2, 3, 1, 0};
    check(f && fread(magic, 1, 3, f) == 3 && magic[0] == 0x6c && magic[1] == 0x1b && magic[2] == 1,
          path);
    s->calls = must((size_t)s->variants * s->samples, 1);
    for (uint32_t v = 0; v < s->variants; v++) {
        check(fread(raw, 1, stride, f) == stride, path);
        for (uint32_t i = 0; i < s->samples; i++)
            s->calls[(size_t)v * s->samples + i] = count_of[raw[i / 4] >> 2 * (i % 4) & 3];
    }
    fclose(f);
    free(raw);
    return s;
}

void ref_set_free(ref_set *s)
{
    if (!s)
        return;
    ref_table_free(s->fam);
    ref_table_free(s->bim);
    free(s->calls);
    free(s);
}

const char *ref_variant_id(const ref_set *s, uint32_t variant)
{
    return s->bim->cell[(uint64_t)variant * s->bim->columns + 1];
}

/* Column of a table by sample; most files keep the fam's order, so the search starts there. */
static double *by_sample(const ref_set *s, const ref_table *t, uint32_t column)
{
    double *v = must(s->samples, sizeof *v);
    uint32_t iid = ref_table_column(t, "IID"), at = 0;
    for (uint32_t i = 0; i < s->samples; i++) {
        const char *want = s->fam->cell[(uint64_t)i * s->fam->columns + 1];
        v[i] = NAN;
        for (uint32_t tried = 0; tried < t->rows; tried++, at++) {
            if (at >= t->rows)
                at = 0;
            if (!strcmp(ref_cell(t, at, iid), want)) {
                v[i] = ref_number(t, at, column);
                break;
            }
        }
    }
    return v;
}

static void code_trait(hel_phenotype *p, uint32_t samples)
{
    int binary = 1;
    for (uint32_t i = 0; i < samples; i++) {
        if (p->y[i] == -9)
            p->y[i] = NAN;
        binary &= isnan(p->y[i]) || p->y[i] == 1 || p->y[i] == 2;
    }
    p->trait = binary ? HEL_TRAIT_BINARY : HEL_TRAIT_QUANTITATIVE;
    for (uint32_t i = 0; i < samples && binary; i++)
        p->y[i] -= 1;
}

static int listed(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names; at && (at = strstr(at, name)); at += length)
        if ((at == names || at[-1] == ',') && (at[length] == ',' || !at[length]))
            return 1;
    return names == NULL;
}

hel_design *ref_design_load(const ref_set *s, const char *pheno_path, const char *names,
                            const char *covar_path)
{
    hel_design *d = must(1, sizeof *d);
    ref_table *t = ref_table_load(pheno_path);
    d->samples = s->samples;
    d->phenotype = must(t->columns, sizeof *d->phenotype);
    for (uint32_t c = 2; c < t->columns; c++) {
        if (!listed(names, t->cell[c]))
            continue;
        hel_phenotype *p = &d->phenotype[d->phenotypes++];
        p->name = strdup(t->cell[c]);
        p->y = by_sample(s, t, c);
        code_trait(p, s->samples);
    }
    ref_table_free(t);
    if (!covar_path)
        return d;
    t = ref_table_load(covar_path);
    d->covariates = t->columns - 2;
    d->covariate = must(d->covariates, sizeof *d->covariate);
    d->covariate_name = must(d->covariates, sizeof *d->covariate_name);
    for (uint32_t c = 0; c < d->covariates; c++) {
        d->covariate_name[c] = strdup(t->cell[c + 2]);
        d->covariate[c] = by_sample(s, t, c + 2);
    }
    ref_table_free(t);
    return d;
}

void ref_design_free(hel_design *d)
{
    if (!d)
        return;
    for (uint32_t t = 0; t < d->phenotypes; t++) {
        free(d->phenotype[t].name);
        free(d->phenotype[t].y);
    }
    for (uint32_t c = 0; c < d->covariates; c++) {
        free(d->covariate_name[c]);
        free(d->covariate[c]);
    }
    free(d->phenotype);
    free(d->covariate);
    free(d->covariate_name);
    free(d);
}
