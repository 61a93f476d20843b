/*
 * Memory of the device instance. What is released is kept: a block that only its own stream has
 * used goes back to that stream, whose work is in order; one that other streams may use is late
 * until the device has been waited for, which is done for many at once; what no queued work can
 * touch is idle, for any stream. Lists of blocks are by size class, quarters of a power of two.
 */
#include <stdio.h>
#include <string.h>

#include "host/backend/device_private.h"
#include "host/base/mem.h"

#define PAGE       ((size_t)4096) /* sizes are multiples of it */
#define LATE_LEAST ((uint64_t)64 << 20)

/* ---- lists ---- */

static uint32_t class_of(size_t bytes)
{
    const uint64_t pages = bytes / PAGE;
    const uint32_t log = 63 - (uint32_t)__builtin_clzll(pages);
    const uint32_t quarter = (uint32_t)(log >= 2 ? pages >> (log - 2) : pages << (2 - log)) & 3;
    return 4 * log + quarter;
}

static void give(hel_dev_list *list, hel_dev_block *k)
{
    hel_dev_block **head = &list->first[class_of(k->bytes)];
    k->next = *head;
    *head = k;
    list->count++;
}

/* The smallest of the blocks that fit in the first class that has one: at most twice the size, so
 * that a large block is there for a large request. */
static hel_dev_block *take(hel_dev_list *list, size_t bytes)
{
    const uint32_t end = class_of(2 * bytes);
    for (uint32_t c = class_of(bytes); list->count && c <= end; c++) {
        hel_dev_block **best = NULL;
        for (hel_dev_block **at = &list->first[c]; *at; at = &(*at)->next)
            if ((*at)->bytes >= bytes && (*at)->bytes / 2 <= bytes &&
                (!best || (*at)->bytes < (*best)->bytes))
                best = at;
        if (best) {
            hel_dev_block *k = *best;
            *best = k->next;
            list->count--;
            return k;
        }
    }
    return NULL;
}

static void move_all(hel_dev_list *to, hel_dev_list *from)
{
    for (uint32_t c = 0; from->count && c < HEL_DEV_CLASSES; c++)
        for (hel_dev_block *k = from->first[c], *next; k; k = next) {
            next = k->next;
            give(to, k);
            from->count--;
        }
    memset(from, 0, sizeof *from);
}

void hel_dev_all_idle(hel_dev_backend *b, hel_dev_stream *d)
{
    pthread_mutex_lock(&b->lock);
    if (d->mine.count)
        move_all(&b->idle, &d->mine);
    pthread_mutex_unlock(&b->lock);
}

void hel_dev_arena_join(hel_dev_backend *b, hel_dev_stream *d)
{
    pthread_mutex_lock(&b->lock);
    d->next = b->streams;
    b->streams = d;
    pthread_mutex_unlock(&b->lock);
}

void hel_dev_arena_leave(hel_dev_backend *b, hel_dev_stream *d)
{
    pthread_mutex_lock(&b->lock);
    if (d->mine.count)
        move_all(&b->idle, &d->mine);
    for (size_t i = 0; i < b->block_count; i++)
        if (b->blocks[i]->home == &d->base)
            b->blocks[i]->home = NULL;
    for (hel_dev_stream **at = &b->streams; *at; at = &(*at)->next)
        if (*at == d) {
            *at = d->next;
            break;
        }
    pthread_mutex_unlock(&b->lock);
}

/* ---- all blocks, by address ---- */

/* The place of the first block that does not lie before p */
static size_t place_of(const hel_dev_backend *b, const void *p)
{
    size_t low = 0, high = b->block_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((uintptr_t)b->blocks[middle]->data < (uintptr_t)p)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static hel_dev_block *find(const hel_dev_backend *b, const void *p)
{
    const size_t at = place_of(b, p);
    return at < b->block_count && b->blocks[at]->data == p ? b->blocks[at] : NULL;
}

static hel_status make_room(hel_engine *engine, hel_dev_backend *b)
{
    hel_dev_block **more;
    const size_t room = b->block_room ? 2 * b->block_room : 64;
    if (b->block_count < b->block_room)
        return HEL_OK;
    HEL_TRY(hel_calloc(engine, &more, room, sizeof *more));
    if (b->block_count)
        memcpy(more, b->blocks, b->block_count * sizeof *more);
    hel_free(b->blocks);
    b->blocks = more;
    b->block_room = room;
    return HEL_OK;
}

static void forget(hel_dev_backend *b, hel_dev_block *k)
{
    b->device->ops->release(b->device, k->data);
    b->bytes_held -= k->bytes;
    hel_free(k);
}

void hel_dev_arena_end(hel_dev_backend *b)
{
    for (size_t i = 0; i < b->block_count; i++)
        forget(b, b->blocks[i]);
    hel_free(b->blocks);
}

/* Everything that nobody uses goes back to the device. The lock is held; nothing is recorded. */
static void give_back(hel_dev_backend *b)
{
    size_t kept = 0;
    (void)b->device->ops->sync(b->device, NULL);
    for (size_t i = 0; i < b->block_count; i++)
        if (b->blocks[i]->used)
            b->blocks[kept++] = b->blocks[i];
        else
            forget(b, b->blocks[i]);
    b->block_count = kept;
    memset(&b->idle, 0, sizeof b->idle);
    memset(&b->late, 0, sizeof b->late);
    memset(&b->settling, 0, sizeof b->settling);
    b->late_bytes = 0;
    for (hel_dev_stream *d = b->streams; d; d = d->next)
        memset(&d->mine, 0, sizeof d->mine);
}

static double mib(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

static hel_status no_memory(hel_engine *engine, hel_dev_backend *b, size_t bytes)
{
    uint64_t now = 0, all = 0;
    char text[160];
    snprintf(text, sizeof text, "%s", b->device->ops->error(b->device)); /* memory() has its own */
    (void)b->device->ops->memory(b->device, &now, &all);
    return hel_fail(engine, HEL_E_MEMORY,
                    "device %s: %s: %.1f MiB are needed, %.1f of its %.1f MiB are free and heloci "
                    "holds %.1f MiB",
                    b->device->ops->name, text, mib(bytes), mib(now), mib(all), mib(b->bytes_held));
}

static hel_status new_block(hel_engine *engine, hel_dev_backend *b, size_t bytes,
                            hel_dev_block **out)
{
    hel_dev_block *k;
    *out = NULL;
    HEL_TRY(make_room(engine, b));
    HEL_TRY(hel_calloc(engine, &k, 1, sizeof *k));
    k->bytes = bytes;
    hel_status status = b->device->ops->alloc(b->device, &k->data, bytes);
    if (status == HEL_E_MEMORY && !b->recordings) {
        give_back(b);
        status = b->device->ops->alloc(b->device, &k->data, bytes);
    }
    if (status != HEL_OK) {
        hel_free(k);
        return status == HEL_E_MEMORY ? no_memory(engine, b, bytes)
                                      : hel_dev_fail(engine, b, status, "allocation");
    }
    const size_t at = place_of(b, k->data);
    memmove(b->blocks + at + 1, b->blocks + at, (b->block_count - at) * sizeof *b->blocks);
    b->blocks[at] = k;
    b->block_count++;
    b->bytes_held += bytes;
    *out = k;
    return HEL_OK;
}

/* ---- requests ---- */

/* Late blocks become idle once they are worth a wait. The lock is held, and let go meanwhile. */
static void settle(hel_dev_backend *b)
{
    const uint64_t quarter = b->bytes_now / 4;
    if (b->recordings || b->settling.count ||
        b->late_bytes < (quarter > LATE_LEAST ? quarter : LATE_LEAST))
        return;
    const uint64_t bytes = b->late_bytes;
    b->settling = b->late;
    memset(&b->late, 0, sizeof b->late);
    b->late_bytes = 0;
    pthread_mutex_unlock(&b->lock);
    const hel_status status = b->device->ops->sync(b->device, NULL);
    pthread_mutex_lock(&b->lock);
    /* one that fails may not have waited: a recording has begun meanwhile, and may have ended */
    if (status != HEL_OK && b->settling.count)
        b->late_bytes += bytes;
    move_all(status != HEL_OK ? &b->late : &b->idle, &b->settling);
}

static hel_dev_block *reuse(hel_dev_backend *b, hel_dev_stream *d, size_t bytes)
{
    hel_dev_block *k = d->recording ? take(&d->recording->idle, bytes) : NULL;
    if (!k)
        k = take(&d->mine, bytes);
    if (!k)
        k = take(&b->idle, bytes);
    if (!k && b->late.count) {
        settle(b);
        k = take(&b->idle, bytes);
    }
    return k;
}

hel_status hel_dev_alloc(hel_stream *s, void *out, size_t bytes)
{
    hel_dev_backend *b = hel_dev_of(s);
    hel_dev_stream *d = (hel_dev_stream *)s;
    const size_t size = bytes ? (bytes + PAGE - 1) / PAGE * PAGE : PAGE;
    void *none = NULL;
    memcpy(out, &none, sizeof none);
    HEL_REQUIRE(s->engine, size >= bytes && size <= SIZE_MAX / 4, HEL_E_MEMORY,
                "device %s: %zu bytes are needed", b->device->ops->name, bytes);
    pthread_mutex_lock(&b->lock);
    hel_dev_block *k = reuse(b, d, size);
    hel_status status = k ? HEL_OK : new_block(s->engine, b, size, &k);
    if (status == HEL_OK) {
        if (!k->used) /* a recording's own blocks have been counted */
            b->bytes_now += k->bytes;
        if (b->bytes_now > b->bytes_most)
            b->bytes_most = b->bytes_now;
        k->used = 1;
        k->home = s;
        k->recording = d->recording;
        memcpy(out, &k->data, sizeof k->data);
    }
    pthread_mutex_unlock(&b->lock);
    return status;
}

static void let_go(hel_dev_backend *b, hel_dev_block *k)
{
    k->used = 0;
    k->recording = NULL;
    b->bytes_now -= k->bytes;
}

void hel_dev_release(hel_stream *s, void *p)
{
    hel_dev_backend *b = hel_dev_of(s);
    hel_dev_stream *d = (hel_dev_stream *)s;
    if (!p)
        return;
    pthread_mutex_lock(&b->lock);
    hel_dev_block *k = find(b, p);
    if (k && !k->used)
        k = NULL;
    if (k && d->recording)
        k->recording = d->recording; /* what is replayed uses it, whoever took it */
    if (k && k->recording) {
        give(&k->recording->idle, k);
    } else if (k) {
        let_go(b, k);
        if (s->shared || k->home != s) {
            give(&b->late, k);
            b->late_bytes += k->bytes;
        } else {
            give(&d->mine, k);
        }
    }
    pthread_mutex_unlock(&b->lock);
}

hel_status hel_dev_uses(hel_stream *s, uint64_t *bytes_now, uint64_t *bytes_most)
{
    hel_dev_backend *b = hel_dev_of(s);
    pthread_mutex_lock(&b->lock);
    *bytes_now = b->bytes_now;
    *bytes_most = b->bytes_most;
    pthread_mutex_unlock(&b->lock);
    return HEL_OK;
}

/* ---- recordings ---- */

/* The device has been waited for. Blocks that are still in use are their users'. */
static void end_recording(hel_dev_backend *b, hel_dev_recording *r)
{
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < b->block_count; i++)
        if (b->blocks[i]->recording == r)
            b->blocks[i]->recording = NULL;
    for (uint32_t c = 0; c < HEL_DEV_CLASSES; c++)
        for (hel_dev_block *k = r->idle.first[c]; k; k = k->next)
            let_go(b, k);
    move_all(&b->idle, &r->idle);
    pthread_mutex_unlock(&b->lock);
    hel_free(r);
}

static void count_recordings(hel_dev_backend *b, int begins)
{
    pthread_mutex_lock(&b->lock);
    b->recordings += begins ? 1u : 0u - 1u;
    pthread_mutex_unlock(&b->lock);
}

hel_status hel_dev_record_begin(hel_stream *s)
{
    hel_dev_backend *b = hel_dev_of(s);
    hel_dev_stream *d = (hel_dev_stream *)s;
    hel_dev_recording *r;
    HEL_REQUIRE(s->engine, !d->recording, HEL_E_INTERNAL, "a stream is being recorded already");
    HEL_TRY(hel_calloc(s->engine, &r, 1, sizeof *r));
    /* first: whoever sees none may wait for the device, which fails while there is one */
    count_recordings(b, 1);
    const hel_status status =
        hel_dev_fail(s->engine, b, b->device->ops->graph_begin(b->device, d->queue), "recording");
    if (status != HEL_OK) {
        count_recordings(b, 0);
        hel_free(r);
        return status;
    }
    r->stream = s;
    d->recording = r;
    return HEL_OK;
}

hel_status hel_dev_record_end(hel_stream *s, void **out)
{
    hel_dev_backend *b = hel_dev_of(s);
    hel_dev_stream *d = (hel_dev_stream *)s;
    hel_dev_recording *r = d->recording;
    *out = NULL;
    HEL_REQUIRE(s->engine, r, HEL_E_INTERNAL, "no stream is being recorded");
    const hel_status status = hel_dev_fail(
        s->engine, b, b->device->ops->graph_end(b->device, d->queue, &r->graph), "recording");
    d->recording = NULL;
    count_recordings(b, 0);
    if (status != HEL_OK) {
        (void)b->device->ops->sync(b->device, d->queue);
        end_recording(b, r);
        return status;
    }
    *out = r;
    return HEL_OK;
}

hel_status hel_dev_replay(hel_stream *s, void *recording)
{
    hel_dev_backend *b = hel_dev_of(s);
    const hel_dev_recording *r = recording;
    HEL_REQUIRE(s->engine, r->stream == s, HEL_E_INTERNAL, "a recording of another stream");
    return hel_dev_fail(s->engine, b,
                        b->device->ops->graph_run(b->device, hel_stream_queue(s), r->graph),
                        "replay");
}

void hel_dev_recording_free(hel_stream *s, void *recording)
{
    hel_dev_backend *b = hel_dev_of(s);
    hel_dev_recording *r = recording;
    if (!r)
        return;
    (void)b->device->ops->sync(b->device, hel_stream_queue(s));
    b->device->ops->graph_free(b->device, r->graph);
    end_recording(b, r);
}
