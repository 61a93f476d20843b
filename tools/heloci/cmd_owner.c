/* The data owner's steps: keygen, encrypt, null, decrypt. Each maps options to a public call. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/heloci/tool.h"
#include "tools/heloci/untested.h"

/* Says the size of PREFIX + suffix. */
static void say_file(const tool *t, const char *prefix, const char *suffix, const char *note)
{
    char path[4096], size[32];
    struct stat info;
    snprintf(path, sizeof path, "%s%s", prefix, suffix);
    if (stat(path, &info) != 0)
        return;
    format_bytes(size, sizeof size, (double)info.st_size);
    tool_say(t, "  %-40s %10s  %s\n", path, size, note);
}

static hel_status wanted_params(tool *t, hel_params *out)
{
    const options *o = t->o;
    hel_params_request request = HEL_PARAMS_REQUEST_INIT;
    request.weight_bits = (uint32_t)o->number[OPT_BITS];
    request.plane_max = (uint32_t)o->number[OPT_PLANE_MAX];
    request.chunk = (uint32_t)o->number[OPT_CHUNK];
    request.log_n = (uint32_t)o->number[OPT_LOG_N];
    return hel_params_search(t->engine, &request, out);
}

int command_keygen(const options *o)
{
    tool t;
    int rc = tool_open(&t, o);
    if (rc)
        return rc;
    hel_params params;
    hel_keygen_config config = HEL_KEYGEN_CONFIG_INIT;
    config.out = o->text[OPT_OUT];
    config.passphrase = t.passphrase;
    config.params = &params;
    config.overwrite = o->given[OPT_OVERWRITE];
    hel_status status = wanted_params(&t, &params);
    if (status == HEL_OK)
        status = hel_keygen(t.engine, &config);
    progress_end(&t.bar);
    if (status == HEL_OK) {
        say_file(&t, config.out, ".key",
                 t.passphrase ? "secret, sealed: stays with the owner"
                              : "secret: stays with the owner");
        say_file(&t, config.out, ".evk", "public: for the compute centre");
    }
    return tool_close(&t, status);
}

/* Without the dataset file of an earlier encryption its ciphertexts are worthless. */
static int refuse_overwrite(const options *o)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.private", o->text[OPT_OUT]);
    if (o->given[OPT_OVERWRITE] || access(path, F_OK) != 0)
        return 0;
    fprintf(stderr,
            "heloci encrypt: %s exists already, and the sums of ciphertexts made with it cannot be "
            "decrypted without it; choose another --out, or replace it with --overwrite\n",
            path);
    return EXIT_USAGE;
}

int command_encrypt(const options *o)
{
    tool t;
    int rc = refuse_overwrite(o);
    if (rc == 0)
        rc = tool_open(&t, o);
    if (rc)
        return rc;
    hel_encrypt_config config = HEL_ENCRYPT_CONFIG_INIT;
    config.bfile = o->text[OPT_BFILE];
    config.key = o->text[OPT_KEY];
    config.passphrase = t.passphrase;
    config.out = o->text[OPT_OUT];
    config.keep = o->text[OPT_KEEP];
    config.remove = o->text[OPT_REMOVE];
    config.extract = o->text[OPT_EXTRACT];
    config.exclude = o->text[OPT_EXCLUDE];
    config.miss_plane = o->given[OPT_MISS_PLANE];
    config.note = tool_text;
    config.note_arg = &t;
    hel_status status = hel_encrypt(t.engine, &config);
    progress_end(&t.bar);
    if (status == HEL_OK) {
        say_file(&t, config.out, ".geno", "public: ciphertexts for the compute centre");
        say_file(&t, config.out, ".private",
                 "owner: the dataset file (names, missing calls, digests)");
    }
    return tool_close(&t, status);
}

int command_null(const options *o)
{
    tool t;
    int rc = tool_open(&t, o);
    if (rc)
        return rc;
    hel_null_config config = HEL_NULL_CONFIG_INIT;
    config.data = o->text[OPT_DATA];
    config.key = o->text[OPT_KEY];
    config.passphrase = t.passphrase;
    config.out = o->text[OPT_OUT];
    config.pheno = o->text[OPT_PHENO];
    config.pheno_name = o->text[OPT_PHENO_NAME];
    config.covar = o->text[OPT_COVAR];
    config.covar_name = o->text[OPT_COVAR_NAME];
    config.keep = o->text[OPT_KEEP];
    config.remove = o->text[OPT_REMOVE];
    config.coding_01 = o->given[OPT_CODING_01];
    config.trait = (int)o->number[OPT_TRAIT];
    config.max_columns = (uint32_t)o->number[OPT_MAX_COLUMNS];
    config.max_vif = o->real[OPT_VIF];
    config.max_corr = o->real[OPT_MAX_CORR];
    config.plan = tool_text;
    config.plan_arg = &t;
    hel_status status = hel_null(t.engine, &config);
    progress_end(&t.bar);
    if (status == HEL_OK) {
        say_file(&t, config.out, ".weights", "public: encrypted columns for the compute centre");
        say_file(&t, config.out, ".model", "owner: the fitted models");
    }
    return tool_close(&t, status);
}

static void say_reason(const tool *t, const char *code)
{
    const options *o = t->o;
    if (strcmp(code, "LOW_MAC") == 0)
        tool_say(t, " (--min-mac %llu)",
                 o->given[OPT_MIN_MAC] ? (unsigned long long)o->number[OPT_MIN_MAC] : 5);
    else if (strcmp(code, "VIF_TOO_HIGH") == 0)
        tool_say(t, " (--vif %g)", o->given[OPT_VIF] ? o->real[OPT_VIF] : 50);
    else if (strcmp(code, "CORR_TOO_HIGH") == 0)
        tool_say(t, " (--max-corr %g)", o->given[OPT_MAX_CORR] ? o->real[OPT_MAX_CORR] : 0.999);
    else if (strcmp(code, "CONST_OMITTED_ALLELE") == 0)
        tool_say(t, " (no variation)");
}

/* Rows without a result, read from one table per analysis: plink2's, or REGENIE's in its place. */
static void say_untested(const tool *t, const char *path)
{
    untested u;
    const uint64_t formats = t->o->number[OPT_FORMAT];
    const char *column = !formats || formats & HEL_OUT_PLINK2 ? "ERRCODE" : "EXTRA";
    if (t->quiet || untested_read(&u, path, column) != 0)
        return;
    tool_say(t, "    %llu of %llu rows are NA", (unsigned long long)u.without,
             (unsigned long long)u.rows);
    for (unsigned i = 0; i < u.reasons; i++) {
        tool_say(t, "%s %llu %s", i ? "," : ":", (unsigned long long)u.reason[i].rows,
                 u.reason[i].code);
        say_reason(t, u.reason[i].code);
    }
    tool_say(t, "\n");
}

/* Tables as they are announced, for --list. */
typedef struct table_list {
    tool *t;
    FILE *file; /* NULL = no --list */
} table_list;

static int on_table(void *arg, const char *path)
{
    table_list *list = arg;
    size_t length = strcspn(path, "\n");
    progress_end(&list->t->bar);
    tool_say(list->t, "  %.*s\n", (int)length, path);
    say_untested(list->t, path);
    if (list->file)
        fprintf(list->file, "%.*s\n", (int)length, path);
    return 0;
}

int command_decrypt(const options *o)
{
    tool t;
    int rc = tool_open(&t, o);
    if (rc)
        return rc;
    table_list list = {&t, NULL};
    const char *list_path = o->text[OPT_LIST];
    if (list_path && !(list.file = fopen(list_path, "w"))) {
        return tool_fail(&t, EXIT_IO, "%s: %s", list_path, strerror(errno));
    }
    hel_decrypt_config config = HEL_DECRYPT_CONFIG_INIT;
    config.sums = o->text[OPT_SUMS];
    config.data = o->text[OPT_DATA];
    config.model = o->text[OPT_MODEL];
    config.key = o->text[OPT_KEY];
    config.passphrase = t.passphrase;
    config.out = o->text[OPT_OUT];
    config.formats = (uint32_t)o->number[OPT_FORMAT]; /* bits in the order of HEL_OUT_* */
    config.missing_delete = (int)o->number[OPT_MISSING];
    config.min_mac = o->given[OPT_MIN_MAC] ? (int64_t)o->number[OPT_MIN_MAC] : -1;
    config.max_vif = o->real[OPT_VIF];
    config.max_corr = o->real[OPT_MAX_CORR];
    config.table = on_table;
    config.table_arg = &list;
    hel_status status = hel_decrypt(t.engine, &config);
    progress_end(&t.bar);
    if (status == HEL_OK) {
        tool_say(&t, config.missing_delete
                         ? "  missing calls: left out, variant by variant, as plink2 does\n"
                         : "  missing calls: replaced by the variant's mean (--missing delete: "
                           "left out, as plink2 does)\n");
        tool_say(&t, "  every sum verified before anything was written\n");
        tool_say_signer(&t, config.out, ".manifest");
    }
    if (list.file && fclose(list.file) != 0 && status == HEL_OK)
        return tool_fail(&t, EXIT_IO, "%s: %s", list_path, strerror(errno));
    return tool_close(&t, status);
}
