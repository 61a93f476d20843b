/*
 * The backend: the table of operations that every evaluator is written against, on batches.
 *
 * A backend owns memory and streams. Operations of one stream run in the order of the calls; they
 * may return before they are done (hel_stream_sync waits). The CPU instance (cpu*.c), which runs
 * each call to its end on the engine's threads, is the definition: any other instance must give
 * the same residues bit for bit for every integer operation, and the same doubles to 2^-45 of the
 * largest slot for encode and decode.
 *
 * Contracts are checked by the callers in host/ckks; a call returns HEL_E_MEMORY, a device's own
 * failure (HEL_E_UNSUPPORTED, HEL_E_INTERNAL) or HEL_OK. Residues are canonical on both sides.
 */
#ifndef HEL_BACKEND_BACKEND_H
#define HEL_BACKEND_BACKEND_H

#include "host/ring/embedding.h"
#include "host/ring/ring.h"

typedef struct hel_backend hel_backend;
typedef struct hel_stream hel_stream;
typedef struct hel_basis hel_basis;

/* A batch x limbs x N array in backend memory: limb i of item b begins at
 * data + b * stride + i * N words. Limb i < q_limbs is modulo prime i of the basis, the others
 * are modulo the special primes in order (q_limbs = limbs: no special ones). */
typedef struct hel_view {
    uint32_t *data;
    uint32_t batch, limbs, q_limbs;
    size_t stride; /* words between items, a multiple of 16; 0: one item serves the whole batch
                      (inputs only) */
} hel_view;

/* A switching key as the operations read it: [digit][2][q_limbs + p_count][N], NTT form, half 0: b,
 * half 1: a. Digit j belongs to primes j digit_limbs .. of the basis; a key made for fewer primes
 * of Q than the basis has serves every polynomial of at most q_limbs limbs. */
typedef struct hel_key_view {
    const uint32_t *data;
    uint32_t q_limbs, digits; /* digits = ceil(q_limbs / digit_limbs) */
} hel_key_view;

/* What a basis is made of; primes 0 .. q_count - 1 of the ring are Q, then p_count special ones: at
 * least 1 where keys are switched. digit_limbs, p_count and drop_max are at most 63. */
typedef struct hel_basis_shape {
    const hel_ring *ring;
    const hel_embedding *embedding; /* NULL where encode and decode are not used */
    uint32_t q_count, p_count, digit_limbs;
    uint32_t drop_max;          /* most limbs that one rescale drops */
    const uint64_t *multiplier; /* [q_count + 1]: a rescale that leaves c limbs multiplies by
                                   multiplier[c] first; NULL = all 1 */
} hel_basis_shape;

typedef struct hel_backend_ops {
    const char *name; /* "cpu", "device" */

    /* ---- lifetime, memory, streams ---- */
    void (*free)(hel_backend *b);
    hel_status (*stream_create)(hel_backend *b, hel_engine *engine, hel_stream **out);
    void (*stream_free)(hel_stream *s);
    hel_status (*sync)(hel_stream *s);
    /* Scratch and ciphertext memory; stream-ordered, from an arena that keeps what is released.
     * Aligned to 64 bytes. Any stream of the backend may release it. */
    hel_status (*alloc)(hel_stream *s, void *out, size_t bytes);
    void (*release)(hel_stream *s, void *p); /* NULL allowed */
    /* Zeroes memory that held a secret; on a shared stream, when no other uses it any more. */
    void (*wipe)(hel_stream *s, void *p, size_t bytes);
    hel_status (*upload)(hel_stream *s, void *dst, const void *src, size_t bytes);
    hel_status (*download)(hel_stream *s, void *dst, const void *src, size_t bytes);
    /* Compacts or spreads strides; out's limbs of a. */
    hel_status (*copy)(hel_stream *s, const hel_basis *p, hel_view out, hel_view a);
    /* Tables of a basis: constants of all digits, drops and of the division by P. */
    hel_status (*basis_create)(hel_backend *b, hel_engine *engine, hel_basis **out,
                               const hel_basis_shape *shape);
    void (*basis_free)(hel_backend *b, hel_basis *basis);

    /* ---- per limb; out may be an input; shapes of out decide ---- */
    hel_status (*ntt_forward)(hel_stream *s, const hel_basis *p, hel_view x);
    hel_status (*ntt_inverse)(hel_stream *s, const hel_basis *p, hel_view x);
    hel_status (*add)(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b);
    hel_status (*sub)(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b);
    hel_status (*mul)(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b);
    hel_status (*mul_add)(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b);
    /* out = a c and out = a + c (c in every word: the constant polynomial c of NTT form), c given
     * modulo each of out's limbs, in [0, q). Negation is a product with q - 1. */
    hel_status (*mul_scalar)(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                             const uint32_t *c);
    hel_status (*add_scalar)(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                             const uint32_t *c);
    /* (d0, d1, d2) = (a0, a1) x (b0, b1); outputs may be inputs */
    hel_status (*tensor)(hel_stream *s, const hel_basis *p, const hel_view d[3],
                         const hel_view a[2], const hel_view b[2]);
    /* out (+)= sum of a[j] b[j]; accumulate: 1 adds to out. Any number of terms >= 1. */
    hel_status (*dot)(hel_stream *s, const hel_basis *p, hel_view out, const hel_view *a,
                      const hel_view *b, uint32_t terms, int accumulate);
    /* X -> X^g in NTT form, g odd in (0, 2N); out != a */
    hel_status (*automorph)(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                            uint32_t g);

    /* ---- between limbs (NTT form in and out unless said) ---- */
    /* out (c limbs) = round(multiplier[c] a / (primes c .. a.limbs - 1)): a.limbs - c in
     * [1, drop_max]. out.data may be a.data with the same stride. a keeps its first c limbs
     * unless out is a. */
    hel_status (*rescale)(hel_stream *s, const hel_basis *p, hel_view out, hel_view a);
    /* digits (batch x digits x (limbs + p_count) x N, digit stride (limbs + p_count) N): a's
     * digits, lifted to all limbs and special primes. out.limbs = a.limbs + p_count; batch item b
     * of out begins at b * out.stride and holds all digits. */
    hel_status (*decompose)(hel_stream *s, const hel_basis *p, hel_view out, hel_view a);
    /* acc[h] = sum over digits of sigma_g(digit) key half h; g = 1: no automorphism. The key
     * belongs to sigma_g(s) -> s. acc[h].limbs = the digits' limbs + p_count. */
    hel_status (*key_inner)(hel_stream *s, const hel_basis *p, const hel_view acc[2],
                            hel_view digits, hel_key_view key, uint32_t g);
    /* out = round(acc / P) over acc.q_limbs limbs; acc's special limbs are destroyed.
     * add != NULL: out = round(acc / P) + *add; out may be *add. */
    hel_status (*mod_down)(hel_stream *s, const hel_basis *p, hel_view out, hel_view acc,
                           const hel_view *add);
    /* out over acc.q_limbs limbs and the special primes = P a (zero on the special limbs). */
    hel_status (*mod_up)(hel_stream *s, const hel_basis *p, hel_view out, hel_view a);

    /* ---- sampling; exactness of streams: ring.h ---- */
    /* Uniform limbs of objects object + b, b < batch; prime indices are limbs of the basis. */
    hel_status (*uniform)(hel_stream *s, const hel_basis *p, hel_view out, const uint8_t seed[32],
                          hel_domain domain, uint64_t object);
    /* NTT form of CBD(21) errors or uniform ternary polynomials (HEL_DOMAIN_TERNARY), objects
     * object + b * step; constant time; the same polynomial in every limb. */
    hel_status (*small)(hel_stream *s, const hel_basis *p, hel_view out, const uint8_t seed[32],
                        hel_domain domain, uint64_t object, uint32_t step);

    /* ---- slots ---- */
    /* out = NTT(round(embedding^-1(x) scale)): x in host memory, batch x 2 x slots doubles (real
     * parts, then imaginary parts). */
    hel_status (*encode)(hel_stream *s, const hel_basis *p, hel_view out, const double *x,
                         uint32_t log_slots, double scale);
    /* x = embedding(centred(a) / scale), a NTT form, destroyed. */
    hel_status (*decode)(hel_stream *s, const hel_basis *p, double *x, hel_view a,
                         uint32_t log_slots, double scale);

    /* ---- fused, optional (NULL: the caller composes the entries above) ---- */
    /* (out[0], out[1]) = (add0 or 0, 0) + key switch of a: decompose, key_inner with g, mod_down.
     * add0 (may be NULL) is already permuted by g. a is the unpermuted polynomial. The result has
     * the very residues that the composition has. */
    hel_status (*key_switch)(hel_stream *s, const hel_basis *p, const hel_view out[2], hel_view a,
                             hel_key_view key, uint32_t g, const hel_view *add0,
                             const hel_view *add1);
    /* (out[0], out[1]) = (add0 or 0, add1 or 0) + key_inner with g and mod_down of digits that
     * decompose has left: a rotation whose decomposition is shared. */
    hel_status (*switch_digits)(hel_stream *s, const hel_basis *p, const hel_view out[2],
                                hel_view digits, hel_key_view key, uint32_t g, const hel_view *add0,
                                const hel_view *add1);
    /* Operations between the two are recorded rather than run: those that neither allocate for the
     * first time nor touch host memory. *out is run by replay, any number of times, with the memory
     * that the operations were given and any scratch they took, which stays taken until
     * recording_free. One recording of a stream at a time. */
    hel_status (*record_begin)(hel_stream *s);
    hel_status (*record_end)(hel_stream *s, void **out); /* NULL on failure */
    hel_status (*replay)(hel_stream *s, void *recording);
    void (*recording_free)(hel_stream *s, void *recording);
    /* Items of a batch that a chain of calls ending in a key switch over `limbs` limbs should treat
     * at a time, so that what one call leaves is still in a cache for the next; NULL or 0: all. */
    uint32_t (*tile)(hel_stream *s, const hel_basis *p, uint32_t limbs);
    /* Bytes that the backend's streams have handed out and not got back: now and at most. */
    hel_status (*uses)(hel_stream *s, uint64_t *bytes_now, uint64_t *bytes_most);
} hel_backend_ops;

/* What every instance's structs begin with. */
struct hel_backend {
    const hel_backend_ops *ops;
};

struct hel_basis {
    hel_basis_shape shape; /* as created; multiplier is the basis's own copy, never NULL */
};

struct hel_stream {
    const hel_backend_ops *ops;
    hel_backend *backend;
    int shared;         /* 1: its memory is used by other streams: a release waits for them */
    hel_engine *engine; /* errors and threads of the calls on this stream; one caller at a time */
};

/* The CPU instance. Shared by any number of engines and threads; each has its own streams. */
hel_status hel_backend_cpu_create(hel_engine *engine, hel_backend **out);
static inline void hel_backend_free(hel_backend *b)
{
    if (b)
        b->ops->free(b);
}

/* The shape a basis was created from. */
static inline const hel_basis_shape *hel_basis_get_shape(const hel_basis *p)
{
    return &p->shape;
}

/* The ring's limb that limb i of a view belongs to. */
static inline uint32_t hel_basis_limb(const hel_basis *p, const hel_view *v, uint32_t i)
{
    return i < v->q_limbs ? i : p->shape.q_count + i - v->q_limbs;
}

/* decompose + key_inner + mod_down from the table's other entries: what a NULL key_switch means. */
hel_status hel_key_switch(hel_stream *s, const hel_basis *p, const hel_view out[2], hel_view a,
                          hel_key_view key, uint32_t g, const hel_view *add0, const hel_view *add1);

#endif
