/* The checks of `heloci run`: seconds instead of a failure behind hours of encryption. */
#include "tools/heloci/preflight.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/heloci/sandbox_device.h"
#include "tools/heloci/tool.h"

enum { PATH_BYTES = 4096, EXIT_NO_INPUT = 66, LEAST_MEMORY_MIB = 64 };

/* A regular file, since more than one step reads it. */
static int check_file(const char *path)
{
    struct stat info;
    if (access(path, R_OK) != 0 || stat(path, &info) != 0) {
        int code = errno == EACCES ? EXIT_NO_PERMISSION : EXIT_NO_INPUT;
        fprintf(stderr, "heloci run: %s: %s\n", path, strerror(errno));
        return code;
    }
    if (!S_ISREG(info.st_mode)) {
        fprintf(stderr, "heloci run: %s: not a regular file\n", path);
        return EXIT_NO_INPUT;
    }
    return 0;
}

static int check_files(const options *o)
{
    static const option_id files[] = {OPT_PHENO,  OPT_COVAR,   OPT_KEEP,
                                      OPT_REMOVE, OPT_EXTRACT, OPT_EXCLUDE};
    static const char *const suffixes[] = {".bed", ".bim", ".fam"};
    char path[PATH_BYTES];
    int rc = 0;
    if (strlen(o->text[OPT_OUT]) > PATH_BYTES / 2 || strlen(o->text[OPT_BFILE]) > PATH_BYTES / 2) {
        fprintf(stderr, "heloci run: --out and --bfile must be shorter than 2048 bytes\n");
        return EXIT_USAGE;
    }
    for (size_t i = 0; rc == 0 && i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", o->text[OPT_BFILE], suffixes[i]);
        rc = check_file(path);
    }
    for (size_t i = 0; rc == 0 && i < sizeof files / sizeof files[0]; i++)
        if (o->given[files[i]])
            rc = check_file(o->text[files[i]]);
    return rc;
}

static int check_options(const options *o)
{
    if (o->given[OPT_MISS_PLANE] && o->number[OPT_MISSING]) {
        fprintf(stderr, "heloci run: --missing delete needs the private list of missing calls, "
                        "which --miss-plane does not keep; leave one of the two out\n");
        return EXIT_USAGE;
    }
    if (o->given[OPT_MEMORY] && o->number[OPT_MEMORY] >> 20 < LEAST_MEMORY_MIB) {
        fprintf(stderr, "heloci run: --memory: '%s' is too small; all steps need at least %d MiB\n",
                o->text[OPT_MEMORY], LEAST_MEMORY_MIB);
        return EXIT_USAGE;
    }
    return 0;
}

static int check_models(const options *o, event_log *log)
{
    tool t;
    options unlogged = *o; /* the run's log is open already */
    unlogged.given[OPT_LOG] = 0;
    unlogged.text[OPT_LOG] = NULL;
    int rc = tool_open(&t, &unlogged); /* reads the passphrase too, and forgets it again */
    if (rc)
        return rc;
    hel_null_check_config config = HEL_NULL_CHECK_CONFIG_INIT;
    config.bfile = o->text[OPT_BFILE];
    config.encrypt_keep = o->text[OPT_KEEP];
    config.encrypt_remove = o->text[OPT_REMOVE];
    config.pheno = o->text[OPT_PHENO];
    config.pheno_name = o->text[OPT_PHENO_NAME];
    config.covar = o->text[OPT_COVAR];
    config.covar_name = o->text[OPT_COVAR_NAME];
    config.coding_01 = o->given[OPT_CODING_01];
    config.trait = (int)o->number[OPT_TRAIT];
    config.max_columns = (uint32_t)o->number[OPT_MAX_COLUMNS];
    config.max_vif = o->real[OPT_VIF];
    config.max_corr = o->real[OPT_MAX_CORR];
    config.miss_plane = o->given[OPT_MISS_PLANE];
    config.missing_delete = (int)o->number[OPT_MISSING];
    hel_status status = hel_null_check(t.engine, &config);
    if (status != HEL_OK)
        event_log_error(log, hel_status_name(status), hel_status_exit_code(status),
                        hel_engine_error(t.engine));
    return tool_close(&t, status);
}

int preflight(const options *o, event_log *log)
{
    uint32_t device[NUMBERS_MOST];
    int rc = check_options(o);
    (void)tool_devices(o, device);
    if (rc == 0)
        rc = check_files(o);
    if (rc == 0)
        rc = check_models(o, log);
    if (rc == 0)
        rc = sandbox_device_check(tool_backend(o), device[0]);
    return rc;
}
