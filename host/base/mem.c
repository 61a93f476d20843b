/* Allocation: a 64-byte prefix in front of every block carries its size. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "host/base/mem.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define HUGE_FROM ((size_t)8 << 20)

struct prefix {
    size_t bytes; /* of the whole block, prefix included */
};

static atomic_uint_least64_t countdown; /* fail-the-nth injection; 0 = off */
static atomic_uint_least64_t in_use;

void hel_mem_fail_nth(uint64_t nth)
{
    atomic_store(&countdown, nth);
}

uint64_t hel_mem_in_use(void)
{
    return atomic_load(&in_use);
}

static int must_fail(void)
{
    uint64_t left = atomic_load(&countdown);
    while (left > 0)
        if (atomic_compare_exchange_weak(&countdown, &left, left - 1))
            return left == 1;
    return 0;
}

static hel_status allocate(hel_engine *engine, void *out, size_t count, size_t bytes, int zero)
{
    void **slot = out;
    size_t total;
    *slot = NULL;
    if (__builtin_mul_overflow(count, bytes, &total) ||
        __builtin_add_overflow(total, (size_t)(2 * HEL_ALIGN), &total))
        return hel_fail(engine, HEL_E_MEMORY, "memory: %zu x %zu bytes overflow", count, bytes);
    total &= ~(size_t)(HEL_ALIGN - 1);
    const int large = total >= HUGE_FROM;
    if (large && __builtin_add_overflow(total, HUGE_PAGE - 1, &total))
        return hel_fail(engine, HEL_E_MEMORY, "memory: %zu x %zu bytes overflow", count, bytes);
    total = large ? total / HUGE_PAGE * HUGE_PAGE : total;
    char *block = must_fail() ? NULL : aligned_alloc(large ? HUGE_PAGE : HEL_ALIGN, total);
    if (!block)
        return hel_fail(engine, HEL_E_MEMORY, "memory: %zu bytes could not be allocated", total);
    if (large) /* fewer TLB misses where the system has huge pages to give */
        (void)madvise(block, total, MADV_HUGEPAGE);
    ((struct prefix *)block)->bytes = total;
    atomic_fetch_add(&in_use, total);
    if (zero)
        memset(block + HEL_ALIGN, 0, total - HEL_ALIGN);
    *slot = block + HEL_ALIGN;
    return HEL_OK;
}

hel_status hel_calloc(hel_engine *engine, void *out, size_t count, size_t bytes)
{
    return allocate(engine, out, count, bytes, 1);
}

hel_status hel_malloc(hel_engine *engine, void *out, size_t count, size_t bytes)
{
    return allocate(engine, out, count, bytes, 0);
}

static size_t block_bytes(void *pointer)
{
    return ((struct prefix *)((char *)pointer - HEL_ALIGN))->bytes;
}

void hel_free(void *pointer)
{
    if (!pointer)
        return;
    atomic_fetch_sub(&in_use, block_bytes(pointer));
    free((char *)pointer - HEL_ALIGN);
}

/* Secrets have pages of their own: locking and dump flags work on pages, and a page shared with
 * other memory would lose its lock when a neighbour is freed. */
hel_status hel_secret_alloc(hel_engine *engine, void *out, size_t bytes)
{
    void **slot = out;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *slot = NULL;
    HEL_REQUIRE(engine, bytes < SIZE_MAX - HEL_ALIGN - page, HEL_E_MEMORY,
                "memory: %zu secret bytes overflow", bytes);
    size_t total = (bytes + HEL_ALIGN + page - 1) / page * page;
    char *block =
        must_fail() ? MAP_FAILED
                    : mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return hel_fail(engine, HEL_E_MEMORY, "memory: %zu secret bytes could not be mapped",
                        total);
    /* Best effort: RLIMIT_MEMLOCK may be small, and a key must still load then. */
    (void)mlock(block, total);
    (void)madvise(block, total, MADV_DONTDUMP);
    ((struct prefix *)block)->bytes = total;
    atomic_fetch_add(&in_use, total);
    *slot = block + HEL_ALIGN;
    return HEL_OK;
}

void hel_secret_free(void *pointer)
{
    if (!pointer)
        return;
    char *block = (char *)pointer - HEL_ALIGN;
    size_t total = block_bytes(pointer);
    OPENSSL_cleanse(block, total);
    atomic_fetch_sub(&in_use, total);
    munmap(block, total);
}

void hel_wipe(void *pointer, size_t bytes)
{
    if (pointer)
        OPENSSL_cleanse(pointer, bytes);
}
