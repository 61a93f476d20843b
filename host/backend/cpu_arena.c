/*
 * Memory of CPU streams. Sizes are rounded up to four steps per power of two; what is released
 * stays in its class's list for the next request, so that a loop of operations neither asks the
 * system for memory nor touches fresh pages. A block belongs to whichever stream released it last.
 */
#include "host/backend/cpu_private.h"
#include "host/base/mem.h"

#define SMALLEST ((size_t)4096)

/* In front of every block: 64 bytes, so that the data keep the alignment. */
struct hel_cpu_block {
    hel_cpu_block *next;
    size_t bytes; /* of the data */
    uint32_t size_class;
    uint8_t fill[64 - 2 * sizeof(size_t) - sizeof(uint32_t)];
};

_Static_assert(sizeof(hel_cpu_block) == 64, "the header must keep the alignment");

/* Class and its size: SMALLEST 2^k (4 + i) / 4 for class 4 k + i. */
static uint32_t class_of(size_t bytes, size_t *rounded)
{
    uint32_t size_class = 0;
    size_t size = SMALLEST;
    while (size_class < CPU_CLASSES && size < bytes) {
        size_class++;
        size = (SMALLEST << size_class / 4) / 4 * (4 + size_class % 4);
    }
    *rounded = size;
    return size_class;
}

static void count(hel_cpu_backend *b, size_t bytes)
{
    uint64_t now = atomic_fetch_add(&b->bytes_now, bytes) + bytes;
    uint64_t most = atomic_load(&b->bytes_most);
    while (most < now && !atomic_compare_exchange_weak(&b->bytes_most, &most, now)) {
    }
}

hel_status hel_cpu_alloc(hel_stream *s, void *out, size_t bytes)
{
    hel_cpu_stream *stream = (hel_cpu_stream *)s;
    hel_cpu_block **list, *block;
    size_t rounded;
    const uint32_t size_class = class_of(bytes, &rounded);
    *(void **)out = NULL;
    if (size_class >= CPU_CLASSES)
        return hel_fail(s->engine, HEL_E_MEMORY, "memory: %zu bytes are too many", bytes);
    /* The next larger class will do as well: at most a quarter is wasted. */
    list = &stream->arena.free_list[size_class];
    if (!*list && size_class + 1 < CPU_CLASSES && list[1])
        list++;
    block = *list;
    if (block) {
        *list = block->next;
    } else {
        hel_status status = hel_malloc(NULL, &block, 1, sizeof *block + rounded);
        if (status != HEL_OK) { /* what is kept may be what is missing */
            hel_cpu_arena_clear(&stream->arena);
            HEL_TRY(hel_malloc(s->engine, &block, 1, sizeof *block + rounded));
        }
        block->size_class = size_class;
        block->bytes = rounded;
    }
    count((hel_cpu_backend *)s->backend, block->bytes);
    *(void **)out = block + 1;
    return HEL_OK;
}

void hel_cpu_release(hel_stream *s, void *p)
{
    hel_cpu_arena *arena = &((hel_cpu_stream *)s)->arena;
    if (!p)
        return;
    hel_cpu_block *block = (hel_cpu_block *)p - 1;
    atomic_fetch_sub(&((hel_cpu_backend *)s->backend)->bytes_now, block->bytes);
    block->next = arena->free_list[block->size_class];
    arena->free_list[block->size_class] = block;
}

void hel_cpu_arena_clear(hel_cpu_arena *arena)
{
    for (uint32_t i = 0; i < CPU_CLASSES; i++)
        while (arena->free_list[i]) {
            hel_cpu_block *block = arena->free_list[i];
            arena->free_list[i] = block->next;
            hel_free(block);
        }
}
