/*
 * The device check: every operation of the backend's table, the scan on a device and whole CKKS
 * jobs, on one backend against the CPU's portable twin on one thread, bit for bit. A program of its
 * own without a test framework, so that it runs where only the driver of a GPU is installed.
 *
 * A case makes inputs, runs the same calls in two environments (0: the reference, 1: the backend
 * that is checked) and compares what they leave, words between items included. Its calls are
 * chained by the environment's sticky status: after a failure the rest of a case does nothing.
 */
#ifndef HEL_TESTS_DEVICE_CHECK_H
#define HEL_TESTS_DEVICE_CHECK_H

#include "host/backend/device_launch.h"
#include "tests/ref/ref_random.h"

#define CHECK_ARRAYS 64 /* of one case, on either side */

typedef struct check_options {
    const char *backend, *json, *filter, *device_text;
    uint32_t device;
    uint64_t seed;
    double scale;
    uint32_t log_n_max;
} check_options;

typedef struct check_group {
    const char *name, *what;
    uint64_t cases, failures, untested;
    double seconds;
    char first[400]; /* the first failure */
} check_group;

typedef struct check_shape {
    uint32_t log_n, q_count, p_count, digit_limbs, drop_max;
    const uint64_t *multiplier;
} check_shape;

typedef struct check_env {
    const char *name;
    hel_engine *engine;
    hel_backend *backend;
    const hel_backend_ops *ops;
    hel_stream *s;
    hel_ring *ring;
    hel_embedding *embedding;
    hel_basis *basis;
    hel_status status;
    void *memory[CHECK_ARRAYS]; /* of the case, released at its end */
    uint32_t memory_count;
} check_env;

typedef struct check_world {
    const check_options *options;
    check_group *group; /* that runs */
    check_shape shape;
    uint32_t n, total;
    uint32_t primes[HEL_LIMBS_LIMIT];
    check_env env[2];
    ref_random random;
    size_t room;    /* words that an array may take */
    char text[320]; /* parameters of the case */
    void *arrays[CHECK_ARRAYS];
    uint32_t array_count;
    int failed; /* the case has failed already */
} check_world;

/* Host side of a view. */
typedef struct check_array {
    uint32_t *data;
    uint32_t batch, limbs, q_limbs;
    size_t stride, words;
} check_array;

/* ---- check_world.c ---- */

/* Opens both environments; 0 with a line on stderr when the backend cannot be used. */
int check_open(check_world *w);
void check_close(check_world *w);
/* Primes of 18 to 30 bits, ring, embedding and basis of a shape; 0 after a failure, which is
 * recorded. */
int check_world_start(check_world *w, const check_shape *shape);
void check_world_end(check_world *w);

/* A case: its parameters for the report, and its end, which releases everything. */
void check_begin(check_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void check_end(check_world *w);
/* Records a failure of the case. */
void check_fail(check_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `base` cases times the scale, at least 1; fewer in large rings. */
uint32_t check_times(const check_world *w, uint32_t base);
uint32_t check_below(check_world *w, uint32_t bound);
/* 0, 1, 3 or 17 items, by turns, as far as `limbs` of them fit the room. */
uint32_t check_batch(const check_world *w, uint32_t turn, uint32_t limbs);
uint32_t check_digits(const check_world *w, uint32_t limbs);
/* The prime of limb i of a view with q_limbs limbs of Q. */
uint32_t check_prime(const check_world *w, uint32_t q_limbs, uint32_t i);

/* Arrays belong to the case. Kinds of residues: random ones, only q - 1, zeros, the ends of the
 * range and of its half. check_blank paints. */
typedef enum check_kind {
    CHECK_RANDOM,
    CHECK_WORST,
    CHECK_ZERO,
    CHECK_ENDS,
    CHECK_KINDS
} check_kind;
void *check_memory(check_world *w, size_t bytes);
check_array check_blank(check_world *w, uint32_t batch, uint32_t limbs, uint32_t q_limbs,
                        size_t gap);
check_array check_fill(check_world *w, uint32_t batch, uint32_t limbs, uint32_t q_limbs, size_t gap,
                       check_kind kind);
/* One of the kinds, mostly random. */
check_kind check_some_kind(check_world *w);

/* Into an environment's memory, which belongs to the case, and out of it. */
hel_view check_up(check_env *e, const check_array *a);
void check_down(check_env *e, hel_view v, check_array *a);
/* a's items all the first one. */
static inline hel_view check_spread(hel_view v, uint32_t batch)
{
    v.batch = batch;
    v.stride = 0;
    return v;
}
void check_same(check_world *w, const check_array *want, const check_array *have, const char *what);

/* A call that is left out after a failure. */
#define CHECK_CALL(e, call)                                                                        \
    do {                                                                                           \
        if ((e)->status == HEL_OK)                                                                 \
            (e)->status = (call);                                                                  \
    } while (0)

double check_now(void);

/* ---- groups: those of a world run once in every world ---- */

void check_memory_moves(check_world *w);
void check_transforms(check_world *w);
void check_elementwise(check_world *w);
void check_products(check_world *w);
void check_automorphisms(check_world *w);
void check_rescale(check_world *w);
void check_decompose(check_world *w);
void check_inner(check_world *w);
void check_mod_down(check_world *w);
void check_mod_up(check_world *w);
void check_key_switch(check_world *w);
void check_shared_digits(check_world *w);
void check_recording(check_world *w);
void check_sampling(check_world *w);
void check_slots(check_world *w);
/* these once */
void check_ckks(check_world *w);
void check_scan(check_world *w);

#endif
