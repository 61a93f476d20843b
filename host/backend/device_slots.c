/*
 * Slots to residues and back on the device: kernels/embed.cu around the device's own Fourier
 * transform. A device that has none gets the host's encoding by a copy: the same results, slower.
 *
 * The embedding as a transform. A message of s slots is a polynomial of s complex numbers
 * u_k = c_k + i c_(k+s) whose slot j is its value at zeta^(5^j), zeta = exp(i pi / 2s), because
 * zeta^(s 5^j) = i. With 5^j = 4 t + 1 modulo 4 s that value is the sum of (u_k zeta^k)
 * exp(2 pi i t k / s): a twist, a transform with sign +1, and the permutation j -> t.
 */
#include <assert.h>
#include <string.h>

#include "host/backend/device_private.h"
#include "host/base/mem.h"

static_assert(K_TWIST_DOUBLES == 2 * HEL_EMBEDDING_TWISTS, "tables of the kernels");
static_assert(K_UNEMBED_LIMBS == HEL_LIMBS_LIMIT, "limbs of the kernels");

/* ---- by the host ---- */

/* A compact copy of a view's shape in host memory, wiped by hel_secret_free. */
static hel_status host_view(hel_stream *s, const hel_basis *p, const hel_view *v, hel_view *out)
{
    *out = *v;
    out->stride = (size_t)v->limbs * p->shape.ring->n;
    return hel_secret_alloc(s->engine, &out->data, v->batch * out->stride * sizeof *out->data);
}

static hel_status host_encode(hel_stream *s, const hel_basis *p, hel_view out, const double *x,
                              uint32_t log_slots, double scale)
{
    hel_stream *host = ((hel_dev_stream *)s)->host;
    hel_view v;
    HEL_TRY(host_view(s, p, &out, &v));
    hel_status status = host->ops->encode(host, hel_dev_basis_of(p)->host, v, x, log_slots, scale);
    for (uint32_t b = 0; status == HEL_OK && b < out.batch; b++)
        status = s->ops->upload(s, out.data + b * out.stride, v.data + b * v.stride,
                                v.stride * sizeof *v.data);
    hel_secret_free(v.data);
    return status;
}

static hel_status host_decode(hel_stream *s, const hel_basis *p, double *x, hel_view a,
                              uint32_t log_slots, double scale)
{
    hel_stream *host = ((hel_dev_stream *)s)->host;
    hel_view v;
    HEL_TRY(host_view(s, p, &a, &v));
    hel_status status = HEL_OK;
    for (uint32_t b = 0; status == HEL_OK && b < a.batch; b++)
        status = s->ops->download(s, v.data + b * v.stride, a.data + b * a.stride,
                                  v.stride * sizeof *v.data);
    if (status == HEL_OK)
        status = host->ops->decode(host, hel_dev_basis_of(p)->host, x, v, log_slots, scale);
    hel_secret_free(v.data);
    return status;
}

/* ---- work memory: it holds messages ---- */

typedef struct slots {
    hel_stream *s;
    const hel_basis *p;
    uint32_t batch, log_slots;
    double scale;
    size_t doubles; /* of x, and of v */
    double *v;      /* [item][slots] complex numbers */
    double *x;      /* as the host has them */
    uint32_t *bad;  /* see k_embed */
    int missing;    /* 1: the device has no Fourier transform */
} slots;

static size_t work_bytes(const slots *w)
{
    return 2 * w->doubles * sizeof *w->v + sizeof *w->bad;
}

static hel_status work_start(slots *w)
{
    w->doubles = (size_t)w->batch << (w->log_slots + 1);
    HEL_TRY(w->s->ops->alloc(w->s, &w->v, work_bytes(w)));
    w->x = w->v + w->doubles;
    w->bad = (uint32_t *)(void *)(w->x + w->doubles);
    return HEL_OK;
}

static void work_end(const slots *w)
{
    if (w->v)
        w->s->ops->wipe(w->s, w->v, work_bytes(w));
    w->s->ops->release(w->s, w->v);
}

static uint32_t blocks(uint32_t count, uint32_t threads)
{
    return (count + threads - 1) / threads;
}

/* Between x and v. */
static hel_status move(const slots *w, k_id kernel, double factor)
{
    const k_slots args = {w->x, w->v, factor, w->log_slots};
    const uint32_t grid[3] = {blocks(1u << w->log_slots, K_EMBED_THREADS), w->batch, 1};
    return hel_dev_launch(w->s, kernel, grid, K_EMBED_THREADS, 0, &args, sizeof args);
}

/* Of v; HEL_OK with w->missing set where there is no transform. */
static hel_status transform(slots *w, int inverse)
{
    hel_dev_backend *b = hel_dev_of(w->s);
    hel_status status = HEL_E_UNSUPPORTED;
    if (w->log_slots == 0)
        return HEL_OK;
    if (b->device->ops->fourier)
        status = b->device->ops->fourier(b->device, hel_stream_queue(w->s), w->v, w->log_slots,
                                         w->batch, inverse);
    w->missing = status == HEL_E_UNSUPPORTED;
    return w->missing ? HEL_OK
                      : hel_dev_fail(w->s->engine, b, status, "a Fourier transform of slots");
}

/* ---- encode ---- */

static hel_status reduce(const slots *w, const hel_view *out)
{
    const hel_ring *ring = w->p->shape.ring;
    hel_dev_backend *b = hel_dev_of(w->s);
    k_embed args = {.ring = hel_dev_ring(w->p),
                    .out = hel_dev_rows(w->p, out),
                    .v = w->v,
                    .bad = w->bad,
                    .scale = w->scale,
                    .log_slots = w->log_slots,
                    .limbs = out->limbs};
    const uint32_t grid[3] = {ring->n / 2 / K_EMBED_THREADS, w->batch,
                              blocks(out->limbs, K_EMBED_LIMBS)};
    memcpy(args.twist, hel_embedding_twists(w->p->shape.embedding), sizeof args.twist);
    HEL_TRY(hel_dev_fail(
        w->s->engine, b,
        b->device->ops->wipe(b->device, hel_stream_queue(w->s), w->bad, sizeof *w->bad),
        "clearing memory"));
    return hel_dev_launch(w->s, K_ID_k_embed_reduce, grid, K_EMBED_THREADS, sizeof args.twist,
                          &args, sizeof args);
}

static hel_status check(const slots *w)
{
    uint32_t bad;
    HEL_TRY(w->s->ops->download(w->s, &bad, w->bad, sizeof bad));
    HEL_REQUIRE(w->s->engine, bad == 0, HEL_E_USAGE,
                "embedding: coefficient %u times the scale %g is not a finite number",
                0xffffffffu - bad, w->scale);
    return HEL_OK;
}

/* The division by the number of slots comes first: no sum of the transform is larger than the
 * largest slot's absolute value. */
static hel_status encode(slots *w, const hel_view *out, const double *x)
{
    HEL_TRY(w->s->ops->upload(w->s, w->x, x, w->doubles * sizeof *x));
    HEL_TRY(move(w, K_ID_k_slots_in, 1.0 / (double)(1u << w->log_slots)));
    HEL_TRY(transform(w, 0));
    if (w->missing)
        return HEL_OK;
    HEL_TRY(reduce(w, out));
    HEL_TRY(hel_dev_ntt_forward(w->s, w->p, *out));
    return check(w);
}

hel_status hel_dev_encode(hel_stream *s, const hel_basis *p, hel_view out, const double *x,
                          uint32_t log_slots, double scale)
{
    slots w = {.s = s, .p = p, .batch = out.batch, .log_slots = log_slots, .scale = scale};
    if (out.batch == 0)
        return HEL_OK;
    hel_status status = work_start(&w);
    if (status == HEL_OK)
        status = encode(&w, &out, x);
    work_end(&w);
    if (status == HEL_OK && w.missing)
        status = host_encode(s, p, out, x, log_slots, scale);
    return status;
}

/* ---- decode ---- */

static size_t lift_bytes(uint32_t threads, uint32_t limbs)
{
    return K_TWIST_DOUBLES * sizeof(double) + (1 + (size_t)limbs) * threads * sizeof(uint32_t);
}

static hel_status lift(const slots *w, const hel_view *a)
{
    const hel_limb *limb = w->p->shape.ring->limb;
    const size_t shared_max = hel_dev_of(w->s)->device->shared_max;
    uint32_t threads = K_UNEMBED_THREADS;
    k_unembed args = {.ring = hel_dev_ring(w->p),
                      .a = a->data,
                      .stride = a->stride,
                      .v = w->v,
                      .scale = w->scale,
                      .log_slots = w->log_slots,
                      .limbs = a->limbs};
    memcpy(args.twist, hel_embedding_twists(w->p->shape.embedding), sizeof args.twist);
    for (uint32_t i = 0; i < a->limbs; i++) {
        const uint32_t q = limb[i].q;
        uint32_t inverse = 1;
        for (uint32_t j = 0; j < i; j++)
            inverse = hel_mod_mul_shoup(inverse, limb[i].q_inv[j], limb[i].q_inv_shoup[j], q);
        args.q[i] = q;
        args.weight[i] = (k_pair){inverse, hel_mod_shoup(inverse, q)};
    }
    size_t shared = lift_bytes(threads, a->limbs);
    for (; threads > 32 && shared > shared_max; shared = lift_bytes(threads, a->limbs))
        threads /= 2;
    const uint32_t grid[3] = {blocks(2u << w->log_slots, threads), w->batch, 1};
    return hel_dev_launch(w->s, K_ID_k_embed_lift, grid, threads, shared, &args, sizeof args);
}

/* distinct: a without the repetitions of one item. Without a transform a is in NTT form again. */
static hel_status decode(slots *w, const hel_view *a, const hel_view *distinct, double *x)
{
    HEL_TRY(hel_dev_ntt_inverse(w->s, w->p, *distinct));
    HEL_TRY(lift(w, a));
    HEL_TRY(transform(w, 1));
    if (w->missing)
        return hel_dev_ntt_forward(w->s, w->p, *distinct);
    HEL_TRY(move(w, K_ID_k_slots_out, 1));
    return w->s->ops->download(w->s, x, w->x, w->doubles * sizeof *x);
}

hel_status hel_dev_decode(hel_stream *s, const hel_basis *p, double *x, hel_view a,
                          uint32_t log_slots, double scale)
{
    slots w = {.s = s, .p = p, .batch = a.batch, .log_slots = log_slots, .scale = scale};
    hel_view distinct = a;
    if (a.batch == 0)
        return HEL_OK;
    distinct.batch = hel_cpu_distinct(&a);
    hel_status status = work_start(&w);
    if (status == HEL_OK)
        status = decode(&w, &a, &distinct, x);
    work_end(&w);
    if (status == HEL_OK && w.missing)
        status = host_decode(s, p, x, a, log_slots, scale);
    return status;
}
