/*
 * PLINK 1 filesets: .fam (samples), .bim (variants), .bed (hard calls, variant-major, mapped).
 * Format: https://www.cog-genomics.org/plink/1.9/formats#bed. Counted allele A1 = bim column 5;
 * codes 00 hom A1, 01 missing, 10 het, 11 hom A2, low bits first.
 */
#ifndef HEL_GENO_BED_H
#define HEL_GENO_BED_H

#include "host/base/bytes.h"
#include "host/base/error.h"
#include "host/base/file.h"

typedef struct hel_sample {
    const char *fid, *iid; /* "0" where a file has no FID column */
    uint8_t sex;           /* 1 male, 2 female, 0 unknown */
    double phenotype;      /* fam column 6 as written; NaN for NA */
} hel_sample;

typedef struct hel_samples {
    hel_sample *item;
    uint32_t count;
    char *text; /* owns the strings */
} hel_samples;

typedef struct hel_variant {
    const char *chrom, *id, *a1, *a2; /* a1 = counted allele = ALT, a2 = REF */
    int64_t pos; /* bim column 4; negative: hel_variants_select leaves it out */
    double cm;
} hel_variant;

typedef struct hel_variants {
    hel_variant *item;
    uint32_t count;
    char *text;
} hel_variants;

/* Errors name file and line: fewer than 6 columns (more are ignored), duplicate (FID, IID), an IID
 * of 0, empty file, a number that is not one, a base-pair position that is not an integer within
 * +-2147483646 (PLINK's range), a NUL byte, a line above 1 MiB. A sex other than 1 or 2 reads as
 * unknown. Duplicate variant ids are allowed (as in PLINK). Variants at negative positions, which
 * PLINK skips, stay in the list, for indices must match the .bed. */
hel_status hel_fam_read(hel_engine *engine, const char *path, hel_samples *out);
hel_status hel_bim_read(hel_engine *engine, const char *path, hel_variants *out);
void hel_samples_free(hel_samples *s);
void hel_variants_free(hel_variants *v);

/* Items index[0..count) in that order. Strings stay owned by the source, which must outlive it. */
hel_status hel_samples_subset(hel_engine *engine, const hel_samples *s, const uint32_t *index,
                              uint32_t count, hel_samples *out);
hel_status hel_variants_subset(hel_engine *engine, const hel_variants *v, const uint32_t *index,
                               uint32_t count, hel_variants *out);

/* Identities as a section of an owner-only container: u32 version, u32 count, u64 text bytes, the
 * numeric columns, then the strings, each with a final 0 byte. Encoding appends to *out; decoding
 * takes exactly `bytes` and gives HEL_E_FORMAT for anything else. */
hel_status hel_samples_encode(hel_engine *engine, const hel_samples *s, hel_buf *out);
hel_status hel_samples_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                              hel_samples *out);
hel_status hel_variants_encode(hel_engine *engine, const hel_variants *v, hel_buf *out);
hel_status hel_variants_decode(hel_engine *engine, const uint8_t *data, size_t bytes,
                               hel_variants *out);

/* A mapped .bed whose size must be 3 + variants * ceil(samples / 4); HEL_E_INPUT naming the rule
 * for a wrong magic, sample-major mode, a wrong length. Padding bits are ignored. */
typedef struct hel_bed {
    hel_map map;
    uint32_t samples, variants;
    uint64_t stride; /* bytes per variant */
} hel_bed;

hel_status hel_bed_open(hel_engine *engine, hel_bed *bed, const char *path, uint32_t samples,
                        uint32_t variants);
void hel_bed_close(hel_bed *bed);

#define HEL_CALL_MISSING 3

/* Transposed tile of A1 counts: out[i * out_stride + j] = copies of A1 (0, 1, 2) or
 * HEL_CALL_MISSING for sample sample_index[i], variant variant_index[j]; out_stride >= variants.
 * Thread-safe; bytes of `out` beyond `variants` in a row stay untouched. Any order of indices is
 * right; ascending samples are fast (about 0.1 ns a genotype where they are consecutive), for the
 * work goes by windows of 64 samples x 256 variants. */
void hel_bed_tile(const hel_bed *bed, const uint32_t *sample_index, uint32_t samples,
                  const uint32_t *variant_index, uint32_t variants, uint8_t *out,
                  size_t out_stride);

/* Writes the .bed of a fileset (tests, simulation): calls[variant * samples + sample] in 0 .. 3. */
hel_status hel_bed_write(hel_engine *engine, const char *path, const uint8_t *calls,
                         uint32_t samples, uint32_t variants);

#endif
