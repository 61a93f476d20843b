/* Any bytes as a secret key, digests made to fit; any content of its counter of rejections. */
#include "host/base/mem.h"
#include "host/store/keyfile.h"
#include "tests/fuzz/container_repair.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hel_head head;
    uint8_t *params, *secret, *copy = malloc(size ? size : 1);
    size_t params_bytes, bytes;
    int sealed;
    fuzz_file file;
    need(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    repair_all(copy, size);
    fuzz_file_open(&file, copy, size);
    hel_status state = hel_keyfile_sealed(NULL, file.path, &sealed);
    need(state == HEL_OK || state == HEL_E_FORMAT);
    /* scrypt at a low cost only: a fuzzer needs its time for other things */
    const char *passphrase = size > 580 && copy[576 + 4] <= 10 ? "seed" : NULL;
    hel_status status = hel_keyfile_read(NULL, file.path, HEL_KIND_SECRET_KEY, &head, &params,
                                         &params_bytes, &secret, &bytes, passphrase);
    need(status == HEL_OK || status == HEL_E_FORMAT || (status == HEL_E_MISMATCH && sealed));
    if (status == HEL_OK) {
        need(params && secret && bytes < size && params_bytes < size);
        need(head.kind == HEL_KIND_SECRET_KEY && state == HEL_OK);
    } else {
        need(!params && !secret && bytes == 0 && params_bytes == 0);
    }
    hel_free(params);
    hel_secret_free(secret);
    fuzz_file_close(&file);
    free(copy);
    need(hel_mem_in_use() == 0);
    return 0;
}
