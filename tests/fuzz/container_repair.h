/*
 * Makes the checksums and digests of a damaged container fit again, so that the rules behind them
 * are reached by tests and fuzzers. Works from FORMAT.md, not from the library's code.
 */
#ifndef HEL_TESTS_CONTAINER_REPAIR_H
#define HEL_TESTS_CONTAINER_REPAIR_H

#include <openssl/sha.h>
#include <stdint.h>
#include <string.h>
#include <xxhash.h>

static inline uint64_t repair_get(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static inline void repair_put(uint8_t *p, int bytes, uint64_t v)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* Recomputes the chunk sums of every table entry that lies in the file. */
static inline void repair_sums(uint8_t *data, size_t size)
{
    if (size < 544)
        return;
    uint64_t count = repair_get(data + 20, 4), table = repair_get(data + 32, 8);
    for (uint64_t i = 0; i < count && table <= size - 32 && 32 * (i + 1) <= size - 32 - table;
         i++) {
        const uint8_t *entry = data + table + 32 * i;
        uint64_t chunk = repair_get(entry + 4, 4), offset = repair_get(entry + 8, 8);
        uint64_t bytes = repair_get(entry + 16, 8), sums = repair_get(entry + 24, 8);
        for (uint64_t at = 0; chunk > 0 && at < bytes; at += chunk, sums += 8) {
            uint64_t now = bytes - at < chunk ? bytes - at : chunk;
            if (offset > size || at > size - offset || now > size - offset - at || sums < table ||
                sums > size - 40)
                break;
            repair_put(data + sums, 8, XXH3_64bits(data + offset + at, now));
        }
    }
}

/* Recomputes the tail's two digests (where the table's offset allows) and the header's. */
static inline void repair_digests(uint8_t *data, size_t size)
{
    if (size < 544)
        return;
    uint64_t table = repair_get(data + 32, 8);
    if (table >= 512 && table <= size - 32) {
        SHA256(data + table, size - 32 - table, data + size - 32);
        memcpy(data + 448, data + size - 32, 32);
    }
    SHA256(data, 480, data + 480);
}

/* The whole frame: magic, version, sizes, sums, digests. */
static inline void repair_all(uint8_t *data, size_t size)
{
    static const uint8_t magic[] = {0x89, 'H', 'E', 'L', 'O', 'C', 'I', '\n'};
    if (size < 544)
        return;
    memcpy(data, magic, 8);
    repair_put(data + 8, 4, 1);
    repair_put(data + 16, 4, 512);
    repair_put(data + 24, 8, size);
    memset(data + 304, 0, 144);
    repair_sums(data, size);
    repair_digests(data, size);
}

#endif
