/* Any bytes as a file of the CKKS evaluator, digests made to fit: loaded by its kind, and
 * explained. What loads can be explained. */
#include "heloci/store.h"
#include "host/base/mem.h"
#include "host/store/container.h"
#include "tests/fuzz/container_repair.h"
#include "tests/fuzz/fuzz_ckks.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int ignore(void *arg, const char *text)
{
    (void)arg;
    return text == NULL;
}

/* The header's digest of the first section, which is PARM in good files. */
static void repair_params(uint8_t *data, size_t size)
{
    if (size < 576)
        return;
    const uint64_t table = repair_get(data + 32, 8);
    if (table > size - 64)
        return;
    const uint64_t bytes = repair_get(data + table + 16, 8);
    if (repair_get(data + table, 4) == HEL_SECTION_PARAMS && bytes <= size - 512)
        SHA256(data + 512, bytes, data + 96);
}

static hel_status load(const fuzz_ckks *f, uint32_t kind, const char *path)
{
    hel_ckks_secret *secret = NULL;
    hel_ckks_public *key = NULL;
    hel_ckks_keys *keys = NULL;
    hel_ckks_plain *p;
    hel_ckks_cipher *x;
    hel_status status;
    need(hel_ckks_plain_create(f->ckks, &p) == HEL_OK);
    need(hel_ckks_cipher_create(f->ckks, &x) == HEL_OK);
    if (kind == HEL_KIND_CKKS_SECRET)
        status = hel_ckks_secret_load(f->ckks, path, NULL, &secret);
    else if (kind == HEL_KIND_CKKS_PUBLIC)
        status = hel_ckks_public_load(f->ckks, path, &key);
    else if (kind == HEL_KIND_CKKS_KEYS)
        status = hel_ckks_keys_load(f->ckks, path, &keys);
    else if (kind == HEL_KIND_CKKS_PLAIN)
        status = hel_ckks_plain_load(f->ckks, path, p);
    else
        status = hel_ckks_cipher_load(f->ckks, path, x);
    hel_ckks_secret_free(secret);
    hel_ckks_public_free(key);
    hel_ckks_keys_free(keys);
    hel_ckks_plain_free(p);
    hel_ckks_cipher_free(x);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const fuzz_ckks *f = fuzz_ckks_context();
    const unsigned users = atomic_load(&f->ckks->context->users);
    uint8_t *copy = malloc(size ? size : 1);
    hel_ckks_params p;
    fuzz_file file;
    need(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    repair_params(copy, size);
    repair_all(copy, size);
    fuzz_file_open(&file, copy, size);
    const uint32_t kind = size > 16 ? (uint32_t)repair_get(copy + 12, 4) : 0;
    hel_status set = hel_ckks_params_load(f->engine, file.path, &p);
    need(set == HEL_OK || set == HEL_E_FORMAT);
    hel_status status = load(f, kind, file.path);
    need(status == HEL_OK || status == HEL_E_FORMAT || status == HEL_E_MISMATCH);
    hel_status said = hel_inspect(f->engine, file.path, ignore, NULL);
    need(said == HEL_OK || said == HEL_E_FORMAT);
    need(status != HEL_OK || (said == HEL_OK && set == HEL_OK));
    fuzz_file_close(&file);
    free(copy);
    need(atomic_load(&f->ckks->context->users) == users);
    return 0;
}
