/* See steps.h. */
#include "bench/steps.h"

enum { ROOM = 640 };

hel_status steps_keygen(hel_engine *engine, const cohort *c)
{
    hel_keygen_config config = HEL_KEYGEN_CONFIG_INIT;
    char out[ROOM];
    config.out = cohort_path(c, "h", out, ROOM);
    config.overwrite = 1;
    return hel_keygen(engine, &config);
}

hel_status steps_encrypt(hel_engine *engine, const cohort *c)
{
    hel_encrypt_config config = HEL_ENCRYPT_CONFIG_INIT;
    char bfile[ROOM], key[ROOM], out[ROOM];
    config.bfile = cohort_path(c, "c", bfile, ROOM);
    config.key = cohort_path(c, "h.key", key, ROOM);
    config.out = cohort_path(c, "h", out, ROOM);
    return hel_encrypt(engine, &config);
}

hel_status steps_null(hel_engine *engine, const cohort *c)
{
    hel_null_config config = HEL_NULL_CONFIG_INIT;
    char data[ROOM], key[ROOM], out[ROOM], pheno[ROOM], covar[ROOM];
    config.data = cohort_path(c, "h.private", data, ROOM);
    config.key = cohort_path(c, "h.key", key, ROOM);
    config.out = cohort_path(c, "h", out, ROOM);
    config.pheno = cohort_path(c, "c.pheno", pheno, ROOM);
    config.covar = c->covariates ? cohort_path(c, "c.covar", covar, ROOM) : NULL;
    return hel_null(engine, &config);
}

hel_scan_config steps_scan_config(const cohort *c, steps_scan_files *x)
{
    hel_scan_config config = HEL_SCAN_CONFIG_INIT;
    config.geno = cohort_path(c, "h.geno", x->geno, sizeof x->geno);
    config.weights = cohort_path(c, "h.weights", x->weights, sizeof x->weights);
    config.evk = cohort_path(c, "h.evk", x->evk, sizeof x->evk);
    config.out = cohort_path(c, "h", x->out, sizeof x->out);
    return config;
}

hel_status steps_scan(hel_engine *engine, const cohort *c, hel_scan_stats *stats)
{
    steps_scan_files files;
    const hel_scan_config config = steps_scan_config(c, &files);
    return hel_scan(engine, &config, stats);
}

hel_status steps_decrypt(hel_engine *engine, const cohort *c)
{
    hel_decrypt_config config = HEL_DECRYPT_CONFIG_INIT;
    char sums[ROOM], data[ROOM], model[ROOM], key[ROOM], out[ROOM];
    config.sums = cohort_path(c, "h.sums", sums, ROOM);
    config.data = cohort_path(c, "h.private", data, ROOM);
    config.model = cohort_path(c, "h.model", model, ROOM);
    config.key = cohort_path(c, "h.key", key, ROOM);
    config.out = cohort_path(c, "h", out, ROOM);
    return hel_decrypt(engine, &config);
}
