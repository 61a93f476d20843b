/*
 * The CKKS evaluator at the parameter sets for comparison: every operation on one thread, on two
 * threads inside of it ("one") and on two threads with an operation each ("each"), on one message
 * and on a batch of eight. Results are decrypted and compared before anything is timed.
 *
 * bytes_moved is the traffic that no implementation can avoid: operands, keys and plaintexts read
 * once, results written once, a word of 4 bytes a residue. Keys count once for a batch. With
 * polynomials (all primes of Q) as the unit, K for a switching key:
 *   transform 2; encode, decode 1 and 8 bytes a slot; public-key encryption 1 + 2 + 2, symmetric
 *   1 + 1 + 2 (the secret), decryption 2 + 1 + 1; add 4 + 2; mul_plain 2 + 1 + 2; mul 4 + 3;
 *   relinearize 3 + 2 + K; mul_relin 4 + 2 + K; square_relin, rotate, conjugate 2 + 2 + K; rescale
 *   2 and 2 of the next level; rotate_many8 2 + 16 + 8 K; sum16 2 + 2 + 4 K; matrix64 2 + 2, 64
 *   plaintexts, a K for each of its rotations; poly15 2 + 2 of four levels below + K
 * copy_ratio is the time of a memcpy that moves as much, on as many threads, over the operation's:
 * 1 would be an operation as fast as memory.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/ckks_fixture.h"
#include "bench/copy_rate.h"

#define SUM_LENGTH 16

typedef hel_status (*operation)(fixture *f, fixture_lane *lane, const fixture_inputs *in);

/* ---- operations ---- */

#define OPERATION(name, call)                                                                      \
    static hel_status name(fixture *f, fixture_lane *lane, const fixture_inputs *in)               \
    {                                                                                              \
        (void)f;                                                                                   \
        return call;                                                                               \
    }

OPERATION(op_encode, hel_ckks_encode(lane->ckks, lane->plain, in->x, NULL, in->slots, in->batch,
                                     HEL_CKKS_TOP, 0))
OPERATION(op_decode, hel_ckks_decode(lane->ckks, in->plain_x, lane->slots, NULL))
OPERATION(op_encrypt_public, hel_ckks_encrypt(lane->ckks, lane->out, in->plain_x, f->public_key))
OPERATION(op_encrypt_symmetric,
          hel_ckks_encrypt_symmetric(lane->ckks, lane->out, in->plain_x, f->secret))
OPERATION(op_decrypt, hel_ckks_decrypt(lane->ckks, lane->plain, in->a, f->secret))
OPERATION(op_add, hel_ckks_add(lane->ckks, lane->out, in->a, in->b))
OPERATION(op_mul_plain, hel_ckks_mul_plain(lane->ckks, lane->out, in->a, in->plain_y))
OPERATION(op_mul, hel_ckks_mul_lazy(lane->ckks, lane->out, in->a, in->b))
OPERATION(op_relinearize, hel_ckks_relinearize(lane->ckks, lane->out, in->lazy))
OPERATION(op_mul_relin, hel_ckks_mul(lane->ckks, lane->out, in->a, in->b))
OPERATION(op_square_relin, hel_ckks_square(lane->ckks, lane->out, in->a))
OPERATION(op_rescale, hel_ckks_rescale(lane->ckks, lane->out, in->product))
OPERATION(op_rotate, hel_ckks_rotate(lane->ckks, lane->out, in->a, 1))
OPERATION(op_conjugate, hel_ckks_conjugate(lane->ckks, lane->out, in->a))
OPERATION(op_rotate_many,
          hel_ckks_rotate_many(lane->ckks, lane->many, in->a, f->steps, FIXTURE_ROTATIONS))
OPERATION(op_sum, hel_ckks_sum(lane->ckks, lane->out, in->a, SUM_LENGTH))
OPERATION(op_matrix, hel_ckks_matrix_mul(lane->ckks, lane->out, f->matrix, in->a))
OPERATION(op_poly, hel_ckks_poly(lane->ckks, lane->out, in->a, HEL_CKKS_CHEBYSHEV, f->coefficient,
                                 FIXTURE_DEGREE, -1, 1))

static hel_status op_decrypt_decode(fixture *f, fixture_lane *lane, const fixture_inputs *in)
{
    hel_status status = hel_ckks_decrypt(lane->ckks, lane->plain, in->a, f->secret);
    return status ? status : hel_ckks_decode(lane->ckks, lane->plain, lane->slots, NULL);
}

static hel_status op_forward(fixture *f, fixture_lane *lane, const fixture_inputs *in)
{
    (void)in;
    for (uint32_t i = 0; i < f->limbs; i++)
        hel_ntt_forward(f->ring, i, lane->poly + (size_t)i * f->n);
    return HEL_OK;
}

static hel_status op_inverse(fixture *f, fixture_lane *lane, const fixture_inputs *in)
{
    (void)in;
    for (uint32_t i = 0; i < f->limbs; i++)
        hel_ntt_inverse(f->ring, i, lane->poly + (size_t)i * f->n);
    return HEL_OK;
}

enum {
    ONE_THREAD = 1, /* only "one" thread and "each": the code has no threads of its own */
    SINGLE = 2,     /* no batches */
    SPARSE = 4,     /* on the sparse inputs */
    AUTO = 8        /* brings inputs together by itself; others do what is called, nothing else */
};

/* polys, slots, next, keys: terms of the model above, per message but for the keys. */
static const struct benchmark {
    const char *name;
    operation run;
    fixture_place place;
    fixture_want want;
    unsigned flags;
    double polys, slots, next, keys;
} benchmarks[] = {
    {"ntt_forward", op_forward, PLACE_CIPHER, WANT_NOTHING, ONE_THREAD | SINGLE, 2, 0, 0, 0},
    {"ntt_inverse", op_inverse, PLACE_CIPHER, WANT_NOTHING, ONE_THREAD | SINGLE, 2, 0, 0, 0},
    {"encode", op_encode, PLACE_PLAIN, WANT_X, 0, 1, 1, 0, 0},
    {"decode", op_decode, PLACE_SLOTS, WANT_X, 0, 1, 1, 0, 0},
    {"encrypt_public", op_encrypt_public, PLACE_CIPHER, WANT_X, 0, 5, 0, 0, 0},
    {"encrypt_symmetric", op_encrypt_symmetric, PLACE_CIPHER, WANT_X, 0, 4, 0, 0, 0},
    {"decrypt", op_decrypt, PLACE_PLAIN, WANT_X, 0, 4, 0, 0, 0},
    {"decrypt_decode", op_decrypt_decode, PLACE_SLOTS, WANT_X, 0, 4, 1, 0, 0},
    {"add", op_add, PLACE_CIPHER, WANT_SUM, 0, 6, 0, 0, 0},
    {"mul_plain", op_mul_plain, PLACE_CIPHER, WANT_PRODUCT, 0, 5, 0, 0, 0},
    {"mul", op_mul, PLACE_CIPHER, WANT_PRODUCT, 0, 7, 0, 0, 0},
    {"relinearize", op_relinearize, PLACE_CIPHER, WANT_PRODUCT, 0, 5, 0, 0, 1},
    {"mul_relin", op_mul_relin, PLACE_CIPHER, WANT_PRODUCT, 0, 6, 0, 0, 1},
    {"square_relin", op_square_relin, PLACE_CIPHER, WANT_SQUARE, 0, 4, 0, 0, 1},
    {"rescale", op_rescale, PLACE_CIPHER, WANT_PRODUCT, 0, 2, 0, 2, 0},
    {"rotate", op_rotate, PLACE_CIPHER, WANT_TURNED, 0, 4, 0, 0, 1},
    {"conjugate", op_conjugate, PLACE_CIPHER, WANT_CONJUGATE, 0, 4, 0, 0, 1},
    {"rotate_many8", op_rotate_many, PLACE_MANY, WANT_TURNED_MANY, SINGLE, 18, 0, 0,
     FIXTURE_ROTATIONS},
    {"sum16", op_sum, PLACE_CIPHER, WANT_WINDOW, AUTO, 4, 0, 0, 4},
    {"matrix64", op_matrix, PLACE_CIPHER, WANT_MATRIX, SINGLE | SPARSE | AUTO, 4, 0, 0, 0},
    {"poly15", op_poly, PLACE_CIPHER, WANT_POLYNOMIAL, AUTO, 4, 0, 0, 1},
};

static int applies(const fixture *f, const struct benchmark *b)
{
    return b->run != op_poly || f->params.depth >= FIXTURE_LEVELS;
}

/* ---- threads ---- */

typedef struct round {
    fixture *f;
    fixture_lane *lane;
    const fixture_inputs *in;
    const struct benchmark *b;
    size_t iterations;
    int beside; /* another lane at the same time */
} round_arg;

static void *loop(void *p)
{
    const round_arg *r = p;
    for (size_t i = 0; i < r->iterations; i++)
        fixture_must(r->lane->engine, r->b->run(r->f, r->lane, r->in));
    return NULL;
}

static void run(void *p, size_t iterations)
{
    round_arg mine = *(const round_arg *)p, other = mine;
    pthread_t thread;
    mine.iterations = other.iterations = iterations;
    if (!mine.beside) {
        loop(&mine);
        return;
    }
    other.lane = mine.lane + 1;
    if (pthread_create(&thread, NULL, loop, &other) != 0)
        exit(71);
    loop(&mine);
    pthread_join(thread, NULL);
}

/* ---- entries ---- */

/* Per operation on one message. */
static double bytes_moved(const fixture *f, const struct benchmark *b, const fixture_inputs *in)
{
    const double poly = 4.0 * f->n * f->limbs, next = 4.0 * f->n * f->next_limbs;
    double bytes = b->polys * poly + 8 * b->slots * in->slots + b->next * next;
    bytes += b->keys * (double)f->info.key_bytes / in->batch;
    if (b->run == op_matrix)
        bytes +=
            (double)f->matrix_rotations * (double)f->info.key_bytes + FIXTURE_MATRIX_SLOTS * poly;
    if (b->run == op_poly)
        bytes -= 2 * poly - 8.0 * f->n * f->params.limbs[f->params.depth - FIXTURE_LEVELS];
    return bytes;
}

static bench_subject subject_of(const fixture *f, const struct benchmark *b, int threads,
                                int beside, uint32_t batch)
{
    return (bench_subject){
        .op = b->name,
        .preset = f->name,
        .mode = beside ? "each" : "one",
        .n = f->n,
        .log_q = f->info.log_q,
        .log_qp = f->info.log_qp,
        .log_bound = f->info.log_bound,
        .dnum = f->info.dnum,
        .key_switches = b->run == op_matrix ? (double)f->matrix_rotations
                        : b->run == op_sum  ? 4
                                            : b->keys,
        .limbs = f->limbs,
        .word_bits = 32,
        .scale_bits = f->params.scale_bits,
        .threads = threads,
        .batch = batch,
        .operations = batch * (beside ? 2.0 : 1.0),
        .ciphertext_bytes = (double)f->info.ciphertext_bytes,
        .key_bytes = (double)f->info.key_bytes,
    };
}

/* The fixture is made when the first entry needs it. */
typedef struct preset_run {
    fixture f;
    const char *preset;
    int ready;
    copy_rates copies;
} preset_run;

static void bench_one(preset_run *s, const struct benchmark *b, int threads, int beside, int large)
{
    char name[96];
    snprintf(name, sizeof name, "%s/%s/t%d-%s/b%d", b->name, s->preset, threads,
             beside ? "each" : "one", large ? FIXTURE_BATCH : 1);
    if (!bench_wanted(name))
        return;
    if (bench_listing()) {
        bench_run(name, NULL, NULL, (bench_rate){0, 0});
        return;
    }
    if (!s->ready)
        fixture_create(&s->f, s->preset);
    s->ready = 1;
    fixture *f = &s->f;
    if (!applies(f, b))
        return;
    const fixture_inputs *in = b->flags & SPARSE ? &f->sparse
                               : large           ? fixture_batch(f)
                                                 : &f->full[0];
    round_arg r = {f, &f->lane[threads > 1 && !beside ? 2 : 0], in, b, 1, beside};
    bench_subject subject = subject_of(f, b, threads, beside, in->batch);
    for (int i = 0; i < FIXTURE_LANES; i++)
        hel_ckks_set_alignment(f->lane[i].ckks, b->flags & AUTO ? HEL_CKKS_AUTO : HEL_CKKS_MANUAL);
    if (b->want != WANT_NOTHING) {
        loop(&r);
        subject.precision_bits = fixture_precision(f, r.lane, in, b->place, b->want);
        if (!(subject.precision_bits > 8)) {
            fprintf(stderr, "%s: wrong slots: %.1f bits are right\n", name, subject.precision_bits);
            exit(70);
        }
    }
    const double bytes = bytes_moved(f, b, in);
    const bench_result result =
        bench_run(name, run, &r, (bench_rate){bytes * subject.operations, subject.operations});
    bench_describe(&subject);
    const double all = bytes * subject.operations,
                 rate = copy_rate(&s->copies, all / threads, threads);
    bench_counter("bytes_moved", bytes);
    bench_counter("copy_bytes_per_second", rate * 1e9);
    bench_counter("copy_ratio", all / rate / result.best_ns);
}

static void bench_preset(const char *preset)
{
    preset_run *s = calloc(1, sizeof *s);
    if (!s)
        exit(71);
    s->preset = preset;
    for (size_t i = 0; i < sizeof benchmarks / sizeof *benchmarks; i++) {
        const struct benchmark *b = &benchmarks[i];
        for (int large = 0; large < (b->flags & SINGLE ? 1 : 2); large++) {
            bench_one(s, b, 1, 0, large);
            if (!(b->flags & ONE_THREAD))
                bench_one(s, b, 2, 0, large);
            if (!large)
                bench_one(s, b, 2, 1, 0);
        }
    }
    if (s->ready)
        fixture_free(&s->f);
    free(s);
}

/* ---- one limb, for times per bit ---- */

typedef struct limb_arg {
    const hel_ring *ring;
    uint32_t *x;
} limb_arg;

static void run_forward_limb(void *p, size_t iterations)
{
    const limb_arg *a = p;
    for (size_t i = 0; i < iterations; i++)
        hel_ntt_forward(a->ring, 0, a->x);
}

static void run_inverse_limb(void *p, size_t iterations)
{
    const limb_arg *a = p;
    for (size_t i = 0; i < iterations; i++)
        hel_ntt_inverse(a->ring, 0, a->x);
}

static void bench_limb(hel_engine *engine, uint32_t log_n)
{
    static const char *const names[] = {"ntt_forward_limb", "ntt_inverse_limb"};
    char name[64], preset[16];
    hel_ring *ring = NULL;
    limb_arg a = {0};
    fixture_must(engine, hel_ring_create(engine, &ring, log_n, 1));
    a.ring = ring;
    if (posix_memalign((void **)&a.x, 64, (size_t)4 << log_n) != 0)
        exit(71);
    for (size_t i = 0; i < (size_t)1 << log_n; i++)
        a.x[i] = (uint32_t)(i * 2654435761u) & 0xffffff;
    snprintf(preset, sizeof preset, "2^%u:%u", log_n, ring->limb[0].bits);
    for (int inverse = 0; inverse < 2; inverse++) {
        const bench_subject subject = {.op = names[inverse],
                                       .preset = preset,
                                       .mode = "one",
                                       .n = ring->n,
                                       .log_q = log2(ring->limb[0].q),
                                       .limbs = 1,
                                       .word_bits = 32,
                                       .threads = 1,
                                       .batch = 1,
                                       .operations = 1,
                                       .per_bit = 1};
        snprintf(name, sizeof name, "%s/%s/t1-one", names[inverse], preset);
        bench_run(name, inverse ? run_inverse_limb : run_forward_limb, &a,
                  (bench_rate){8.0 * ring->n, ring->n / 2.0 * log_n});
        bench_describe(&subject);
    }
    free(a.x);
    hel_ring_free(ring);
}

int main(int argc, char **argv)
{
    static const char *const presets[] = {"cmp13", "cmp14", "cmp15", "cmp16", "cmp16d4"};
    bench_begin(argc, argv, "b_ckks");
    bench_context("allocator", "glibc");
    if (bench_wanted_preset("limbs")) {
        hel_engine *engine = NULL;
        fixture_must(NULL, hel_engine_create(&engine, NULL));
        for (uint32_t log_n = 12; log_n <= 16; log_n++)
            bench_limb(engine, log_n);
        hel_engine_free(engine);
    }
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (bench_wanted_preset(presets[i]))
            bench_preset(presets[i]);
    return bench_end();
}
