/* Set-up and checks of b_ckks.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/ckks_fixture.h"

#define MATRIX_STEPS_MAX (2 * FIXTURE_MATRIX_SLOTS)

void fixture_must(hel_engine *engine, hel_status status)
{
    if (status == HEL_OK)
        return;
    fprintf(stderr, "b_ckks: %s: %s\n", hel_status_name(status), hel_engine_error(engine));
    exit(hel_status_exit_code(status));
}

static void *room(size_t bytes)
{
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes) != 0)
        exit(71);
    memset(p, 0, bytes);
    return p;
}

/* Uniform in [-1, 1), from a fixed generator. */
static void fill(double *x, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        x[i] = ldexp((double)(seed >> 11), -52) - 1;
    }
}

static void create_lane(fixture *f, fixture_lane *lane, uint32_t threads, const hel_ckks *from)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.threads = threads;
    fixture_must(NULL, hel_engine_create(&lane->engine, &config));
    if (from)
        fixture_must(lane->engine, hel_ckks_clone(lane->engine, &lane->ckks, from));
    else
        fixture_must(lane->engine, hel_ckks_create(lane->engine, &lane->ckks, &f->params));
    fixture_must(lane->engine, hel_ckks_cipher_create(lane->ckks, &lane->out));
    for (int i = 0; i < FIXTURE_ROTATIONS; i++)
        fixture_must(lane->engine, hel_ckks_cipher_create(lane->ckks, &lane->many[i]));
    fixture_must(lane->engine, hel_ckks_plain_create(lane->ckks, &lane->plain));
    lane->slots = room(FIXTURE_BATCH * (size_t)f->n / 2 * sizeof *lane->slots);
    lane->poly = room((size_t)f->limbs * f->n * sizeof *lane->poly);
    for (size_t i = 0; i < (size_t)f->limbs * f->n; i++)
        lane->poly[i] = (uint32_t)(i * 2654435761u) & 0x1ffff; /* below every prime */
}

static void free_lane(fixture_lane *lane)
{
    hel_ckks_cipher_free(lane->out);
    for (int i = 0; i < FIXTURE_ROTATIONS; i++)
        hel_ckks_cipher_free(lane->many[i]);
    hel_ckks_plain_free(lane->plain);
    hel_ckks_free(lane->ckks);
    hel_engine_free(lane->engine);
    free(lane->slots);
    free(lane->poly);
}

static void create_inputs(fixture *f, fixture_inputs *in, uint32_t batch, uint32_t slots)
{
    hel_engine *engine = f->lane[0].engine;
    hel_ckks *c = f->lane[0].ckks;
    const size_t count = (size_t)batch * slots;
    in->batch = batch;
    in->slots = slots;
    in->x = room(count * sizeof *in->x);
    in->y = room(count * sizeof *in->y);
    fill(in->x, count, 1);
    fill(in->y, count, 2);
    fixture_must(engine, hel_ckks_plain_create(c, &in->plain_x));
    fixture_must(engine, hel_ckks_plain_create(c, &in->plain_y));
    fixture_must(engine, hel_ckks_cipher_create(c, &in->a));
    fixture_must(engine, hel_ckks_cipher_create(c, &in->b));
    fixture_must(engine, hel_ckks_cipher_create(c, &in->lazy));
    fixture_must(engine, hel_ckks_cipher_create(c, &in->product));
    fixture_must(engine,
                 hel_ckks_encode(c, in->plain_x, in->x, NULL, slots, batch, HEL_CKKS_TOP, 0));
    fixture_must(engine,
                 hel_ckks_encode(c, in->plain_y, in->y, NULL, slots, batch, HEL_CKKS_TOP, 0));
    fixture_must(engine, hel_ckks_encrypt(c, in->a, in->plain_x, f->public_key));
    fixture_must(engine, hel_ckks_encrypt(c, in->b, in->plain_y, f->public_key));
    fixture_must(engine, hel_ckks_mul_lazy(c, in->lazy, in->a, in->b));
    fixture_must(engine, hel_ckks_relinearize(c, in->product, in->lazy));
}

static void free_inputs(fixture_inputs *in)
{
    free(in->x);
    free(in->y);
    hel_ckks_plain_free(in->plain_x);
    hel_ckks_plain_free(in->plain_y);
    hel_ckks_cipher_free(in->a);
    hel_ckks_cipher_free(in->b);
    hel_ckks_cipher_free(in->lazy);
    hel_ckks_cipher_free(in->product);
}

/* A dense matrix, entries in [-1/8, 1/8): products of slots stay near 1. */
static void create_matrix(fixture *f)
{
    const size_t slots = FIXTURE_MATRIX_SLOTS;
    hel_engine *engine = f->lane[0].engine;
    f->matrix_rows = room(slots * slots * sizeof *f->matrix_rows);
    fill(f->matrix_rows, slots * slots, 3);
    for (size_t i = 0; i < slots * slots; i++)
        f->matrix_rows[i] /= 8;
    fixture_must(engine, hel_ckks_matrix_create(f->lane[0].ckks, &f->matrix, f->matrix_rows, NULL,
                                                FIXTURE_MATRIX_SLOTS, HEL_CKKS_TOP));
}

static void create_keys(fixture *f)
{
    int32_t steps[FIXTURE_ROTATIONS + MATRIX_STEPS_MAX];
    hel_engine *engine = f->lane[0].engine;
    hel_ckks *c = f->lane[0].ckks;
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    for (int i = 0; i < FIXTURE_ROTATIONS; i++)
        steps[i] = f->steps[i] = i + 1;
    f->matrix_rotations =
        hel_ckks_matrix_rotations(f->matrix, steps + FIXTURE_ROTATIONS, MATRIX_STEPS_MAX);
    request.conjugate = 1;
    request.rotations = steps;
    request.rotation_count = FIXTURE_ROTATIONS + f->matrix_rotations;
    fixture_must(engine, hel_ckks_secret_create(c, &f->secret));
    fixture_must(engine, hel_ckks_public_create(c, &f->public_key, f->secret));
    fixture_must(engine, hel_ckks_keys_create(c, &f->keys, f->secret, &request));
    fixture_must(engine, hel_ckks_use_keys(c, f->keys));
}

void fixture_create(fixture *f, const char *name)
{
    hel_engine *engine = NULL;
    memset(f, 0, sizeof *f);
    f->name = name;
    fixture_must(NULL, hel_engine_create(&engine, NULL));
    fixture_must(engine, hel_ckks_params_named(engine, name, &f->params));
    fixture_must(engine, hel_ckks_params_check(engine, &f->params, &f->info));
    hel_engine_free(engine);
    f->n = 1u << f->params.log_n;
    f->limbs = f->params.limbs[f->params.depth];
    f->next_limbs = f->params.limbs[f->params.depth ? f->params.depth - 1 : 0];
    create_lane(f, &f->lane[0], 1, NULL);
    fixture_must(f->lane[0].engine,
                 hel_ring_create_from(f->lane[0].engine, &f->ring, f->params.log_n,
                                      f->params.primes, f->limbs));
    create_matrix(f);
    create_keys(f);
    create_lane(f, &f->lane[1], 1, f->lane[0].ckks);
    create_lane(f, &f->lane[2], 2, f->lane[0].ckks);
    for (uint32_t i = 0; i <= FIXTURE_DEGREE; i++)
        f->coefficient[i] = 1.0 / (i + 1);
    create_inputs(f, &f->full[0], 1, f->n / 2);
    create_inputs(f, &f->sparse, 1, FIXTURE_MATRIX_SLOTS);
}

const fixture_inputs *fixture_batch(fixture *f)
{
    if (f->full[1].batch == 0)
        create_inputs(f, &f->full[1], FIXTURE_BATCH, f->n / 2);
    return &f->full[1];
}

void fixture_free(fixture *f)
{
    free_inputs(&f->full[0]);
    free_inputs(&f->full[1]);
    free_inputs(&f->sparse);
    hel_ckks_matrix_free(f->matrix);
    free(f->matrix_rows);
    for (int i = FIXTURE_LANES; i-- > 0;) {
        if (i == 0) {
            hel_ckks_keys_free(f->keys);
            hel_ckks_public_free(f->public_key);
            hel_ckks_secret_free(f->secret);
            hel_ring_free(f->ring);
        }
        free_lane(&f->lane[i]);
    }
}

/* ---- what results must be ---- */

static double wanted_slot(const fixture *f, const fixture_inputs *in, fixture_want want,
                          uint32_t item, uint32_t j)
{
    const double *x = in->x + (size_t)item * in->slots, *y = in->y + (size_t)item * in->slots;
    double sum = 0;
    switch (want) {
    case WANT_SUM:
        return x[j] + y[j];
    case WANT_PRODUCT:
        return x[j] * y[j];
    case WANT_SQUARE:
        return x[j] * x[j];
    case WANT_TURNED:
        return x[(j + 1) % in->slots];
    case WANT_TURNED_MANY:
        return x[(j + FIXTURE_ROTATIONS) % in->slots];
    case WANT_WINDOW:
        for (uint32_t k = 0; k < 16; k++)
            sum += x[(j + k) % in->slots];
        return sum;
    case WANT_MATRIX:
        for (uint32_t k = 0; k < in->slots; k++)
            sum += f->matrix_rows[(size_t)j * in->slots + k] * x[k];
        return sum;
    case WANT_POLYNOMIAL:
        for (uint32_t k = 0; k <= FIXTURE_DEGREE; k++)
            sum += f->coefficient[k] * cos(k * acos(x[j]));
        return sum;
    case WANT_NOTHING:
    case WANT_X:
    case WANT_CONJUGATE: /* inputs are real */
        break;
    }
    return x[j];
}

double fixture_precision(fixture *f, fixture_lane *lane, const fixture_inputs *in,
                         fixture_place place, fixture_want want)
{
    const hel_ckks_cipher *cipher = lane->out;
    const size_t count = (size_t)in->batch * in->slots;
    double sum = 0;
    if (place == PLACE_MANY)
        cipher = lane->many[FIXTURE_ROTATIONS - 1];
    if (place == PLACE_CIPHER || place == PLACE_MANY)
        fixture_must(lane->engine, hel_ckks_decrypt(lane->ckks, lane->plain, cipher, f->secret));
    if (place != PLACE_SLOTS)
        fixture_must(lane->engine, hel_ckks_decode(lane->ckks, lane->plain, lane->slots, NULL));
    for (uint32_t i = 0; i < in->batch; i++)
        for (uint32_t j = 0; j < in->slots; j++) {
            const double off =
                lane->slots[(size_t)i * in->slots + j] - wanted_slot(f, in, want, i, j);
            sum += off * off;
        }
    return -0.5 * log2(sum / (double)count + 0x1p-200);
}
