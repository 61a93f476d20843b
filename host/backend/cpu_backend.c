/* The CPU instance: its table, its life and that of its streams, and moves of memory. */
#include <string.h>

#include "host/backend/cpu_private.h"
#include "host/base/mem.h"

static void backend_free(hel_backend *b)
{
    hel_free(b);
}

static hel_status stream_create(hel_backend *b, hel_engine *engine, hel_stream **out)
{
    cpu_stream *stream;
    *out = NULL;
    HEL_TRY(hel_calloc(engine, &stream, 1, sizeof *stream));
    stream->base = (hel_stream){.ops = b->ops, .backend = b, .engine = engine};
    *out = &stream->base;
    return HEL_OK;
}

static void stream_free(hel_stream *s)
{
    if (!s)
        return;
    cpu_arena_clear(&((cpu_stream *)s)->arena);
    hel_free(s);
}

/* Every call has run to its end when it returns. */
static hel_status sync(hel_stream *s)
{
    (void)s;
    return HEL_OK;
}

static hel_status move(hel_stream *s, void *dst, const void *src, size_t bytes)
{
    (void)s;
    if (bytes)
        memcpy(dst, src, bytes);
    return HEL_OK;
}

static hel_status uses(hel_stream *s, uint64_t *bytes_now, uint64_t *bytes_most)
{
    cpu_backend *b = (cpu_backend *)s->backend;
    *bytes_now = atomic_load(&b->bytes_now);
    *bytes_most = atomic_load(&b->bytes_most);
    return HEL_OK;
}

static const hel_backend_ops table = {
    .name = "cpu",
    .free = backend_free,
    .stream_create = stream_create,
    .stream_free = stream_free,
    .sync = sync,
    .alloc = cpu_alloc,
    .release = cpu_release,
    .upload = move,
    .download = move,
    .copy = cpu_copy,
    .basis_create = cpu_basis_create,
    .basis_free = cpu_basis_free,
    .ntt_forward = cpu_ntt_forward,
    .ntt_inverse = cpu_ntt_inverse,
    .add = cpu_add,
    .sub = cpu_sub,
    .mul = cpu_mul,
    .mul_add = cpu_mul_add,
    .mul_scalar = cpu_mul_scalar,
    .add_scalar = cpu_add_scalar,
    .tensor = cpu_tensor,
    .dot = cpu_dot,
    .automorph = cpu_automorph,
    .rescale = cpu_rescale,
    .decompose = cpu_decompose,
    .key_inner = cpu_key_inner,
    .mod_down = cpu_mod_down,
    .mod_up = cpu_mod_up,
    .uniform = cpu_uniform,
    .small = cpu_small,
    .encode = cpu_encode,
    .decode = cpu_decode,
    .key_switch = cpu_key_switch,
    .uses = uses,
};

hel_status hel_backend_cpu_create(hel_engine *engine, hel_backend **out)
{
    cpu_backend *b;
    *out = NULL;
    HEL_TRY(hel_calloc(engine, &b, 1, sizeof *b));
    b->base.ops = &table;
    *out = &b->base;
    return HEL_OK;
}
