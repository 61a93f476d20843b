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
    hel_cpu_stream *stream;
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
    hel_cpu_arena_clear(&((hel_cpu_stream *)s)->arena);
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

static void wipe(hel_stream *s, void *p, size_t bytes)
{
    (void)s;
    hel_wipe(p, bytes);
}

/* A key that stays in the last-level cache costs little to read again, and items one by one keep
 * their own limbs in the second; a larger key is worth reading once for all items. */
#define KEY_STAYS ((size_t)8 << 20)

static uint32_t tile(hel_stream *s, const hel_basis *p, uint32_t limbs)
{
    const size_t row = p->shape.ring->n * sizeof(uint32_t);
    const size_t key = 2 * hel_cpu_digits(p, limbs) * (limbs + p->shape.p_count) * row;
    return key <= KEY_STAYS ? hel_engine_threads(s->engine) : 0;
}

static hel_status uses(hel_stream *s, uint64_t *bytes_now, uint64_t *bytes_most)
{
    hel_cpu_backend *b = (hel_cpu_backend *)s->backend;
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
    .alloc = hel_cpu_alloc,
    .release = hel_cpu_release,
    .upload = move,
    .download = move,
    .copy = hel_cpu_copy,
    .basis_create = hel_cpu_basis_create,
    .basis_free = hel_cpu_basis_free,
    .ntt_forward = hel_cpu_ntt_forward,
    .ntt_inverse = hel_cpu_ntt_inverse,
    .add = hel_cpu_add,
    .sub = hel_cpu_sub,
    .mul = hel_cpu_mul,
    .mul_add = hel_cpu_mul_add,
    .mul_scalar = hel_cpu_mul_scalar,
    .add_scalar = hel_cpu_add_scalar,
    .tensor = hel_cpu_tensor,
    .dot = hel_cpu_dot,
    .automorph = hel_cpu_automorph,
    .rescale = hel_cpu_rescale,
    .decompose = hel_cpu_decompose,
    .key_inner = hel_cpu_key_inner,
    .mod_down = hel_cpu_mod_down,
    .mod_up = hel_cpu_mod_up,
    .uniform = hel_cpu_uniform,
    .small = hel_cpu_small,
    .encode = hel_cpu_encode,
    .decode = hel_cpu_decode,
    .key_switch = hel_cpu_key_switch,
    .wipe = wipe,
    .tile = tile,
    .uses = uses,
};

hel_status hel_backend_cpu_create(hel_engine *engine, hel_backend **out)
{
    hel_cpu_backend *b;
    *out = NULL;
    HEL_TRY(hel_calloc(engine, &b, 1, sizeof *b));
    b->base.ops = &table;
    *out = &b->base;
    return HEL_OK;
}
