/*
 * Keys, messages, ciphertexts and threads for b_ckks.c at one parameter set, and the check that an
 * operation gave the right slots. Everything through the public API but for the table of the ring,
 * which the transforms are measured on.
 */
#ifndef HEL_BENCH_CKKS_FIXTURE_H
#define HEL_BENCH_CKKS_FIXTURE_H

#include "heloci/heloci.h"
#include "heloci/ckks.h"
#include "host/ring/ring.h"

enum {
    FIXTURE_BATCH = 8,     /* the larger of the two batches */
    FIXTURE_ROTATIONS = 8, /* steps 1 .. 8 */
    FIXTURE_MATRIX_SLOTS = 64,
    FIXTURE_DEGREE = 15, /* of the polynomial */
    FIXTURE_LEVELS = 4,  /* that it costs */
    FIXTURE_LANES = 3
};

/* Two lanes with an engine of one thread each, for operations side by side, and one lane whose
 * engine has two threads. Lanes share tables and keys; results are their own. */
typedef struct fixture_lane {
    hel_engine *engine;
    hel_ckks *ckks;
    hel_ckks_cipher *out, *many[FIXTURE_ROTATIONS];
    hel_ckks_plain *plain;
    double *slots;
    uint32_t *poly; /* all primes of Q */
} fixture_lane;

/* Inputs of one batch, at the top level; values uniform in [-1, 1). */
typedef struct fixture_inputs {
    uint32_t batch, slots;
    double *x, *y; /* batch x slots */
    hel_ckks_plain *plain_x, *plain_y;
    hel_ckks_cipher *a, *b, *lazy, *product; /* x, y, x y of three polynomials, x y */
} fixture_inputs;

typedef struct fixture {
    const char *name;
    hel_ckks_params params;
    hel_ckks_info info;
    uint32_t n, limbs, next_limbs; /* primes at the top level and at the one below */
    hel_ring *ring;
    hel_ckks_secret *secret;
    hel_ckks_public *public_key;
    hel_ckks_keys *keys;
    hel_ckks_matrix *matrix; /* NULL where one level is too few */
    size_t matrix_rotations;
    double *matrix_rows;
    double coefficient[FIXTURE_DEGREE + 1]; /* Chebyshev, on [-1, 1] */
    int32_t steps[FIXTURE_ROTATIONS];
    fixture_lane lane[FIXTURE_LANES];
    fixture_inputs full[2]; /* batches of 1 and, from fixture_batch(), FIXTURE_BATCH */
    fixture_inputs sparse;  /* FIXTURE_MATRIX_SLOTS slots, for the matrix */
} fixture;

/* What the slots of a result must be. */
typedef enum fixture_want {
    WANT_NOTHING, /* not a message: transforms */
    WANT_X,
    WANT_SUM,
    WANT_PRODUCT,
    WANT_SQUARE,
    WANT_CONJUGATE,
    WANT_TURNED,      /* by 1 */
    WANT_TURNED_MANY, /* by 8: the last of the rotations */
    WANT_WINDOW,      /* sums of 16 */
    WANT_MATRIX,
    WANT_POLYNOMIAL
} fixture_want;

/* All of these end the process on a failure, with the reason on stderr. */
void fixture_must(hel_engine *engine, hel_status status);
void fixture_create(fixture *f, const char *name);
void fixture_free(fixture *f);
/* The larger batch, made by the first call: it takes most of the memory. */
const fixture_inputs *fixture_batch(fixture *f);
/* Precision in bits of what a lane's latest operation left: in `out` (or many[7]), in `plain` or in
 * `slots`. */
typedef enum fixture_place { PLACE_CIPHER, PLACE_MANY, PLACE_PLAIN, PLACE_SLOTS } fixture_place;
double fixture_precision(fixture *f, fixture_lane *lane, const fixture_inputs *in,
                         fixture_place place, fixture_want want);

#endif
