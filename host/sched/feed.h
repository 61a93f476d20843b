/*
 * A feed: threads that read pieces of a file ahead of their use, into a fixed number of slots.
 *
 *   next() names spans of the file, one after another: ordinals 0, 1, 2, ...
 *   readers take a span piece by piece: positional read, then check() while the piece is in cache
 *   wait(o) gives the span's bytes once it is whole; release(o) makes its slot free
 *
 * Readers stop when no slot is free (back-pressure) and consumers wait when they are ahead; both
 * are counted. Memory is slots x slot_bytes and a little. The first failure of a read, of next()
 * or of check() ends the feed: every wait for what is not there yet then returns it.
 *
 * With a descriptor opened for O_DIRECT pieces bypass the page cache where offset and span allow it
 * (multiples of HEL_FEED_ALIGN); a file system that refuses is read through the other descriptor.
 */
#ifndef HEL_SCHED_FEED_H
#define HEL_SCHED_FEED_H

#include "host/base/error.h"
#include "host/sched/stage.h"

#define HEL_FEED_ALIGN 4096u

typedef struct hel_feed hel_feed;

typedef struct hel_span {
    uint64_t offset, bytes; /* in the file; bytes = 0: there is no further span */
} hel_span;

typedef struct hel_feed_config {
    int fd, direct_fd; /* borrowed; direct_fd -1: none */
    const char *path;  /* for sentences; borrowed */
    uint32_t slots, readers;
    uint64_t slot_bytes;  /* largest span */
    uint64_t piece_bytes; /* a reader's portion: borders lie at multiples of it from the span's
                             beginning */
    /* Called under the feed's lock, in order. Must not call the feed. */
    hel_status (*next)(void *arg, hel_span *span);
    /* Bytes [offset, offset + bytes) of the file, as read; by several threads at once. */
    hel_status (*check)(void *arg, uint64_t offset, const uint8_t *data, uint64_t bytes);
    /* NULL: positional reads of the descriptors. Else what stands for them (measurements). */
    hel_status (*read)(void *arg, uint64_t offset, uint8_t *to, uint64_t bytes);
    /* NULL: ordinary memory. Else memory of bytes, aligned to HEL_FEED_ALIGN. */
    hel_status (*alloc)(void *arg, void **out, uint64_t bytes);
    void (*dealloc)(void *arg, void *p);
    void (*begin)(void *arg,
                  uint32_t reader); /* first thing of every reader's thread; may be NULL */
    void *arg;
} hel_feed_config;

/* Starts the readers. One that cannot be started is not missed unless it is the only one. */
hel_status hel_feed_create(hel_engine *engine, hel_feed **out, const hel_feed_config *config);
/* Waits for reads under way. No wait may be in progress. NULL allowed. */
void hel_feed_free(hel_feed *f);

/* Blocks until span `ordinal` is in memory; its bytes stay until it is released. Several threads
 * may wait for one span. A span that never comes is HEL_E_INTERNAL. */
hel_status hel_feed_wait(hel_feed *f, uint64_t ordinal, const uint8_t **data);
/* Once per span, by one thread, in any order of ordinals. */
void hel_feed_release(hel_feed *f, uint64_t ordinal);

/* Ends the feed because a consumer has failed: whoever waits, or waits later, gets `status`. */
void hel_feed_fail(hel_feed *f, hel_status status);

/* Bytes of all slots. */
uint64_t hel_feed_bytes(const hel_feed_config *config);

typedef struct hel_feed_stages {
    const hel_stage *read, *check; /* of readers */
    const hel_stage *full;         /* readers waited for a slot */
    const hel_stage *starved;      /* consumers waited for a span */
    uint32_t readers;
    int direct; /* 1: the page cache was bypassed */
} hel_feed_stages;

hel_feed_stages hel_feed_stages_get(const hel_feed *f);

#endif
