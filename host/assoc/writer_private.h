/* Inside of the table writer: number formatting and the GWAS-SSF sidecar. */
#ifndef HEL_ASSOC_WRITER_PRIVATE_H
#define HEL_ASSOC_WRITER_PRIVATE_H

#include "host/assoc/writer.h"

/* Room that hel_print_g and hel_print_u64 need at `p`. */
#define HEL_NUMBER_BYTES 32

/* Both write at p, without a final 0 byte, and return the position behind the text. */
char *hel_print_u64(char *p, uint64_t value);
/* Exactly what printf("%.<digits>g") gives, digits 1..9; not finite = "NA". */
char *hel_print_g(char *p, double value, int digits);

typedef struct hel_ssf hel_ssf;

/* One per GWAS-SSF table: running MD5, order and counts of what was written. `info` is copied. */
hel_status hel_ssf_create(hel_engine *engine, hel_ssf **out, const char *table_path,
                          const hel_writer_info *info);
void hel_ssf_free(hel_ssf *s); /* NULL allowed */
/* The bytes of the table, in order. */
hel_status hel_ssf_update(hel_ssf *s, const void *data, size_t bytes);
/* Once per row that was written, and per row that was left out for want of a p-value. */
void hel_ssf_row(hel_ssf *s, const char *chrom, int64_t pos);
void hel_ssf_skip(hel_ssf *s);
/* Writes <table>-meta.yaml up to, but without, its commit. */
hel_status hel_ssf_sidecar(hel_ssf *s, hel_outfile *file);

/* Chromosome as GWAS-SSF numbers it, 1..25; 0 when the name is none of them. */
uint32_t hel_ssf_chromosome(const char *chrom);

#endif
