/*
 * A small loader for the real data sets of the tests: PLINK filesets, tables by column name,
 * archives. Deliberately separate from host/geno. Aborts on anything odd; for tests only.
 */
#ifndef HEL_REF_LOAD_H
#define HEL_REF_LOAD_H

#include <stdint.h>

#include "host/geno/design.h"

/* Unpacks <folder>/<name>.tar.xz into a new temporary folder. path: room for 512 bytes, receives
 * "<temporary>/<name>". Returns 0 when the archive is not there. */
int ref_unpack(const char *folder, const char *name, char *path);
/* Removes what ref_unpack made. */
void ref_unpack_remove(const char *path);

/* White-space separated text; a .gz is read through zcat. */
typedef struct ref_table {
    char *text, **cell;     /* [rows + 1][columns], row 0 = header (or data, when it has none) */
    uint32_t rows, columns; /* rows without the first line */
} ref_table;

ref_table *ref_table_load(const char *path);
void ref_table_free(ref_table *t);
uint32_t ref_table_column(const ref_table *t, const char *name);
static inline const char *ref_cell(const ref_table *t, uint32_t row, uint32_t column)
{
    return t->cell[(uint64_t)(row + 1) * t->columns + column];
}
/* NaN for NA */
double ref_number(const ref_table *t, uint32_t row, uint32_t column);

typedef struct ref_set {
    uint32_t samples, variants;
    ref_table *fam, *bim; /* no header: their row 0 is cell row 0 */
    uint8_t *calls;       /* [variants][samples]: copies of bim column 5, 3 = missing */
} ref_set;

ref_set *ref_set_load(const char *prefix);
void ref_set_free(ref_set *s);
const char *ref_variant_id(const ref_set *s, uint32_t variant);

/* A design from <prefix>.pheno (all columns named, comma-separated; NULL = all) and a covariate
 * file (NULL = none), joined by IID; NA and -9 missing in phenotypes. Traits whose values are all 1
 * or 2 become binary. Free with ref_design_free. */
hel_design *ref_design_load(const ref_set *s, const char *pheno_path, const char *names,
                            const char *covar_path);
void ref_design_free(hel_design *d);

#endif
