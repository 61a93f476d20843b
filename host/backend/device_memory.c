/* Streams of the device instance, and its table. */
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

/* ---- streams ---- */

static void stream_free(hel_stream *s)
{
    hel_dev_stream *d = (hel_dev_stream *)s;
    if (!s)
        return;
    hel_dev_backend *b = hel_dev_of(s);
    if (d->queue)
        (void)b->device->ops->sync(b->device, d->queue);
    hel_dev_arena_leave(b, d);
    if (d->queue)
        b->device->ops->queue_free(b->device, d->queue);
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
    hel_dev_arena_join(b, d);
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
    hel_dev_stream *d = (hel_dev_stream *)s;
    HEL_TRY(hel_dev_fail(s->engine, b, b->device->ops->sync(b->device, d->queue), "waiting"));
    hel_dev_all_idle(b, d);
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
    hel_dev_stream *d = (hel_dev_stream *)s;
    HEL_TRY(hel_dev_fail(s->engine, b,
                         b->device->ops->download(b->device, d->queue, dst, src, bytes),
                         "copying from the device"));
    hel_dev_all_idle(b, d);
    return HEL_OK;
}

/* ---- the instance ---- */

/* Kernels that read its tables may still be queued. */
static void basis_free(hel_backend *backend, hel_basis *basis)
{
    hel_dev_backend *b = (hel_dev_backend *)backend;
    if (basis)
        (void)b->device->ops->sync(b->device, NULL);
    hel_dev_basis_free(backend, basis);
}

static void backend_free(hel_backend *backend)
{
    hel_dev_backend *b = (hel_dev_backend *)backend;
    hel_dev_arena_end(b);
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
    .basis_free = basis_free,
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
    .key_switch = hel_dev_key_switch,
    .switch_digits = hel_dev_switch_digits,
    .record_begin = hel_dev_record_begin,
    .record_end = hel_dev_record_end,
    .replay = hel_dev_replay,
    .recording_free = hel_dev_recording_free,
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
