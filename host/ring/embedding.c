/*
 * The canonical embedding: tables, the order of a transform's data, and the ways between doubles
 * and residues. The arithmetic is in the twins (embedding_vec.h).
 */
#include <math.h>
#include <string.h>

#include "host/base/cpu.h"
#include "host/base/mem.h"
#include "host/ring/embedding_private.h"
#include "host/ring/ring_private.h"

static const hel_embedding_ops *choose_ops(const hel_engine *engine)
{
    const hel_embedding_ops *ops = NULL;
    switch (hel_engine_simd(engine)) {
    case HEL_SIMD_AVX512:
        ops = hel_embedding_ops_avx512();
        break;
    case HEL_SIMD_AVX2:
        ops = hel_embedding_ops_avx2();
        break;
    case HEL_SIMD_AUTO:
    case HEL_SIMD_PORTABLE:
        break;
    }
    return ops ? ops : hel_embedding_ops_portable();
}

/* ---- tables ---- */

/* The first octant of the 2N-th roots of unity: [t] = cos, [N/4 + 1 + t] = sin of pi t / N. */
static void fill_octant(double *octant, uint32_t n)
{
    const long double pi = 3.14159265358979323846264338327950288L;
    for (uint32_t t = 0; t <= n / 4; t++) {
        const long double angle = pi * (long double)t / (long double)n;
        octant[t] = (double)cosl(angle);
        octant[n / 4 + 1 + t] = (double)sinl(angle);
    }
}

/* exp(i pi t / N) by symmetry; out: real part, imaginary part `step` doubles further */
static void root(const double *octant, uint32_t n, uint32_t t, double *out, size_t step)
{
    const uint32_t quadrant = t / (n / 2) & 3, u = t % (n / 2);
    const uint32_t at = u <= n / 4 ? u : n / 2 - u;
    const double first = octant[at], second = octant[n / 4 + 1 + at];
    const double c = u <= n / 4 ? first : second, s = u <= n / 4 ? second : first;
    const double re[4] = {c, -s, -c, s}, im[4] = {s, c, -s, -c};
    out[0] = re[quadrant];
    out[step] = im[quadrant];
}

/* Factors of the pass from h to 4 h: w = exp(i pi 5^j / 8h) and its powers, all 2N-th roots. */
static void fill_factors(double *out, const double *octant, uint32_t log_n, uint32_t log_h)
{
    const uint32_t mask = (16u << log_h) - 1, up = log_n + 1 - (log_h + 4);
    uint32_t five = 1;
    for (uint32_t j = 0; j < 1u << log_h; j++, five = 5 * five & mask)
        for (uint32_t r = 1; r <= 3; r++)
            root(octant, 1u << log_n, (r * five & mask) << up,
                 out + hel_embedding_factor_at(j) + 2 * (r - 1) * HEL_EMBEDDING_RUN,
                 HEL_EMBEDDING_RUN);
}

static void fill_twists(double *out)
{
    static const uint32_t count[3] = {64, 32, 32}, log_half[3] = {7, 12, 17};
    const long double pi = 3.14159265358979323846264338327950288L;
    for (int table = 0; table < 3; table++)
        for (uint32_t t = 0; t < count[table]; t++, out += 2) {
            const long double angle = pi * (long double)t / (long double)(1u << log_half[table]);
            out[0] = (double)cosl(angle);
            out[1] = (double)sinl(angle);
        }
}

const double *hel_embedding_twists(const hel_embedding *e)
{
    return e->twist;
}

static size_t factor_doubles(uint32_t log_h)
{
    const size_t h = (size_t)1 << log_h;
    return 6 * (h < HEL_EMBEDDING_RUN ? HEL_EMBEDDING_RUN : h);
}

hel_status hel_embedding_create(hel_engine *engine, hel_embedding **out, uint32_t log_n)
{
    hel_embedding *e = NULL;
    double *octant = NULL, *at;
    hel_status status;
    size_t doubles = 0;

    *out = NULL;
    HEL_REQUIRE(engine, log_n >= HEL_LOG_N_MIN && log_n <= HEL_LOG_N_MAX, HEL_E_USAGE,
                "embedding: log2 N = %u is not in %d..%d", log_n, HEL_LOG_N_MIN, HEL_LOG_N_MAX);
    HEL_TRY(hel_calloc(engine, &e, 1, sizeof *e));
    e->log_n = log_n;
    e->ops = choose_ops(engine);
    fill_twists(e->twist);
    for (uint32_t log_h = 0; log_h + 3 <= log_n; log_h++)
        doubles += factor_doubles(log_h);
    HEL_TRY_GOTO(hel_calloc(engine, &e->storage, doubles, sizeof *e->storage), fail);
    HEL_TRY_GOTO(hel_malloc(engine, &octant, ((size_t)1 << log_n) / 2 + 2, sizeof *octant), fail);
    fill_octant(octant, 1u << log_n);
    at = e->storage;
    for (uint32_t log_h = 0; log_h + 3 <= log_n; log_h++) {
        fill_factors(at, octant, log_n, log_h);
        e->factor[log_h] = at;
        at += factor_doubles(log_h);
    }
    hel_free(octant);
    *out = e;
    return HEL_OK;
fail:
    hel_embedding_free(e);
    return status;
}

void hel_embedding_free(hel_embedding *e)
{
    if (!e)
        return;
    hel_free(e->storage);
    hel_free(e);
}

/* ---- transforms ---- */

#define TILE 8

/* One half, shorter than a row of tiles. */
static void permute_small(uint32_t log_s, double factor, double *x)
{
    for (uint32_t i = 0; i < 1u << log_s; i++) {
        const uint32_t j = log_s ? hel_bit_reverse(i, log_s) : 0;
        const double a = x[i] * factor, b = x[j] * factor;
        if (i > j)
            continue;
        x[j] = a;
        x[i] = b;
    }
}

/* to[rev k][rev i] = from[i][k] factor, i, k < 8 */
static void turn(const double *from, size_t from_stride, double *to, size_t to_stride,
                 double factor)
{
    static const uint8_t rev[TILE] = {0, 4, 2, 6, 1, 5, 3, 7};
    for (size_t k = 0; k < TILE; k++)
        for (size_t i = 0; i < TILE; i++)
            to[rev[k] * to_stride + i] = from[rev[i] * from_stride + k] * factor;
}

/* Index (i, middle, k) with three bits at both ends goes to (rev k, rev middle, rev i): tiles of
 * 8 x 8 are turned and change places, so that every line of the cache is moved whole. */
static void permute_half(uint32_t log_s, double factor, double *x)
{
    const size_t stride = ((size_t)1 << log_s) / TILE;
    double tile[TILE * TILE];
    for (uint32_t m = 0; m < stride / TILE; m++) {
        const uint32_t r = log_s > 6 ? hel_bit_reverse(m, log_s - 6) : 0;
        double *a = x + (size_t)TILE * m, *b = x + (size_t)TILE * r;
        if (m > r)
            continue;
        for (size_t i = 0; i < TILE; i++)
            memcpy(tile + TILE * i, b + i * stride, TILE * sizeof *x);
        if (m != r)
            turn(a, stride, b, stride, factor);
        turn(tile, TILE, a, stride, factor);
    }
}

void hel_embedding_permute(uint32_t log_slots, double factor, double *x)
{
    for (int half = 0; half < 2; half++, x += (size_t)1 << log_slots)
        if (log_slots < 6)
            permute_small(log_slots, factor, x);
        else
            permute_half(log_slots, factor, x);
}

static const hel_embedding_ops *transform_ops(const hel_embedding *e, uint32_t log_slots)
{
    return log_slots < HEL_EMBEDDING_VECTOR_MIN ? hel_embedding_ops_portable() : e->ops;
}

void hel_embedding_inverse(const hel_embedding *e, uint32_t log_slots, double *x)
{
    transform_ops(e, log_slots)->inverse(e, log_slots, x);
}

void hel_embedding_forward(const hel_embedding *e, uint32_t log_slots, double *x)
{
    transform_ops(e, log_slots)->forward(e, log_slots, x);
}

/* ---- doubles to residues ---- */

static hel_embedding_modulus modulus_of(uint32_t q)
{
    const uint32_t pow32 = (uint32_t)(((uint64_t)1 << 32) % q);
    return (hel_embedding_modulus){q, (((1u << 30) - 1) / q + 1) * q, pow32,
                                   hel_mod_shoup(pow32, q), hel_mod_shoup(1, q)};
}

static hel_embedding_powers powers_of(uint32_t q)
{
    hel_embedding_powers p;
    uint32_t w = 2;
    for (uint32_t b = 0; b < HEL_EMBEDDING_EXPONENTS; b++, w = hel_mod_mul(w, w, q)) {
        p.w[b] = w;
        p.w_shoup[b] = hel_mod_shoup(w, q);
    }
    return p;
}

/* One block of numbers, rounded: (high 2^32 + low) 2^exponent; bits = 0: no exponents. */
typedef struct block {
    uint32_t low[HEL_EMBEDDING_REDUCE], high[HEL_EMBEDDING_REDUCE];
    uint32_t exponent[HEL_EMBEDDING_REDUCE], bits;
} block;

/* As the twins' split for numbers of any size: from 2^53 on a double is its mantissa of 53 bits, an
 * integer, times a power of two. Returns the first number that is not finite, or n. */
static size_t split_big(block *b, const double *x, double scale, size_t n)
{
    uint32_t most = 0;
    for (size_t k = 0; k < n; k++) {
        union {
            double d;
            uint64_t u;
        } p = {x[k] * scale};
        const uint32_t exponent = (uint32_t)(p.u >> 52) & 0x7ff;
        uint64_t v = (p.u & 0xfffffffffffffu) | 1ull << 52;
        b->exponent[k] = 0;
        if (exponent == 0x7ff)
            return k;
        if (exponent < 1023 + 53)
            v = (uint64_t)llrint(p.d);
        else {
            v = p.u >> 63 ? 0 - v : v;
            b->exponent[k] = exponent - 1023 - 52;
        }
        b->low[k] = (uint32_t)v;
        b->high[k] = (uint32_t)(v >> 32);
        most |= b->exponent[k];
    }
    for (b->bits = 0; most >> b->bits;)
        b->bits++;
    return n;
}

static size_t whole_groups(size_t n)
{
    return (n + HEL_EMBEDDING_GROUP - 1) / HEL_EMBEDDING_GROUP * HEL_EMBEDDING_GROUP;
}

/* n numbers into b; zeros up to a whole group. */
static hel_status split_block(hel_engine *engine, const hel_embedding *e, block *b, const double *x,
                              double scale, size_t n, size_t first)
{
    double padded[HEL_EMBEDDING_GROUP] = {0};
    const size_t whole = whole_groups(n);
    size_t bad;
    b->bits = 0;
    if (n < whole) /* only blocks of fewer numbers than a group */
        x = memcpy(padded, x, n * sizeof *x);
    if (!e->ops->split(x, scale, b->low, b->high, whole))
        return HEL_OK;
    bad = split_big(b, x, scale, whole);
    HEL_REQUIRE(engine, bad == whole, HEL_E_USAGE,
                "embedding: coefficient %zu times the scale %g is not a finite number", first + bad,
                scale);
    return HEL_OK;
}

static void reduce_block(const hel_embedding *e, const hel_embedding_modulus *m, const block *b,
                         uint32_t *out, size_t n)
{
    if (b->bits == 0)
        e->ops->reduce(m, b->low, b->high, out, n);
    else {
        const hel_embedding_powers p = powers_of(m->q);
        e->ops->reduce_big(m, &p, b->bits, b->low, b->high, b->exponent, out, n);
    }
}

hel_status hel_embedding_reduce(hel_engine *engine, const hel_embedding *e, const hel_ring *ring,
                                const uint32_t *map, uint32_t limbs, uint32_t log_slots,
                                const double *x, double scale, uint32_t *out, size_t limb_stride)
{
    const size_t count = (size_t)2 << log_slots, gap = ring->n / count;
    hel_embedding_modulus m[HEL_LIMBS_LIMIT];
    uint32_t packed[HEL_EMBEDDING_REDUCE];
    block b;

    HEL_REQUIRE(engine, limbs <= HEL_LIMBS_LIMIT, HEL_E_USAGE,
                "embedding: %u limbs; the limit is %d", limbs, HEL_LIMBS_LIMIT);
    for (uint32_t i = 0; i < limbs; i++) {
        m[i] = modulus_of(ring->limb[map ? map[i] : i].q);
        if (gap > 1)
            memset(out + i * limb_stride, 0, ring->n * sizeof *out);
    }
    for (size_t k = 0; k < count; k += HEL_EMBEDDING_REDUCE) {
        const size_t n = count - k < HEL_EMBEDDING_REDUCE ? count - k : HEL_EMBEDDING_REDUCE;
        const size_t whole = whole_groups(n);
        HEL_TRY(split_block(engine, e, &b, x + k, scale, n, k));
        for (uint32_t i = 0; i < limbs; i++) {
            uint32_t *to = out + i * limb_stride + k * gap;
            reduce_block(e, &m[i], &b, gap == 1 ? to : packed, whole);
            for (size_t j = 0; gap > 1 && j < n; j++)
                to[j * gap] = packed[j];
        }
    }
    return HEL_OK;
}

/* ---- residues to doubles ---- */

void hel_embedding_lift(const hel_embedding *e, const hel_ring *ring, uint32_t limbs,
                        uint32_t log_slots, const uint32_t *a, size_t limb_stride, double scale,
                        double *x, uint32_t *scratch)
{
    const size_t count = (size_t)2 << log_slots, gap = ring->n / count;
    for (size_t k = 0; k < count; k += HEL_EMBEDDING_BLOCK) {
        const size_t n = count - k < HEL_EMBEDDING_BLOCK ? count - k : HEL_EMBEDDING_BLOCK;
        const size_t whole = whole_groups(n);
        if (gap == 1)
            e->ops->digits(ring->limb, limbs, a + k, limb_stride, scratch, n);
        else {
            for (uint32_t i = 0; i < limbs; i++) {
                const uint32_t *from = a + i * limb_stride + k * gap;
                uint32_t *to = scratch + (size_t)i * HEL_EMBEDDING_BLOCK;
                for (size_t j = 0; j < n; j++)
                    to[j] = from[j * gap];
                memset(to + n, 0, (whole - n) * sizeof *to);
            }
            e->ops->digits(ring->limb, limbs, scratch, HEL_EMBEDDING_BLOCK, scratch, whole);
        }
        e->ops->join(ring->limb, limbs, scratch, scale, x + k, n);
    }
}
