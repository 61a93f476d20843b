/*
 * The YAML sidecar of a GWAS-SSF table:
 * https://github.com/EBISPOT/gwas-summary-statistics-standard. What heloci knows is filled in; what
 * only the owner knows stays as a "FILL-IN" text in quotes.
 */
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "heloci/version.h"
#include "host/assoc/writer_private.h"
#include "host/base/crypto.h"
#include "host/base/mem.h"

struct hel_ssf {
    hel_engine *engine;
    EVP_MD_CTX *md5;
    char *path, *phenotype;
    hel_writer_info info;
    uint64_t rows, skipped;
    uint32_t last_chromosome;
    int64_t last_pos;
    int sorted;
};

/*
 * PLINK's numbers for a human fileset go on after the autosomes with 23 = X, 24 = Y, 25 = XY and
 * 26 = MT; GWAS-SSF has 23 = X, 24 = Y, 25 = MT. Positions on XY are positions on X.
 */
uint32_t hel_ssf_chromosome(const char *chrom)
{
    static const struct {
        const char *name;
        uint32_t number;
    } named[] = {{"X", 23}, {"Y", 24},  {"XY", 23}, {"PAR1", 23}, {"PAR2", 23},
                 {"M", 25}, {"MT", 25}, {"25", 23}, {"26", 25}};
    if (strncasecmp(chrom, "chr", 3) == 0)
        chrom += 3;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strcasecmp(chrom, named[i].name) == 0)
            return named[i].number;
    uint32_t number = 0;
    size_t length = strlen(chrom);
    if (length == 0 || length > 2 || chrom[0] == '0')
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (chrom[i] < '0' || chrom[i] > '9')
            return 0;
        number = number * 10 + (uint32_t)(chrom[i] - '0');
    }
    return number <= 24 ? number : 0;
}

hel_status hel_ssf_create(hel_engine *engine, hel_ssf **out, const char *table_path,
                          const hel_writer_info *info)
{
    hel_ssf *s;
    *out = NULL;
    HEL_TRY(hel_calloc(engine, &s, 1, sizeof *s));
    s->engine = engine;
    s->info = *info;
    s->sorted = 1;
    hel_status status = hel_path_join(engine, &s->path, table_path, "");
    if (status == HEL_OK)
        status = hel_path_join(engine, &s->phenotype, info->phenotype, "");
    s->md5 = EVP_MD_CTX_new();
    if (status == HEL_OK && !s->md5)
        status = hel_fail(engine, HEL_E_MEMORY, "%s: no memory for the MD5 sum", table_path);
    if (status == HEL_OK && EVP_DigestInit_ex(s->md5, EVP_md5(), NULL) != 1)
        status = hel_fail(engine, HEL_E_UNSUPPORTED,
                          "%s: this OpenSSL refuses MD5, which a GWAS-SSF sidecar must state",
                          table_path);
    if (status != HEL_OK) {
        hel_ssf_free(s);
        return status;
    }
    *out = s;
    return HEL_OK;
}

void hel_ssf_free(hel_ssf *s)
{
    if (!s)
        return;
    EVP_MD_CTX_free(s->md5);
    hel_free(s->path);
    hel_free(s->phenotype);
    hel_free(s);
}

hel_status hel_ssf_update(hel_ssf *s, const void *data, size_t bytes)
{
    HEL_REQUIRE(s->engine, EVP_DigestUpdate(s->md5, data, bytes) == 1, HEL_E_INTERNAL,
                "%s: MD5 failed", s->path);
    return HEL_OK;
}

void hel_ssf_row(hel_ssf *s, const char *chrom, int64_t pos)
{
    uint32_t chromosome = hel_ssf_chromosome(chrom);
    if (chromosome == 0 || chromosome < s->last_chromosome ||
        (chromosome == s->last_chromosome && pos < s->last_pos))
        s->sorted = 0;
    s->last_chromosome = chromosome;
    s->last_pos = pos;
    s->rows++;
}

void hel_ssf_skip(hel_ssf *s)
{
    s->skipped++;
}

/* A double-quoted YAML scalar. */
static hel_status put_quoted(hel_ssf *s, hel_outfile *file, const char *text)
{
    HEL_TRY(hel_outfile_write(s->engine, file, "\"", 1));
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            HEL_TRY(hel_outfile_write(s->engine, file, "\\", 1));
        if ((unsigned char)*c < 0x20)
            HEL_TRY(hel_outfile_printf(s->engine, file, "\\x%02x", (unsigned char)*c));
        else
            HEL_TRY(hel_outfile_write(s->engine, file, c, 1));
    }
    return hel_outfile_write(s->engine, file, "\"", 1);
}

static hel_status put_samples(hel_ssf *s, hel_outfile *file)
{
    const hel_writer_info *info = &s->info;
    int binary = info->trait == HEL_TRAIT_BINARY;
    HEL_TRY(hel_outfile_printf(s->engine, file,
                               "\n# Sample Information\n"
                               "samples:\n"
                               "  - sample_ancestry_category:\n"
                               "      - \"FILL-IN, for instance European\"\n"
                               "    sample_size: %u\n"
                               "    case_control_study: %s\n",
                               info->samples, binary ? "true" : "false"));
    if (binary)
        HEL_TRY(hel_outfile_printf(s->engine, file, "    case_count: %u\n    control_count: %u\n",
                                   info->cases, info->controls));
    return HEL_OK;
}

static hel_status put_study(hel_ssf *s, hel_outfile *file)
{
    const hel_writer_info *info = &s->info;
    time_t now = time(NULL);
    struct tm utc;
    char day[16] = "1970-01-01";
    if (gmtime_r(&now, &utc))
        strftime(day, sizeof day, "%Y-%m-%d", &utc);
    HEL_TRY(hel_outfile_printf(
        s->engine, file,
        "---\n# Study meta-data\n"
        "author_notes: \"%s; %u covariate columns besides the intercept; missing genotypes: %s; "
        "%llu variants written, %llu without a p-value left out; effect allele = PLINK A1, other "
        "allele = PLINK A2, which need not be the reference\"\n"
        "date_metadata_last_modified: %s\n\n# Trait Information\ntrait_description:\n  - ",
        info->trait == HEL_TRAIT_BINARY
            ? "logistic score test: beta and standard_error are one-step estimates on the log-odds "
              "scale, not maximum likelihood"
            : "linear regression, additive",
        info->covariates,
        info->missing == HEL_MISSING_MEAN ? "imputed with the variant's mean"
                                          : "sample left out of that variant's regression",
        (unsigned long long)s->rows, (unsigned long long)s->skipped, day));
    HEL_TRY(put_quoted(s, file, s->phenotype));
    return hel_outfile_printf(s->engine, file,
                              "\n\n# Genotyping Information\n"
                              "genome_assembly: \"FILL-IN, for instance GRCh38\"\n"
                              "coordinate_system: 1-based\n"
                              "genotyping_technology:\n"
                              "  - \"FILL-IN, for instance Genome-wide genotyping array\"\n");
}

hel_status hel_ssf_sidecar(hel_ssf *s, hel_outfile *file)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_bytes = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1], *path = NULL;
    HEL_REQUIRE(s->engine, EVP_DigestFinal_ex(s->md5, digest, &digest_bytes) == 1, HEL_E_INTERNAL,
                "%s: MD5 failed", s->path);
    hel_hex(hex, digest, digest_bytes);
    HEL_TRY(hel_path_join(s->engine, &path, s->path, "-meta.yaml"));
    hel_status status = hel_outfile_open(s->engine, file, path, 0644);
    hel_free(path);
    HEL_TRY(status);
    const char *slash = strrchr(s->path, '/');
    HEL_TRY_GOTO(put_study(s, file), fail);
    HEL_TRY_GOTO(put_samples(s, file), fail);
    HEL_TRY_GOTO(
        hel_outfile_printf(s->engine, file, "\n# Summary Statistic information\ndata_file_name: "),
        fail);
    HEL_TRY_GOTO(put_quoted(s, file, slash ? slash + 1 : s->path), fail);
    HEL_TRY_GOTO(hel_outfile_printf(s->engine, file,
                                    "\nfile_type: GWAS-SSF v1.0\n"
                                    "data_file_md5sum: %s\n"
                                    "analysis_software: heloci %s\n\n"
                                    "# Harmonization status\n"
                                    "is_harmonised: false\nis_sorted: %s\n",
                                    hex, HEL_VERSION_STRING, s->sorted ? "true" : "false"),
                 fail);
    return HEL_OK;
fail:
    hel_outfile_abort(file);
    return status;
}
