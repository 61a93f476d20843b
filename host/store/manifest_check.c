/* A file beside its manifest: hel_verify and what jobs ask. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/json_text.h"
#include "host/base/mem.h"
#include "host/store/manifest_private.h"

static int exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 || errno != ENOENT;
}

hel_manifest_state hel_manifest_check(const char *path)
{
    char *name = NULL;
    hel_manifest_file file = {0};
    hel_manifest_state state = HEL_MANIFEST_BROKEN;
    if (hel_path_join(NULL, &name, path, HEL_MANIFEST_SUFFIX) != HEL_OK)
        return state;
    if (!exists(name)) {
        state = HEL_MANIFEST_ABSENT;
    } else if (hel_manifest_load(NULL, &file, name) == HEL_OK) {
        const size_t i = hel_manifest_find(&file, path);
        if (i != SIZE_MAX && hel_manifest_compare(&file, i, path) == HEL_OK)
            state = HEL_MANIFEST_FITS;
    }
    hel_manifest_drop(&file);
    hel_free(name);
    return state;
}

/* ---- who signed ---- */

static void describe(const hel_manifest_file *file, hel_signature *out)
{
    const json_t *signer = json_object_get(file->root, "signer");
    memset(out, 0, sizeof *out);
    hel_base64(out->key, file->public_key, sizeof file->public_key);
    hel_printable(out->key_id, sizeof out->key_id, file->key_id);
    hel_printable(out->origin, sizeof out->origin,
                  json_string_value(json_object_get(signer, "key")));
}

hel_status hel_manifest_signature(hel_engine *engine, const char *path, hel_signature *out)
{
    hel_manifest_file file;
    if (!engine)
        return HEL_E_USAGE;
    hel_error_clear(engine);
    HEL_REQUIRE(engine, path && out, HEL_E_USAGE, "manifest: a path and room for the answer");
    memset(out, 0, sizeof *out);
    HEL_TRY(hel_manifest_load(engine, &file, path));
    describe(&file, out);
    hel_manifest_drop(&file);
    return HEL_OK;
}

/* ---- hel_verify ---- */

struct check {
    hel_engine *engine;
    const hel_verify_config *config;
    hel_verify_report *report;
    int pinned;
    uint8_t signer[HEL_ED25519_KEY_BYTES];
};

static hel_status check_signer(const struct check *c, const hel_manifest_file *file)
{
    char wanted[HEL_ED25519_ID_BYTES];
    if (!c->pinned || hel_equal(c->signer, file->public_key, sizeof c->signer))
        return HEL_OK;
    HEL_TRY(hel_ed25519_id(c->engine, wanted, c->signer));
    return hel_fail(c->engine, HEL_E_VERIFY, "%s: signed by key %s, not by %s", file->path,
                    file->key_id, wanted);
}

static void note(const struct check *c, const hel_manifest_file *file, size_t subjects)
{
    c->report->manifest = 1;
    c->report->subjects = (uint32_t)subjects;
    hel_printable(c->report->name, sizeof c->report->name, hel_file_name(file->path));
    describe(file, &c->report->signature);
}

/* A subject beside the manifest. */
static hel_status compare_beside(const hel_manifest_file *file, size_t i)
{
    char *folder = NULL, *path = NULL;
    const size_t length = (size_t)(hel_file_name(file->path) - file->path);
    HEL_TRY(hel_path_join(file->engine, &folder, file->path, ""));
    folder[length] = 0;
    hel_status status =
        hel_path_join(file->engine, &path, folder, hel_manifest_subject_name(file, i));
    if (status == HEL_OK)
        status = hel_manifest_compare(file, i, path);
    hel_free(path);
    hel_free(folder);
    return status;
}

/* The path is a manifest: all its subjects. */
static hel_status check_all_subjects(const struct check *c)
{
    hel_manifest_file file;
    HEL_TRY(hel_manifest_load(c->engine, &file, c->config->path));
    const size_t subjects = hel_manifest_subjects(&file);
    hel_status status = check_signer(c, &file);
    for (size_t i = 0; status == HEL_OK && i < subjects; i++)
        status = compare_beside(&file, i);
    if (status == HEL_OK)
        note(c, &file, subjects);
    hel_manifest_drop(&file);
    return status;
}

/* The manifest at `name` is that of the path: signature, signer, and the path's bytes. *listed = 0,
 * and nothing more, when it does not speak of it. */
static hel_status check_against(const struct check *c, const char *name, int *listed)
{
    hel_manifest_file file;
    HEL_TRY(hel_manifest_load(c->engine, &file, name));
    const size_t i = hel_manifest_find(&file, c->config->path);
    *listed = i != SIZE_MAX;
    hel_status status = *listed ? check_signer(c, &file) : HEL_OK;
    if (status == HEL_OK && *listed)
        status = hel_manifest_compare(&file, i, c->config->path);
    if (status == HEL_OK && *listed)
        note(c, &file, 1);
    hel_manifest_drop(&file);
    return status;
}

/* <path>.manifest; else, for a table, <prefix>.manifest of its run, where the path goes on with a
 * '.' or '_' behind the prefix. */
static hel_status check_manifest(const struct check *c, int is_table)
{
    const char *path = c->config->path;
    const size_t folder = (size_t)(hel_file_name(path) - path);
    char *prefix, *name = NULL;
    int listed = 0;
    HEL_TRY(hel_path_join(c->engine, &prefix, path, ""));
    hel_status status = hel_path_join(c->engine, &name, path, HEL_MANIFEST_SUFFIX);
    if (status == HEL_OK && exists(name)) {
        status = check_against(c, name, &listed);
        if (status == HEL_OK && !listed)
            status = hel_fail(c->engine, HEL_E_MISMATCH, "%s: speaks of other files than %s", name,
                              path);
    }
    for (size_t at = strlen(path); is_table && status == HEL_OK && !listed && at > folder + 1;
         at--) {
        if (path[at - 1] != '.' && path[at - 1] != '_')
            continue;
        prefix[at - 1] = 0;
        hel_free(name);
        status = hel_path_join(c->engine, &name, prefix, HEL_MANIFEST_SUFFIX);
        if (status == HEL_OK && hel_manifest_recognised(name))
            status = check_against(c, name, &listed);
    }
    hel_free(name);
    hel_free(prefix);
    return status;
}

/* It begins as containers do, whole or not. */
static int is_container(const char *path)
{
    static const uint8_t magic[] = {0x89, 'H', 'E', 'L', 'O', 'C', 'I', '\n'};
    uint8_t start[sizeof magic];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return 0;
    ssize_t got = pread(fd, start, sizeof start, 0);
    close(fd);
    return got > 0 && memcmp(start, magic, (size_t)got) == 0;
}

static hel_status check_file(const struct check *c)
{
    const char *path = c->config->path;
    if (hel_manifest_recognised(path))
        return check_all_subjects(c);
    /* Damage of a container is named precisely by its own checksums. Any other file is one that a
     * manifest speaks of, or nothing that can be checked. */
    const int container = is_container(path);
    if (container) {
        HEL_TRY(hel_verify_file(c->engine, path));
        c->report->container = 1;
    }
    HEL_TRY(check_manifest(c, !container));
    HEL_REQUIRE(c->engine, c->report->manifest || !c->pinned || !exists(path), HEL_E_VERIFY,
                "%s: has no manifest, so nothing says who made it", path);
    if (!container && !c->report->manifest)
        return hel_verify_file(c->engine, path); /* which says what it is not */
    return HEL_OK;
}

hel_status hel_verify(hel_engine *engine, const hel_verify_config *config,
                      hel_verify_report *report)
{
    hel_verify_report unused;
    if (!engine)
        return HEL_E_USAGE;
    hel_error_clear(engine);
    HEL_REQUIRE(engine, config && config->size == sizeof *config && config->path, HEL_E_USAGE,
                "verify: a path is needed");
    struct check c = {.engine = engine, .config = config, .report = report ? report : &unused};
    memset(c.report, 0, sizeof *c.report);
    if (config->signer) {
        HEL_TRY(hel_signer_wanted(engine, config->signer, c.signer));
        c.pinned = 1;
    }
    hel_status status = check_file(&c);
    if (status != HEL_OK)
        memset(c.report, 0, sizeof *c.report);
    return status;
}
