/*
 * The CPU instance of the backend: its structs and what its sources share.
 *
 * Every entry is one to three parallel loops over (limb or group of limbs) x item. Items of a batch
 * lie next to each other in a loop's order, so that they share a limb's twiddle factors and a key's
 * rows while these are in a cache.
 */
#ifndef HEL_BACKEND_CPU_PRIVATE_H
#define HEL_BACKEND_CPU_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "host/backend/backend.h"
#include "host/base/pool.h"
#include "host/ring/convert.h"

/* Words of one step of fused element-wise work: they stay in the first-level cache. */
#define CPU_BLOCK 1024u

/* ---- arena (cpu_arena.c) ---- */

#define CPU_CLASSES 160 /* four sizes per power of two, from 4 KiB */

typedef struct hel_cpu_block hel_cpu_block;

typedef struct hel_cpu_arena {
    hel_cpu_block *free_list[CPU_CLASSES];
} hel_cpu_arena;

typedef struct hel_cpu_backend {
    hel_backend base;
    atomic_uint_least64_t bytes_now, bytes_most;
} hel_cpu_backend;

typedef struct hel_cpu_stream {
    hel_stream base;
    hel_cpu_arena arena;
} hel_cpu_stream;

hel_status hel_cpu_alloc(hel_stream *s, void *out, size_t bytes);
void hel_cpu_release(hel_stream *s, void *p);
void hel_cpu_arena_clear(hel_cpu_arena *arena); /* frees what is kept */

/* ---- basis (cpu_basis.c) ---- */

typedef struct hel_cpu_map {
    struct hel_cpu_map *next;
    uint32_t g;
    uint32_t *map;
} hel_cpu_map;

#define CPU_MAP_LISTS 64

typedef struct hel_cpu_basis {
    hel_basis base;
    /* [e]: the digit that ends at prime e: from its first prime on, to every prime before it, the
     * primes of Q after it when e is its last one, and the special ones. */
    hel_conversion **digit;
    hel_conversion *special;                     /* from P to Q */
    uint32_t *special_inverse, *special_product; /* P^-1 and P modulo each prime of Q */
    /* [(c - 1) drop_max + d - 1]: primes c .. c + d - 1, times multiplier[c], to 0 .. c - 1 */
    hel_conversion **drop;
    uint32_t *drop_inverse; /* the same order, rows of q_count */
    pthread_mutex_t map_lock;
    hel_cpu_map *map[CPU_MAP_LISTS];
} hel_cpu_basis;

hel_status hel_cpu_basis_create(hel_backend *b, hel_engine *engine, hel_basis **out,
                                const hel_basis_shape *shape);
void hel_cpu_basis_free(hel_backend *b, hel_basis *basis);
/* The map of X -> X^g; lives as long as the basis. */
hel_status hel_cpu_basis_map(hel_engine *engine, const hel_basis *p, uint32_t g,
                             const uint32_t **map);

static inline const hel_cpu_basis *hel_cpu_basis_of(const hel_basis *p)
{
    return (const hel_cpu_basis *)p;
}

/* Digits of a polynomial of `limbs` limbs; digit j covers primes j digit_limbs .. to
 * hel_cpu_digit_end. */
static inline uint32_t hel_cpu_digits(const hel_basis *p, uint32_t limbs)
{
    return (limbs + p->shape.digit_limbs - 1) / p->shape.digit_limbs;
}

static inline uint32_t hel_cpu_digit_end(const hel_basis *p, uint32_t j, uint32_t limbs)
{
    return hel_min_u32((j + 1) * p->shape.digit_limbs, limbs);
}

/* Half h of digit j of a key at limb t of a view. */
static inline const uint32_t *hel_cpu_key_row(const hel_basis *p, const hel_key_view *key,
                                              uint32_t j, uint32_t h, const hel_view *v, uint32_t t)
{
    const size_t limbs = key->q_limbs + p->shape.p_count;
    const size_t row = t < v->q_limbs ? t : key->q_limbs + t - v->q_limbs;
    return key->data + ((2 * (size_t)j + h) * limbs + row) * p->shape.ring->n;
}

/* Lifts digit j of `limbs` coefficient rows (row k at coef + k stride) to view limbs first ..
 * first + count - 1 of limbs + special ones: limb first + i goes to out[i], unless the digit owns
 * it. */
void hel_cpu_lift_digit(const hel_basis *p, uint32_t j, uint32_t limbs, const uint32_t *coef,
                        size_t stride, uint32_t first, uint32_t count, uint32_t *const *out);
/* From coefficient rows of all of c's sources to its targets first .. first + count - 1. */
void hel_cpu_convert_range(const hel_basis *p, const hel_conversion *c, const uint32_t *coef,
                           size_t stride, uint32_t first, uint32_t count, uint32_t *const *out);

/* ---- loops (cpu_loop.c) ---- */

typedef hel_status (*hel_cpu_item_fn)(void *arg, size_t index, uint32_t worker);

/* Estimated nanoseconds, for the choice between one thread and all: a transform of one limb, and a
 * pass over `words` words per coefficient of one. */
double hel_cpu_cost_ntt(const hel_basis *p);
double hel_cpu_cost_words(const hel_basis *p, double words);
/* fn for 0 .. count - 1, `cost` ns each: in this thread when that is little. */
hel_status hel_cpu_loop(hel_stream *s, size_t count, double cost, hel_cpu_item_fn fn, void *arg);

/* `count` limbs of each of `batch` items, cut into groups of at most CPU_GROUP limbs so that all
 * threads get equal shares. Loops run over groups x batch, items innermost. */
#define CPU_GROUP 16u

typedef struct hel_cpu_groups {
    uint32_t count, batch, groups;
    uint32_t largest; /* limbs of the largest group */
    uint32_t workers; /* most threads that such a loop keeps busy */
} hel_cpu_groups;

typedef struct hel_cpu_group {
    uint32_t item, first, count;
} hel_cpu_group;

hel_cpu_groups hel_cpu_cut(const hel_stream *s, uint32_t count, uint32_t batch);

static inline hel_cpu_group hel_cpu_group_at(const hel_cpu_groups *g, size_t index)
{
    const uint32_t i = (uint32_t)(index / g->batch);
    hel_cpu_group group = {.item = (uint32_t)(index % g->batch), .first = i * g->count / g->groups};
    group.count = (i + 1) * g->count / g->groups - group.first;
    return group;
}

static inline size_t hel_cpu_group_items(const hel_cpu_groups *g)
{
    return (size_t)g->groups * g->batch;
}

/* Rows of scratch are apart from each other by this, so that equal offsets do not compete for the
 * same lines of a cache. */
static inline size_t hel_cpu_row_stride(const hel_basis *p)
{
    return (size_t)p->shape.ring->n + 80;
}

static inline void hel_cpu_rows(uint32_t *first, size_t stride, uint32_t count,
                                uint32_t *row[CPU_GROUP])
{
    for (uint32_t i = 0; i < CPU_GROUP; i++)
        row[i] = i < count ? first + i * stride : NULL;
}

static inline uint32_t *hel_cpu_limb(const hel_view *v, const hel_basis *p, uint32_t item,
                                     uint32_t i)
{
    return v->data + item * v->stride + (size_t)i * p->shape.ring->n;
}

/* Items that differ: a batch of stride 0 is one. */
static inline uint32_t hel_cpu_distinct(const hel_view *v)
{
    return v->stride || v->batch <= 1 ? v->batch : 1;
}

/* ---- entries of the table ---- */

/* cpu_limbs.c */
hel_status hel_cpu_copy(hel_stream *s, const hel_basis *p, hel_view out, hel_view a);
hel_status hel_cpu_ntt_forward(hel_stream *s, const hel_basis *p, hel_view x);
hel_status hel_cpu_ntt_inverse(hel_stream *s, const hel_basis *p, hel_view x);
hel_status hel_cpu_add(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b);
hel_status hel_cpu_sub(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b);
hel_status hel_cpu_mul(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b);
hel_status hel_cpu_mul_add(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b);
hel_status hel_cpu_mul_scalar(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                              const uint32_t *c);
hel_status hel_cpu_add_scalar(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                              const uint32_t *c);
hel_status hel_cpu_tensor(hel_stream *s, const hel_basis *p, const hel_view d[3],
                          const hel_view a[2], const hel_view b[2]);
hel_status hel_cpu_dot(hel_stream *s, const hel_basis *p, hel_view out, const hel_view *a,
                       const hel_view *b, uint32_t terms, int accumulate);
hel_status hel_cpu_automorph(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                             uint32_t g);

/* cpu_divide.c */
hel_status hel_cpu_rescale(hel_stream *s, const hel_basis *p, hel_view out, hel_view a);
hel_status hel_cpu_mod_down(hel_stream *s, const hel_basis *p, hel_view out, hel_view acc,
                            const hel_view *add);
hel_status hel_cpu_mod_up(hel_stream *s, const hel_basis *p, hel_view out, hel_view a);

/* cpu_digits.c */
hel_status hel_cpu_decompose(hel_stream *s, const hel_basis *p, hel_view out, hel_view a);
hel_status hel_cpu_key_inner(hel_stream *s, const hel_basis *p, const hel_view acc[2],
                             hel_view digits, hel_key_view key, uint32_t g);

/* cpu_switch.c */
hel_status hel_cpu_key_switch(hel_stream *s, const hel_basis *p, const hel_view out[2], hel_view a,
                              hel_key_view key, uint32_t g, const hel_view *add0,
                              const hel_view *add1);

/* cpu_sample.c */
hel_status hel_cpu_uniform(hel_stream *s, const hel_basis *p, hel_view out, const uint8_t seed[32],
                           hel_domain domain, uint64_t object);
hel_status hel_cpu_small(hel_stream *s, const hel_basis *p, hel_view out, const uint8_t seed[32],
                         hel_domain domain, uint64_t object, uint32_t step);

/* cpu_slots.c */
hel_status hel_cpu_encode(hel_stream *s, const hel_basis *p, hel_view out, const double *x,
                          uint32_t log_slots, double scale);
hel_status hel_cpu_decode(hel_stream *s, const hel_basis *p, double *x, hel_view a,
                          uint32_t log_slots, double scale);

#endif
