/*
 * One lock guards the slots. A slot is FREE, then FILLING (its pieces are handed out and come
 * back), then READY until it is released. Span o lives in slot o mod slots, so a reader may begin
 * span o when span o - slots has been released.
 */
#include "host/sched/feed.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/base/file.h"
#include "host/base/mem.h"
#include "host/base/thread.h"

typedef enum slot_state { SLOT_FREE, SLOT_FILLING, SLOT_READY } slot_state;

typedef struct slot {
    slot_state state;
    hel_span span;
    uint64_t ordinal;
    uint64_t given, done; /* bytes handed out to readers, bytes back */
    void *memory;         /* as allocated */
    uint8_t *data;        /* aligned */
} slot;

struct hel_feed {
    hel_engine *engine;
    hel_feed_config config;
    pthread_mutex_t lock;
    pthread_cond_t work, ready; /* for readers, for consumers */
    slot *slot;
    uint64_t next_ordinal; /* spans that next() has named */
    int ended, stop;       /* no further span; the feed is being freed */
    hel_status failed;
    atomic_int direct; /* 1: direct_fd is in use */
    atomic_int was_direct;
    hel_stage read, check, full, starved;
    uint32_t started;
    pthread_t *thread;
};

typedef struct piece {
    slot *slot;
    uint64_t at, bytes; /* within the span */
} piece;

/* ---- reading one piece, without the lock ---- */

/* The whole piece past the page cache. 0: the file system will not, and nobody tries again. */
static int read_direct(hel_feed *f, uint8_t *to, uint64_t offset, uint64_t bytes,
                       hel_status *status)
{
    uint64_t got = 0;
    *status = HEL_OK;
    while (got < bytes) {
        const uint64_t rest = (bytes - got + HEL_FEED_ALIGN - 1) & ~(uint64_t)(HEL_FEED_ALIGN - 1);
        const ssize_t n = pread(f->config.direct_fd, to + got, rest, (off_t)(offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EINVAL || errno == EOPNOTSUPP || errno == ENOTSUP)) {
            atomic_store(&f->direct, 0);
            return 0;
        }
        if (n < 0)
            *status = hel_fail_errno(f->engine, errno, "%s: read failed at byte %llu",
                                     f->config.path, (unsigned long long)(offset + got));
        if (n < 0)
            return 1;
        got += (uint64_t)n;
        if (n == 0 || (got < bytes && n % HEL_FEED_ALIGN != 0)) {
            /* the end of the file, or of what can be read so: the other descriptor tells */
            *status = hel_file_read_at(f->engine, f->config.fd, f->config.path, to, bytes, offset);
            return 1;
        }
    }
    atomic_store(&f->was_direct, 1);
    return 1;
}

static hel_status fill(hel_feed *f, const piece *p)
{
    const hel_feed_config *c = &f->config;
    const uint64_t offset = p->slot->span.offset + p->at;
    uint8_t *to = p->slot->data + p->at;
    hel_stage_mark mark = hel_stage_enter();
    hel_status status = HEL_OK;
    const int aligned = offset % HEL_FEED_ALIGN == 0 && p->at % HEL_FEED_ALIGN == 0;
    if (c->read)
        status = c->read(c->arg, offset, to, p->bytes);
    else if (!aligned || !atomic_load(&f->direct) || !read_direct(f, to, offset, p->bytes, &status))
        status = hel_file_read_at(f->engine, c->fd, c->path, to, p->bytes, offset);
    hel_stage_leave(&f->read, &mark, 1, p->bytes);
    HEL_TRY(status);
    mark = hel_stage_enter();
    status = c->check(c->arg, offset, to, p->bytes);
    hel_stage_leave(&f->check, &mark, 1, p->bytes);
    return status;
}

/* ---- under the lock ---- */

static void fail(hel_feed *f, hel_status status)
{
    if (f->failed == HEL_OK)
        f->failed = status;
    pthread_cond_broadcast(&f->work);
    pthread_cond_broadcast(&f->ready);
}

/* The span that is being handed out, or the next one; NULL while there is no slot for it, and when
 * there is none. */
static slot *slot_at_hand(hel_feed *f)
{
    if (f->next_ordinal > 0) {
        slot *s = &f->slot[(f->next_ordinal - 1) % f->config.slots];
        if (s->state == SLOT_FILLING && s->ordinal == f->next_ordinal - 1 &&
            s->given < s->span.bytes)
            return s;
    }
    slot *s = &f->slot[f->next_ordinal % f->config.slots];
    if (f->ended || s->state != SLOT_FREE)
        return NULL;
    hel_span span = {0, 0};
    hel_status status = f->config.next(f->config.arg, &span);
    if (status == HEL_OK && span.bytes > f->config.slot_bytes)
        status = hel_fail(f->engine, HEL_E_INTERNAL, "%s: a span of %llu bytes for a slot of %llu",
                          f->config.path, (unsigned long long)span.bytes,
                          (unsigned long long)f->config.slot_bytes);
    if (status != HEL_OK) {
        fail(f, status);
        return NULL;
    }
    if (span.bytes == 0) {
        f->ended = 1;
        pthread_cond_broadcast(&f->work);
        pthread_cond_broadcast(&f->ready);
        return NULL;
    }
    s->state = SLOT_FILLING;
    s->span = span;
    s->ordinal = f->next_ordinal++;
    s->given = s->done = 0;
    return s;
}

static int take_piece(hel_feed *f, piece *p)
{
    slot *s = slot_at_hand(f);
    if (!s)
        return 0;
    const uint64_t left = s->span.bytes - s->given;
    *p = (piece){s, s->given, left < f->config.piece_bytes ? left : f->config.piece_bytes};
    s->given += p->bytes;
    /* while there is more to do, somebody else may help */
    pthread_cond_signal(&f->work);
    return 1;
}

static void *serve(void *arg)
{
    hel_feed *f = arg;
    piece p;
    pthread_mutex_lock(&f->lock);
    const uint32_t number = f->started++;
    pthread_mutex_unlock(&f->lock);
    if (f->config.begin)
        f->config.begin(f->config.arg, number);
    pthread_mutex_lock(&f->lock);
    while (!f->stop && f->failed == HEL_OK) {
        if (!take_piece(f, &p)) {
            if (f->ended || f->failed != HEL_OK)
                break;
            const hel_stage_mark mark = hel_stage_enter();
            pthread_cond_wait(&f->work, &f->lock);
            hel_stage_leave(&f->full, &mark, 1, 0);
            continue;
        }
        pthread_mutex_unlock(&f->lock);
        const hel_status status = fill(f, &p);
        pthread_mutex_lock(&f->lock);
        p.slot->done += p.bytes;
        if (status != HEL_OK)
            fail(f, status);
        else if (p.slot->done == p.slot->span.bytes) {
            p.slot->state = SLOT_READY;
            pthread_cond_broadcast(&f->ready);
        }
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* ---- consumers ---- */

hel_status hel_feed_wait(hel_feed *f, uint64_t ordinal, const uint8_t **data)
{
    slot *s = &f->slot[ordinal % f->config.slots];
    hel_status status = HEL_OK;
    hel_stage_mark mark;
    int waited = 0;
    pthread_mutex_lock(&f->lock);
    while (!(s->state == SLOT_READY && s->ordinal == ordinal)) {
        status = f->failed;
        if (status == HEL_OK && f->ended && ordinal >= f->next_ordinal)
            status = hel_fail(f->engine, HEL_E_INTERNAL, "%s: span %llu does not come",
                              f->config.path, (unsigned long long)ordinal);
        if (status != HEL_OK)
            break;
        if (!waited++)
            mark = hel_stage_enter();
        pthread_cond_wait(&f->ready, &f->lock);
    }
    if (waited)
        hel_stage_leave(&f->starved, &mark, 1, 0);
    *data = s->data;
    pthread_mutex_unlock(&f->lock);
    return status;
}

void hel_feed_release(hel_feed *f, uint64_t ordinal)
{
    slot *s = &f->slot[ordinal % f->config.slots];
    pthread_mutex_lock(&f->lock);
    if (s->state == SLOT_READY && s->ordinal == ordinal)
        s->state = SLOT_FREE;
    pthread_cond_broadcast(&f->work);
    pthread_mutex_unlock(&f->lock);
}

void hel_feed_fail(hel_feed *f, hel_status status)
{
    pthread_mutex_lock(&f->lock);
    fail(f, status);
    pthread_mutex_unlock(&f->lock);
}

/* ---- life ---- */

/* Room for a direct read that ends at the next border, and for the alignment. */
static uint64_t memory_bytes(const hel_feed_config *c)
{
    return c->slot_bytes + 2 * HEL_FEED_ALIGN;
}

uint64_t hel_feed_bytes(const hel_feed_config *c)
{
    return c->slots * memory_bytes(c);
}

static hel_status make_slots(hel_feed *f)
{
    const hel_feed_config *c = &f->config;
    HEL_TRY(hel_calloc(f->engine, &f->slot, c->slots, sizeof *f->slot));
    for (uint32_t i = 0; i < c->slots; i++) {
        slot *s = &f->slot[i];
        if (c->alloc)
            HEL_TRY(c->alloc(c->arg, &s->memory, memory_bytes(c)));
        else
            HEL_TRY(hel_malloc(f->engine, &s->memory, memory_bytes(c), 1));
        s->data = (uint8_t *)(((uintptr_t)s->memory + HEL_FEED_ALIGN - 1) &
                              ~(uintptr_t)(HEL_FEED_ALIGN - 1));
    }
    return HEL_OK;
}

static hel_status start_readers(hel_feed *f)
{
    uint32_t started = 0;
    int error = 0;
    HEL_TRY(hel_calloc(f->engine, &f->thread, f->config.readers, sizeof *f->thread));
    while (started < f->config.readers && !error) {
        error = hel_thread_start(&f->thread[started], serve, f, NULL);
        started += !error;
    }
    f->config.readers = started;
    if (started == 0)
        return hel_fail_errno(f->engine, error, "%s: no thread to read it", f->config.path);
    return HEL_OK;
}

hel_status hel_feed_create(hel_engine *engine, hel_feed **out, const hel_feed_config *config)
{
    hel_feed *f;
    *out = NULL;
    HEL_REQUIRE(engine, config->slots && config->readers && config->piece_bytes, HEL_E_INTERNAL,
                "%s: a feed without slots, readers or pieces", config->path);
    HEL_TRY(hel_calloc(engine, &f, 1, sizeof *f));
    f->engine = engine;
    f->config = *config;
    f->config.readers = 0;
    atomic_store(&f->direct, config->direct_fd >= 0);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->work, NULL);
    pthread_cond_init(&f->ready, NULL);
    hel_status status = make_slots(f);
    if (status == HEL_OK) {
        f->config.readers = config->readers;
        status = start_readers(f);
    }
    if (status != HEL_OK) {
        hel_feed_free(f);
        return status;
    }
    *out = f;
    return HEL_OK;
}

void hel_feed_free(hel_feed *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->stop = 1;
    pthread_cond_broadcast(&f->work);
    pthread_mutex_unlock(&f->lock);
    for (uint32_t i = 0; f->thread && i < f->config.readers; i++)
        pthread_join(f->thread[i], NULL);
    for (uint32_t i = 0; f->slot && i < f->config.slots; i++) {
        if (f->config.dealloc && f->slot[i].memory)
            f->config.dealloc(f->config.arg, f->slot[i].memory);
        else if (!f->config.dealloc)
            hel_free(f->slot[i].memory);
    }
    pthread_cond_destroy(&f->ready);
    pthread_cond_destroy(&f->work);
    pthread_mutex_destroy(&f->lock);
    hel_free(f->thread);
    hel_free(f->slot);
    hel_free(f);
}

hel_feed_stages hel_feed_stages_get(const hel_feed *f)
{
    return (hel_feed_stages){.read = &f->read,
                             .check = &f->check,
                             .full = &f->full,
                             .starved = &f->starved,
                             .readers = f->config.readers,
                             .direct = atomic_load(&f->was_direct)};
}
