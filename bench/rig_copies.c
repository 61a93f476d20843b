/* Copies: between host and device by the way of either kind of host memory, and on the device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/rig.h"

typedef struct copy_arg {
    rig *b;
    void *host, *pinned;
    uint32_t *device;
    size_t bytes;
} copy_arg;

static hel_status to_device(void *p)
{
    const copy_arg *c = p;
    return c->b->ops->upload(c->b->s, c->device, c->host, c->bytes);
}

static hel_status to_host(void *p)
{
    const copy_arg *c = p;
    return c->b->ops->download(c->b->s, c->host, c->device, c->bytes);
}

static hel_status send(void *p)
{
    const copy_arg *c = p;
    hel_device *d = c->b->device;
    return d->ops->send(d, c->b->queue, c->device, c->pinned, c->bytes);
}

static hel_status fetch(void *p)
{
    const copy_arg *c = p;
    hel_device *d = c->b->device;
    return d->ops->fetch(d, c->b->queue, c->pinned, c->device, c->bytes);
}

static void run(rig *b, const char *name, rig_fn fn, copy_arg *c)
{
    char text[80];
    snprintf(text, sizeof text, "copy/%s/%zu", name, c->bytes);
    const bench_result r = rig_run(b, text, fn, c, (double)c->bytes, NULL);
    if (!(r.best_ns > 0))
        return;
    bench_counter("gigabytes_per_second", (double)c->bytes / r.best_ns);
    if (fn == send)
        b->bus_bytes_per_ns = (double)c->bytes / r.best_ns;
}

void rig_copies(rig *b)
{
    copy_arg c = {.b = b, .bytes = b->options.smoke ? (size_t)1 << 16 : (size_t)256 << 20};
    if (!b->device)
        return;
    c.host = malloc(c.bytes);
    if (!c.host)
        exit(71);
    memset(c.host, 1, c.bytes);
    rig_must(b, b->ops->alloc(b->s, &c.device, c.bytes));
    rig_must(b, b->ops->upload(b->s, c.device, c.host, c.bytes));
    run(b, "to_device/pageable", to_device, &c);
    run(b, "to_host/pageable", to_host, &c);
    if (b->device->ops->host_alloc && b->device->ops->send && b->device->ops->fetch) {
        rig_device_must(b, b->device->ops->host_alloc(b->device, &c.pinned, c.bytes));
        memset(c.pinned, 2, c.bytes);
        run(b, "to_device/pinned", send, &c);
        run(b, "to_host/pinned", fetch, &c);
        rig_must(b, b->ops->sync(b->s));
        b->device->ops->host_release(b->device, c.pinned);
    }
    b->ops->release(b->s, c.device);
    free(c.host);
}
