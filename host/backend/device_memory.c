/* Streams and memory of the device instance, and its table. */
#include <string.h>

#include "host/backend/device_private.h"
#include "host/base/mem.h"

hel_status hel_device_fail(hel_engine *engine, const hel_device *d, hel_status status,
                           const char *what)
{
    if (status == HEL_OK)
        return HEL_OK;
    return hel_fail(engine, status, "device %s: %s: %s", d->ops->name, what,
                    d->ops->error((hel_device *)(uintptr_t)d));
}

hel_status hel_dev_fail(hel_engine *engine, const hel_dev_backend *b, hel_status status,
                        const char *what)
{
    return hel_device_fail(engine, b->device, status, what);
}

void *hel_stream_queue(const hel_stream *s)
{
    return ((const hel_dev_stream *)s)->queue;
}

/* ---- memory: released blocks are kept, and serve requests of at least half their size ---- */

static hel_dev_block *find_block(hel_dev_backend *b, const hel_stream *s, size_t bytes)
{
    hel_dev_block *best = NULL;
    for (hel_dev_block *k = b->blocks; k; k = k->next)
        if (!k->used && (!k->home || k->home == s) && k->bytes >= bytes && k->bytes / 2 <= bytes &&
            (!best || k->bytes < best->bytes))
            best = k;
    return best;
}

static hel_status new_block(hel_engine *engine, hel_dev_backend *b, size_t bytes,
                            hel_dev_block **out)
{
    hel_dev_block *k;
    HEL_TRY(hel_calloc(engine, &k, 1, sizeof *k));
    k->bytes = bytes;
    hel_status status = b->device->ops->alloc(b->device, &k->data, bytes);
    if (status != HEL_OK) {
        hel_free(k);
        return hel_dev_fail(engine, b, status, "allocation");
    }
    k->next = b->blocks;
    b->blocks = k;
    *out = k;
    return HEL_OK;
}

hel_status hel_dev_alloc(hel_stream *s, void *out, size_t bytes)
{
    hel_dev_backend *b = hel_dev_of(s);
    const size_t size = bytes ? (bytes + 4095) / 4096 * 4096 : 4096;
    void *none = NULL;
    memcpy(out, &none, sizeof none);
    pthread_mutex_lock(&b->lock);
    hel_dev_block *k = find_block(b, s, size);
    hel_status status = k ? HEL_OK : new_block(s->engine, b, size, &k);
    if (status == HEL_OK) {
        k->used = 1;
        k->home = s;
        b->bytes_now += k->bytes;
        if (b->bytes_now > b->bytes_most)
            b->bytes_most = b->bytes_now;
        memcpy(out, &k->data, sizeof k->data);
    }
    pthread_mutex_unlock(&b->lock);
    return status;
}

/* Blocks that this stream has released may be taken by any stream: its work is done. */
static void set_free(hel_dev_backend *b, const hel_stream *s)
{
    pthread_mutex_lock(&b->lock);
    for (hel_dev_block *k = b->blocks; k; k = k->next)
        if (!k->used && k->home == s)
            k->home = NULL;
    pthread_mutex_unlock(&b->lock);
}

/* Kernels that use the block may still be queued. A stream's own scratch goes back to that stream
 * alone; memory that other streams may use waits for all of them. */
void hel_dev_release(hel_stream *s, void *p)
{
    hel_dev_backend *b = hel_dev_of(s);
    hel_dev_block *found = NULL;
    if (!p)
        return;
    pthread_mutex_lock(&b->lock);
    for (hel_dev_block *k = b->blocks; k; k = k->next)
        if (k->data == p)
            found = k;
    const int elsewhere = found && (s->shared || found->home != s);
    pthread_mutex_unlock(&b->lock);
    if (elsewhere) /* a lost device has no work left either */
        (void)b->device->ops->sync(b->device, NULL);
    pthread_mutex_lock(&b->lock);
    if (found) {
        found->used = 0;
        found->home = elsewhere ? NULL : s;
        b->bytes_now -= found->bytes;
    }
    pthread_mutex_unlock(&b->lock);
}

static hel_status hel_dev_uses(hel_stream *s, uint64_t *bytes_now, uint64_t *bytes_most)
{
    hel_dev_backend *b = hel_dev_of(s);
    pthread_mutex_lock(&b->lock);
    *bytes_now = b->bytes_now;
    *bytes_most = b->bytes_most;
    pthread_mutex_unlock(&b->lock);
    return HEL_OK;
}

/* ---- streams ---- */

static void stream_free(hel_stream *s)
{
    hel_dev_stream *d = (hel_dev_stream *)s;
    if (!s)
        return;
    if (d->queue)
        (void)hel_dev_of(s)->device->ops->sync(hel_dev_of(s)->device, d->queue);
    set_free(hel_dev_of(s), s);
    if (d->queue)
        hel_dev_of(s)->device->ops->queue_free(hel_dev_of(s)->device, d->queue);
    if (d->host)
        d->host->ops->stream_free(d->host);
    hel_free(d);
}

static hel_status stream_create(hel_backend *backend, hel_engine *engine, hel_stream **out)
{
    hel_dev_backend *b = (hel_dev_backend *)backend;
    hel_dev_stream *d;
    *out = NULL;
    HEL_TRY(hel_calloc(engine, &d, 1, sizeof *d));
    d->base = (hel_stream){.ops = backend->ops, .backend = backend, .engine = engine};
    hel_status status = b->host->ops->stream_create(b->host, engine, &d->host);
    if (status == HEL_OK)
        status = hel_dev_fail(engine, b, b->device->ops->queue_create(b->device, &d->queue),
                              "creating a stream");
    if (status != HEL_OK) {
        stream_free(&d->base);
        return status;
    }
    *out = &d->base;
    return HEL_OK;
}

static hel_status sync(hel_stream *s)
{
    hel_dev_backend *b = hel_dev_of(s);
    HEL_TRY(hel_dev_fail(s->engine, b,
                         b->device->ops->sync(b->device, ((hel_dev_stream *)s)->queue), "waiting"));
    set_free(b, s);
    return HEL_OK;
}

/* A lost device keeps no secret either. */
static void wipe(hel_stream *s, void *p, size_t bytes)
{
    hel_dev_backend *b = hel_dev_of(s);
    if (s->shared)
        (void)b->device->ops->sync(b->device, NULL);
    (void)b->device->ops->wipe(b->device, ((hel_dev_stream *)s)->queue, p, bytes);
}

static hel_status upload(hel_stream *s, void *dst, const void *src, size_t bytes)
{
    hel_dev_backend *b = hel_dev_of(s);
    void *queue = ((hel_dev_stream *)s)->queue;
    return hel_dev_fail(s->engine, b, b->device->ops->upload(b->device, queue, dst, src, bytes),
                        "copying to the device");
}

static hel_status download(hel_stream *s, void *dst, const void *src, size_t bytes)
{
    hel_dev_backend *b = hel_dev_of(s);
    void *queue = ((hel_dev_stream *)s)->queue;
    return hel_dev_fail(s->engine, b, b->device->ops->download(b->device, queue, dst, src, bytes),
                        "copying from the device");
}

/* ---- the instance ---- */

static void backend_free(hel_backend *backend)
{
    hel_dev_backend *b = (hel_dev_backend *)backend;
    for (hel_dev_block *k = b->blocks, *next; k; k = next) {
        next = k->next;
        b->device->ops->release(b->device, k->data);
        hel_free(k);
    }
    b->device->ops->close(b->device);
    hel_backend_free(b->host);
    pthread_mutex_destroy(&b->lock);
    hel_free(b);
}

static const hel_backend_ops ops = {
    .name = "device",
    .free = backend_free,
    .stream_create = stream_create,
    .stream_free = stream_free,
    .sync = sync,
    .alloc = hel_dev_alloc,
    .release = hel_dev_release,
    .wipe = wipe,
    .upload = upload,
    .download = download,
    .copy = hel_dev_copy,
    .basis_create = hel_dev_basis_create,
    .basis_free = hel_dev_basis_free,
    .ntt_forward = hel_dev_ntt_forward,
    .ntt_inverse = hel_dev_ntt_inverse,
    .add = hel_dev_add,
    .sub = hel_dev_sub,
    .mul = hel_dev_mul,
    .mul_add = hel_dev_mul_add,
    .mul_scalar = hel_dev_mul_scalar,
    .add_scalar = hel_dev_add_scalar,
    .tensor = hel_dev_tensor,
    .dot = hel_dev_dot,
    .automorph = hel_dev_automorph,
    .rescale = hel_dev_rescale,
    .decompose = hel_dev_decompose,
    .key_inner = hel_dev_key_inner,
    .mod_down = hel_dev_mod_down,
    .mod_up = hel_dev_mod_up,
    .uniform = hel_dev_uniform,
    .small = hel_dev_small,
    .encode = hel_dev_encode,
    .decode = hel_dev_decode,
    .key_switch = hel_key_switch, /* one launch for the whole of it is a later step */
    .uses = hel_dev_uses,
};

hel_device *hel_backend_device(const hel_backend *b)
{
    return b->ops == &ops ? ((const hel_dev_backend *)b)->device : NULL;
}

hel_status hel_backend_device_create(hel_engine *engine, hel_backend **out, hel_device *device)
{
    hel_dev_backend *b = NULL;
    *out = NULL;
    hel_status status = hel_calloc(engine, &b, 1, sizeof *b);
    if (status == HEL_OK)
        status = hel_backend_cpu_create(engine, &b->host);
    if (status != HEL_OK) {
        hel_free(b);
        device->ops->close(device);
        return status;
    }
    b->base.ops = &ops;
    b->device = device;
    pthread_mutex_init(&b->lock, NULL);
    *out = &b->base;
    return HEL_OK;
}
