/* Whole CKKS jobs on the backend and on the reference, from the same keys and ciphertexts: every
 * result has the same residues, scale and error estimate, byte for byte. What is encoded on the
 * backend itself (matrices, fresh encryptions) is compared by its slots. */
#include <math.h>
#include <string.h>

#include "host/ckks/evaluator.h"
#include "tests/device/check.h"

enum { JOB_ROTATIONS = 3, JOB_MATRIX = 8 };

typedef struct side {
    check_env *env; /* engine and status */
    hel_ckks *ckks;
    hel_ckks_secret *secret;
    hel_ckks_public *public_key;
    hel_ckks_keys *keys;
    hel_ckks_plain *plain;
    hel_ckks_cipher *a, *b, *out, *many[JOB_ROTATIONS];
    hel_buf bytes;
} side;

typedef struct job {
    check_world *w;
    side side[2];
    uint32_t batch, slots, depth;
} job;

static const int32_t steps[JOB_ROTATIONS] = {1, -3, 7};

/* ---- the same objects on both sides ---- */

static hel_status make_context(side *s, const hel_ckks_params *params)
{
    HEL_TRY(hel_ckks_create(s->env->engine, &s->ckks, params)); /* on the engine's backend */
    HEL_TRY(hel_ckks_plain_create(s->ckks, &s->plain));
    HEL_TRY(hel_ckks_cipher_create(s->ckks, &s->a));
    HEL_TRY(hel_ckks_cipher_create(s->ckks, &s->b));
    HEL_TRY(hel_ckks_cipher_create(s->ckks, &s->out));
    for (int i = 0; i < JOB_ROTATIONS; i++)
        HEL_TRY(hel_ckks_cipher_create(s->ckks, &s->many[i]));
    return HEL_OK;
}

static hel_status make_keys(side *s)
{
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    int32_t rotations[JOB_ROTATIONS + 2 * JOB_MATRIX];
    size_t count = 0;
    for (; count < JOB_ROTATIONS; count++)
        rotations[count] = steps[count];
    for (int32_t i = 1; i < JOB_MATRIX; i++)
        rotations[count++] = i;
    request.conjugate = 1;
    request.sums = 1;
    request.rotations = rotations;
    request.rotation_count = count;
    HEL_TRY(hel_ckks_secret_create(s->ckks, &s->secret));
    HEL_TRY(hel_ckks_public_create(s->ckks, &s->public_key, s->secret));
    HEL_TRY(hel_ckks_keys_create(s->ckks, &s->keys, s->secret, &request));
    return hel_ckks_use_keys(s->ckks, s->keys);
}

static hel_status copy_keys(side *to, const side *from)
{
    hel_buf buf = {0};
    hel_status status;
    HEL_TRY(hel_ckks_secret_encode(from->env->engine, from->secret, &buf));
    status = hel_ckks_secret_decode(to->ckks, buf.data, buf.bytes, &to->secret);
    hel_buf_free_secret(&buf);
    HEL_TRY(status);
    buf = (hel_buf){0};
    HEL_TRY(hel_ckks_public_encode(from->ckks, from->public_key, &buf));
    status = hel_ckks_public_decode(to->ckks, buf.data, buf.bytes, from->public_key->seed,
                                    from->public_key->key_id, &to->public_key);
    hel_buf_free(&buf);
    HEL_TRY(status);
    buf = (hel_buf){0};
    HEL_TRY(hel_ckks_keys_encode(from->ckks, from->keys, &buf));
    status = hel_ckks_keys_decode(to->ckks, buf.data, buf.bytes, from->keys->seed,
                                  from->keys->key_id, &to->keys);
    hel_buf_free(&buf);
    HEL_TRY(status);
    return hel_ckks_use_keys(to->ckks, to->keys);
}

static hel_status copy_cipher(const side *from, const hel_ckks_cipher *x, side *to,
                              hel_ckks_cipher *y)
{
    hel_buf buf = {0};
    HEL_TRY(hel_ckks_cipher_encode(from->ckks, x, &buf));
    const hel_status status = hel_ckks_cipher_decode(to->ckks, buf.data, buf.bytes, y);
    hel_buf_free(&buf);
    return status;
}

static void free_side(side *s)
{
    for (int i = 0; i < JOB_ROTATIONS; i++)
        hel_ckks_cipher_free(s->many[i]);
    hel_ckks_cipher_free(s->a);
    hel_ckks_cipher_free(s->b);
    hel_ckks_cipher_free(s->out);
    hel_ckks_plain_free(s->plain);
    hel_ckks_keys_free(s->keys);
    hel_ckks_public_free(s->public_key);
    hel_ckks_secret_free(s->secret);
    hel_ckks_free(s->ckks);
    hel_buf_free(&s->bytes);
}

/* ---- operations: out from a and b ---- */

static hel_status do_mul(side *s)
{
    return hel_ckks_mul(s->ckks, s->out, s->a, s->b);
}

static hel_status do_square_twice(side *s)
{
    HEL_TRY(hel_ckks_square(s->ckks, s->out, s->a));
    return hel_ckks_square(s->ckks, s->out, s->out);
}

static hel_status do_lazy(side *s)
{
    HEL_TRY(hel_ckks_mul_lazy(s->ckks, s->out, s->a, s->b));
    HEL_TRY(hel_ckks_add(s->ckks, s->out, s->out, s->out));
    HEL_TRY(hel_ckks_relinearize(s->ckks, s->out, s->out));
    return hel_ckks_rescale(s->ckks, s->out, s->out);
}

static hel_status do_sums(side *s)
{
    HEL_TRY(hel_ckks_add(s->ckks, s->out, s->a, s->b));
    HEL_TRY(hel_ckks_sub(s->ckks, s->out, s->out, s->b));
    HEL_TRY(hel_ckks_negate(s->ckks, s->out, s->out));
    HEL_TRY(hel_ckks_add_const(s->ckks, s->out, s->out, 0.25, -0.5));
    HEL_TRY(hel_ckks_mul_const(s->ckks, s->out, s->out, 3, 0));
    return hel_ckks_mul_const(s->ckks, s->out, s->out, 0.7, 0.1);
}

static hel_status do_rotate(side *s)
{
    HEL_TRY(hel_ckks_rotate(s->ckks, s->out, s->a, 1));
    return hel_ckks_rotate(s->ckks, s->out, s->out, -3);
}

static hel_status do_rotate_many(side *s)
{
    HEL_TRY(hel_ckks_rotate_many(s->ckks, s->many, s->a, steps, JOB_ROTATIONS));
    HEL_TRY(hel_ckks_add(s->ckks, s->out, s->many[0], s->many[1]));
    return hel_ckks_sub(s->ckks, s->out, s->out, s->many[2]);
}

static hel_status do_conjugate(side *s)
{
    return hel_ckks_conjugate(s->ckks, s->out, s->a);
}

static hel_status do_sum(side *s)
{
    return hel_ckks_sum(s->ckks, s->out, s->a, 7);
}

static hel_status do_drop(side *s)
{
    HEL_TRY(hel_ckks_drop(s->ckks, s->out, s->a, 1));
    HEL_TRY(hel_ckks_rotate(s->ckks, s->out, s->out, 1));
    return hel_ckks_add(s->ckks, s->out, s->out, s->out);
}

static hel_status do_align(side *s)
{
    return hel_ckks_align(s->ckks, s->out, s->a, 1);
}

static hel_status do_poly(side *s)
{
    static const double c[] = {0.5, 0.2, 0, -0.01, 0, 0.3};
    return hel_ckks_poly(s->ckks, s->out, s->a, HEL_CKKS_CHEBYSHEV, c, 5, -1, 1);
}

static const struct {
    const char *name;
    hel_status (*fn)(side *s);
    uint32_t depth;
} operations[] = {
    {"mul", do_mul, 1},
    {"square of square", do_square_twice, 2},
    {"lazy product", do_lazy, 1},
    {"sums and constants", do_sums, 1},
    {"rotate", do_rotate, 0},
    {"rotate_many", do_rotate_many, 0},
    {"conjugate", do_conjugate, 0},
    {"sum", do_sum, 0},
    {"drop and rotate", do_drop, 1},
    {"align", do_align, 1},
    {"polynomial", do_poly, 3},
};

static void job_begin(job *j, const char *what)
{
    check_begin(j->w, "CKKS %s, batch %u, %u slots, depth %u", what, j->batch, j->slots, j->depth);
}

static void compare_bytes(job *j)
{
    for (int k = 0; k < 2; k++) {
        side *s = &j->side[k];
        s->bytes.bytes = 0;
        CHECK_CALL(s->env, hel_ckks_cipher_encode(s->ckks, s->out, &s->bytes));
        if (s->env->status != HEL_OK)
            return;
    }
    const hel_buf *x = &j->side[0].bytes, *y = &j->side[1].bytes;
    if (x->bytes != y->bytes) {
        check_fail(j->w, "a result of %zu bytes, not %zu", y->bytes, x->bytes);
        return;
    }
    for (size_t i = 0; i < x->bytes; i++)
        if (x->data[i] != y->data[i]) {
            check_fail(j->w, "byte %zu of %zu is %u, not %u", i, x->bytes, y->data[i], x->data[i]);
            return;
        }
}

static void run_operations(job *j)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (operations[i].depth > j->depth)
            continue;
        job_begin(j, operations[i].name);
        for (int k = 0; k < 2; k++)
            CHECK_CALL(j->side[k].env, operations[i].fn(&j->side[k]));
        compare_bytes(j);
        check_end(j->w);
    }
}

/* ---- by slots ---- */

/* Both results decrypted and decoded: no further apart than errors allow. */
static void compare_slots(job *j, const double *want_re)
{
    const size_t count = (size_t)j->batch * j->slots;
    double *x[2], error = 0;
    for (int k = 0; k < 2; k++) {
        side *s = &j->side[k];
        x[k] = check_memory(j->w, 2 * count * sizeof(double));
        CHECK_CALL(s->env, hel_ckks_decrypt(s->ckks, s->plain, s->out, s->secret));
        CHECK_CALL(s->env, hel_ckks_decode(s->ckks, s->plain, x[k], x[k] + count));
        error = fmax(error, hel_ckks_cipher_error(s->out));
        if (s->env->status != HEL_OK)
            return;
    }
    for (size_t i = 0; i < 2 * count && !j->w->failed; i++) {
        if (!(fabs(x[0][i] - x[1][i]) <= 24 * error))
            check_fail(j->w, "slot number %zu is %.17g, not %.17g, error %g", i, x[1][i], x[0][i],
                       error);
        if (want_re && i < count && !(fabs(x[1][i] - want_re[i]) <= 24 * error))
            check_fail(j->w, "slot number %zu is %.17g, not %.17g, error %g", i, x[1][i],
                       want_re[i], error);
    }
}

static void check_encryption(job *j, const double *re)
{
    for (int symmetric = 0; symmetric < 2; symmetric++) {
        job_begin(j, symmetric ? "symmetric encryption" : "encryption");
        for (int k = 0; k < 2; k++) {
            side *s = &j->side[k];
            CHECK_CALL(s->env, hel_ckks_encode(s->ckks, s->plain, re, NULL, j->slots, j->batch,
                                               HEL_CKKS_TOP, 0));
            CHECK_CALL(s->env,
                       symmetric ? hel_ckks_encrypt_symmetric(s->ckks, s->out, s->plain, s->secret)
                                 : hel_ckks_encrypt(s->ckks, s->out, s->plain, s->public_key));
        }
        compare_slots(j, re);
        check_end(j->w);
    }
}

static void check_matrix(job *j)
{
    double rows[JOB_MATRIX * JOB_MATRIX];
    if (j->slots != JOB_MATRIX || j->depth < 1)
        return;
    job_begin(j, "matrix");
    for (int i = 0; i < JOB_MATRIX * JOB_MATRIX; i++)
        rows[i] = 2 * ref_random_double(&j->w->random) - 1;
    for (int k = 0; k < 2; k++) {
        side *s = &j->side[k];
        hel_ckks_matrix *matrix = NULL;
        CHECK_CALL(s->env, hel_ckks_matrix_create(s->ckks, &matrix, rows, NULL, JOB_MATRIX, 1));
        CHECK_CALL(s->env, hel_ckks_matrix_mul(s->ckks, s->out, matrix, s->a));
        hel_ckks_matrix_free(matrix);
    }
    compare_slots(j, NULL);
    check_end(j->w);
}

/* ---- jobs ---- */

static hel_status prepare(job *j, const hel_ckks_params *params, const double *re)
{
    side *s = j->side;
    const size_t count = (size_t)j->batch * j->slots;
    for (int k = 0; k < 2; k++)
        CHECK_CALL(s[k].env, make_context(&s[k], params));
    CHECK_CALL(s[0].env, make_keys(&s[0]));
    CHECK_CALL(s[1].env, copy_keys(&s[1], &s[0]));
    for (int i = 0; i < 2; i++) {
        hel_ckks_cipher *to = i ? s[0].b : s[0].a;
        CHECK_CALL(s[0].env, hel_ckks_encode(s[0].ckks, s[0].plain, re + (size_t)i * count, NULL,
                                             j->slots, j->batch, HEL_CKKS_TOP, 0));
        CHECK_CALL(s[0].env,
                   i ? hel_ckks_encrypt(s[0].ckks, to, s[0].plain, s[0].public_key)
                     : hel_ckks_encrypt_symmetric(s[0].ckks, to, s[0].plain, s[0].secret));
        CHECK_CALL(s[1].env, copy_cipher(&s[0], to, &s[1], i ? s[1].b : s[1].a));
    }
    return s[0].env->status != HEL_OK ? s[0].env->status : s[1].env->status;
}

static void run_job(check_world *w, const hel_ckks_params *params, uint32_t batch, uint32_t slots)
{
    job j = {.w = w, .batch = batch, .slots = slots, .depth = params->depth};
    const size_t count = (size_t)batch * slots;
    double *re = malloc((2 * count + 1) * sizeof *re);
    if (!re)
        return;
    for (size_t i = 0; i < 2 * count; i++)
        re[i] = 2 * ref_random_double(&w->random) - 1;
    for (int k = 0; k < 2; k++)
        j.side[k].env = &w->env[k];
    w->shape = (check_shape){.log_n = params->log_n,
                             .digit_limbs = params->digit_limbs,
                             .p_count = params->special_limbs,
                             .q_count = params->limbs[params->depth]};
    job_begin(&j, "keys and ciphertexts");
    const hel_status status = prepare(&j, params, re);
    check_end(w);
    if (status == HEL_OK) {
        run_operations(&j);
        check_encryption(&j, re);
        check_matrix(&j);
    }
    free_side(&j.side[0]);
    free_side(&j.side[1]);
    free(re);
}

static void run_set(check_world *w, const char *name, uint32_t log_n, uint32_t depth)
{
    hel_ckks_params params;
    hel_ckks_request request = HEL_CKKS_REQUEST_INIT;
    hel_engine *engine = w->env[0].engine;
    hel_status status;
    request.log_n = log_n;
    request.depth = depth;
    request.security = HEL_CKKS_INSECURE;
    status = name ? hel_ckks_params_named(engine, name, &params)
                  : hel_ckks_params_build(engine, &request, &params);
    if (status != HEL_OK) {
        check_begin(w, "CKKS parameters");
        w->env[0].status = status;
        check_end(w);
        return;
    }
    if (params.log_n > w->options->log_n_max)
        return;
    run_job(w, &params, 1, 1u << (params.log_n - 1));
    if (params.log_n < 16) /* keys of large rings take the reference long */
        run_job(w, &params, 3, JOB_MATRIX);
}

void check_ckks(check_world *w)
{
    run_set(w, NULL, 10, 3);
    if (w->options->scale >= 0.3)
        run_set(w, NULL, 11, 6);
    if (w->options->scale >= 1) {
        run_set(w, "cmp13", 0, 0);
        run_set(w, "cmp14", 0, 0);
        run_set(w, "cmp15", 0, 0);
        run_set(w, "cmp16", 0, 0);
    }
}
