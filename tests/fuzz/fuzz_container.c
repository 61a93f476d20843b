/*
 * Any bytes as a container: open, list, check, read, inspect. Each input is tried as it is and with
 * its digests made to fit, which leads past them to the rules behind.
 */
#include "host/base/mem.h"
#include "host/store/container.h"
#include "heloci/store.h"
#include "tests/fuzz/container_repair.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition)
{
    if (!condition)
        abort();
}

static int swallow(void *arg, const char *text)
{
    *(size_t *)arg += strlen(text);
    return 0;
}

/* Everything that opened lies in the file and can be read to its last byte. */
static void walk(hel_reader *r, size_t size)
{
    static const uint8_t key[32];
    uint64_t end = HEL_CONTAINER_HEADER_BYTES, sum = 0;
    int sound = hel_reader_check_all(r) == HEL_OK;
    need(hel_reader_file_bytes(r) == size);
    for (uint32_t i = 0; i < hel_reader_sections(r); i++) {
        uint32_t id, chunk;
        uint64_t offset, bytes, again;
        const uint8_t *content;
        hel_reader_section_info(r, i, &id, &offset, &bytes, &chunk);
        need(offset >= end && offset <= size && bytes <= size - offset && chunk > 0);
        end = offset + bytes;
        need(hel_reader_section(r, id, &content, &again) == HEL_OK && again == bytes);
        for (uint64_t j = 0; j < bytes; j++)
            sum += content[j];
        if (sound)
            need(hel_reader_check(r, id, bytes / 2, bytes - bytes / 2) == HEL_OK);
        need(hel_reader_check(r, id, bytes, 1) == HEL_E_FORMAT);
    }
    hel_status status = hel_reader_check_mac(r, key);
    need(status == HEL_OK || status == HEL_E_MISMATCH);
    need(hel_head_match(NULL, r, r, ~0u) == HEL_OK);
    need(sum != UINT64_MAX);
}

static void try(const uint8_t *data, size_t size)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_engine *engine;
    fuzz_file file;
    hel_reader *r;
    size_t written = 0;
    config.threads = 1;
    need(hel_engine_create(&engine, &config) == HEL_OK);
    fuzz_file_open(&file, data, size);
    hel_status status = hel_reader_open(engine, &r, file.path, 0);
    need(status == HEL_OK || (status == HEL_E_FORMAT && hel_engine_error(engine)[0]));
    if (status == HEL_OK)
        walk(r, size);
    hel_reader_close(r);
    status = hel_inspect(engine, file.path, swallow, &written);
    need(status == HEL_OK || status == HEL_E_FORMAT);
    status = hel_verify_file(engine, file.path);
    need(status == HEL_OK || status == HEL_E_FORMAT);
    fuzz_file_close(&file);
    hel_engine_free(engine);
    need(hel_mem_in_use() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try(data, size);
    uint8_t *copy = malloc(size ? size : 1);
    need(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    repair_digests(copy, size);
    try(copy, size);
    repair_all(copy, size);
    try(copy, size);
    free(copy);
    return 0;
}
