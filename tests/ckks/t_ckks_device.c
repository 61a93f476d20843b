/*
 * The evaluator on a device (the simulated one) beside the evaluator on the CPU: keys made on the
 * device and moved to the CPU as bytes, ciphertexts of either side moved to the other. The integer
 * operations must then give the same bytes; what begins with encoding or fresh randomness must
 * decrypt, on both sides, to the message within the stated error. A device that is lost or fails
 * once gives named errors.
 */
#include "tests/ckks/eval_test.h"
#include "tests/sim/sim_device.h"

#define MATRIX_SLOTS 8u

typedef struct pair {
    ref_ckks cpu, dev;
    hel_device *device;
    hel_ckks_matrix *cpu_matrix, *dev_matrix; /* NULL: no level for it */
    double matrix[MATRIX_SLOTS * MATRIX_SLOTS];
} pair;

/* ---- both sides ---- */

static void move_secret(const ref_ckks *from, ref_ckks *to)
{
    hel_buf b = {0};
    need(from, hel_ckks_secret_encode(from->engine, from->secret, &b));
    need(to, hel_ckks_secret_decode(to->ckks, b.data, b.bytes, &to->secret));
    hel_buf_free_secret(&b);
}

static void move_keys(const ref_ckks *from, ref_ckks *to)
{
    hel_buf b = {0};
    need(from, hel_ckks_public_encode(from->ckks, from->public_key, &b));
    need(to, hel_ckks_public_decode(to->ckks, b.data, b.bytes, from->public_key->seed,
                                    from->public_key->key_id, &to->public_key));
    hel_buf_free(&b);
    b = (hel_buf){0};
    need(from, hel_ckks_keys_encode(from->ckks, from->keys, &b));
    need(to, hel_ckks_keys_decode(to->ckks, b.data, b.bytes, from->keys->seed, from->keys->key_id,
                                  &to->keys));
    hel_buf_free(&b);
    need(to, hel_ckks_use_keys(to->ckks, to->keys));
}

static hel_ckks_cipher *moved(const ref_ckks *from, const ref_ckks *to, const hel_ckks_cipher *x)
{
    hel_ckks_cipher *out = new_cipher(to);
    hel_buf b = {0};
    need(from, hel_ckks_cipher_encode(from->ckks, x, &b));
    need(to, hel_ckks_cipher_decode(to->ckks, b.data, b.bytes, out));
    hel_buf_free(&b);
    return out;
}

static hel_ckks_plain *moved_plain(const ref_ckks *from, const ref_ckks *to,
                                   const hel_ckks_plain *x)
{
    hel_ckks_plain *out;
    hel_buf b = {0};
    need(to, hel_ckks_plain_create(to->ckks, &out));
    need(from, hel_ckks_plain_encode(from->ckks, x, &b));
    need(to, hel_ckks_plain_decode(to->ckks, b.data, b.bytes, out));
    hel_buf_free(&b);
    return out;
}

static void same_bytes(const pair *t, const hel_ckks_cipher *cpu, const hel_ckks_cipher *dev,
                       const char *what)
{
    hel_buf a = {0}, b = {0};
    need(&t->cpu, hel_ckks_cipher_encode(t->cpu.ckks, cpu, &a));
    need(&t->dev, hel_ckks_cipher_encode(t->dev.ckks, dev, &b));
    cr_assert(a.bytes == b.bytes && memcmp(a.data, b.data, a.bytes) == 0, "%s differs", what);
    hel_buf_free(&a);
    hel_buf_free(&b);
}

/* Makes a context; the device's keys and the others' are made by the caller. */
static hel_status open_device(ref_ckks *f, const hel_ckks_params *p, hel_device *device)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_backend *backend;
    config.threads = 1;
    cr_assert_eq(hel_engine_create(&f->engine, &config), HEL_OK);
    HEL_TRY(hel_backend_device_create(f->engine, &backend, device));
    return hel_ckks_create_on(f->engine, &f->ckks, p, backend);
}

static void make_matrices(pair *t, ref_random *r)
{
    ref_ckks_fill(r, t->matrix, NULL, MATRIX_SLOTS * MATRIX_SLOTS);
    need(&t->cpu,
         hel_ckks_matrix_create(t->cpu.ckks, &t->cpu_matrix, t->matrix, NULL, MATRIX_SLOTS, 1));
    need(&t->dev,
         hel_ckks_matrix_create(t->dev.ckks, &t->dev_matrix, t->matrix, NULL, MATRIX_SLOTS, 1));
}

static void make_keys(pair *t, int sums)
{
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    int32_t steps[2 + MATRIX_SLOTS] = {3, -1};
    request.conjugate = 1;
    request.sums = sums;
    request.rotations = steps;
    request.rotation_count = 2;
    if (t->dev_matrix)
        request.rotation_count += hel_ckks_matrix_rotations(t->dev_matrix, steps + 2, MATRIX_SLOTS);
    need(&t->dev, hel_ckks_public_create(t->dev.ckks, &t->dev.public_key, t->dev.secret));
    need(&t->dev, hel_ckks_keys_create(t->dev.ckks, &t->dev.keys, t->dev.secret, &request));
    need(&t->dev, hel_ckks_use_keys(t->dev.ckks, t->dev.keys));
}

static void pair_start(pair *t, ref_random *r, const hel_ckks_params *p, int matrix, int sums)
{
    const sim_options options = {SIM_RANDOM, ref_random_u64(r) >> 1};
    memset(t, 0, sizeof *t);
    t->device = sim_device_create(&options, SIM_SHARED_HOPPER);
    cr_assert_eq(hel_engine_create(&t->cpu.engine, NULL), HEL_OK);
    need(&t->cpu, hel_ckks_create(t->cpu.engine, &t->cpu.ckks, p));
    need(&t->dev, open_device(&t->dev, p, t->device));
    need(&t->dev, hel_ckks_secret_create(t->dev.ckks, &t->dev.secret));
    move_secret(&t->dev, &t->cpu);
    if (matrix)
        make_matrices(t, r);
    make_keys(t, sums);
    move_keys(&t->dev, &t->cpu);
}

static void pair_end(pair *t)
{
    hel_ckks_matrix_free(t->cpu_matrix);
    hel_ckks_matrix_free(t->dev_matrix);
    ref_ckks_end(&t->cpu);
    ref_ckks_end(&t->dev);
}

/* ---- values ---- */

static void decrypted(const ref_ckks *f, const hel_ckks_cipher *x, double *re, double *im)
{
    hel_ckks_plain *p;
    need(f, hel_ckks_plain_create(f->ckks, &p));
    need(f, hel_ckks_decrypt(f->ckks, p, x, f->secret));
    need(f, hel_ckks_decode(f->ckks, p, re, im));
    hel_ckks_plain_free(p);
}

/* Equal ciphertexts decrypt to the same residues; the doubles may differ as decodings may. */
static void same_values(const pair *t, const hel_ckks_cipher *cpu, const hel_ckks_cipher *dev,
                        const char *what)
{
    const size_t count = (size_t)hel_ckks_cipher_slots(cpu) * hel_ckks_cipher_batch(cpu);
    double *x = calloc(4 * count + 1, sizeof *x), *y = x + 2 * count, most = 0;
    decrypted(&t->cpu, cpu, x, x + count);
    decrypted(&t->dev, dev, y, y + count);
    for (size_t i = 0; i < count; i++)
        most = fmax(most, hypot(x[i], x[count + i]));
    for (size_t i = 0; i < 2 * count; i++)
        cr_assert(fabs(x[i] - y[i]) <= most * 0x1p-45, "%s: number %zu: %a, not %a", what, i, y[i],
                  x[i]);
    free(x);
}

/* ---- encryption ---- */

/* What the device encrypts, either way, is the message for both sides, and so is what the CPU
 * encrypts for the device. */
static void encryptions(const pair *t, const vec *x, uint32_t level)
{
    hel_ckks_plain *p = encode_vec(&t->dev, x, level, 0);
    hel_ckks_cipher *c = new_cipher(&t->dev), *other;
    for (int symmetric = 0; symmetric < 2; symmetric++) {
        const char *what = symmetric ? "symmetric encryption" : "public-key encryption";
        need(&t->dev, symmetric ? hel_ckks_encrypt_symmetric(t->dev.ckks, c, p, t->dev.secret)
                                : hel_ckks_encrypt(t->dev.ckks, c, p, t->dev.public_key));
        other = moved(&t->dev, &t->cpu, c);
        check_vec(&t->dev, c, x, what);
        check_vec(&t->cpu, other, x, what);
        same_values(t, other, c, what);
        same_bytes(t, other, c, what);
        hel_ckks_cipher_free(other);
    }
    hel_ckks_plain_free(p);
    hel_ckks_cipher_free(c);
    c = encrypt_vec(&t->cpu, x, level);
    other = moved(&t->cpu, &t->dev, c);
    check_vec(&t->dev, other, x, "the CPU's encryption");
    hel_ckks_cipher_free(c);
    hel_ckks_cipher_free(other);
}

static void flooded(const pair *t, const vec *x)
{
    hel_ckks_flooding flooding = HEL_CKKS_FLOODING_INIT;
    const size_t count = (size_t)x->batch * x->slots;
    double *re = malloc((2 * count + 1) * sizeof *re), *im = re + count;
    hel_ckks_cipher *c = encrypt_vec(&t->dev, x, HEL_CKKS_TOP);
    hel_ckks_plain *p;
    flooding.queries = 1;
    flooding.bits = 2;
    need(&t->dev, hel_ckks_plain_create(t->dev.ckks, &p));
    need(&t->dev, hel_ckks_decrypt_flooded(t->dev.ckks, p, c, t->dev.secret, &flooding));
    need(&t->dev, hel_ckks_decode(t->dev.ckks, p, re, im));
    for (size_t i = 0; i < count; i++)
        cr_assert(hypot(re[i] - (double)creall(x->v[i]), im[i] - (double)cimagl(x->v[i])) <=
                  REF_CKKS_SLOT_LIMIT * flooding.error);
    hel_ckks_plain_free(p);
    hel_ckks_cipher_free(c);
    free(re);
}

/* ---- operations ---- */

typedef struct inputs {
    hel_ckks_cipher *a, *b;
    hel_ckks_plain *p;
    hel_ckks_matrix *matrix;
} inputs;

typedef enum op {
    OP_ADD,
    OP_SUB,
    OP_NEGATE,
    OP_ADD_PLAIN,
    OP_SUB_PLAIN,
    OP_MUL_PLAIN,
    OP_ADD_CONST,
    OP_MUL_INTEGER,
    OP_MUL_CONST,
    OP_MUL,
    OP_SQUARE,
    OP_MUL_LAZY,
    OP_RELINEARIZE,
    OP_RESCALE,
    OP_DROP,
    OP_ALIGN,
    OP_ROTATE,
    OP_ROTATE_BACK,
    OP_ROTATE_MANY,
    OP_CONJUGATE,
    OP_COPY,
    OP_POLY,
    OP_CHAIN,
    OP_SUM, /* needs the keys */
    OP_SUM_OF_3,
    OP_COUNT
} op;

static const char *const op_names[] = {"add",
                                       "sub",
                                       "negate",
                                       "add_plain",
                                       "sub_plain",
                                       "mul_plain",
                                       "add_const",
                                       "mul_const by an integer",
                                       "mul_const",
                                       "mul",
                                       "square",
                                       "mul_lazy",
                                       "relinearize",
                                       "rescale",
                                       "drop",
                                       "align",
                                       "rotate",
                                       "rotate back",
                                       "rotate_many",
                                       "conjugate",
                                       "copy",
                                       "poly",
                                       "a chain to level 0",
                                       "sum",
                                       "sum of 3"};

/* Down to level 0 by squares. */
static hel_status chain(const ref_ckks *f, hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    HEL_TRY(hel_ckks_copy(f->ckks, out, a));
    while (hel_ckks_cipher_level(out) > 0) {
        HEL_TRY(hel_ckks_square(f->ckks, out, out));
        HEL_TRY(hel_ckks_rescale(f->ckks, out, out));
    }
    return HEL_OK;
}

static hel_status rotate_many(const ref_ckks *f, hel_ckks_cipher *out, const hel_ckks_cipher *a)
{
    static const int32_t steps[3] = {-1, 0, 3};
    hel_ckks_cipher *outs[3] = {new_cipher(f), new_cipher(f), out};
    hel_status status = hel_ckks_rotate_many(f->ckks, outs, a, steps, 3);
    if (status == HEL_OK)
        status = hel_ckks_sub(f->ckks, out, out, outs[0]);
    if (status == HEL_OK)
        status = hel_ckks_add(f->ckks, out, out, outs[1]);
    hel_ckks_cipher_free(outs[0]);
    hel_ckks_cipher_free(outs[1]);
    return status;
}

static hel_status apply(const ref_ckks *f, op o, hel_ckks_cipher *out, const inputs *in)
{
    static const double poly[] = {0.25, -0.5, 0.125, 0.75};
    const uint32_t level = hel_ckks_cipher_level(in->a);
    hel_ckks *c = f->ckks;
    switch (o) {
    case OP_ADD:
        return hel_ckks_add(c, out, in->a, in->b);
    case OP_SUB:
        return hel_ckks_sub(c, out, in->a, in->b);
    case OP_NEGATE:
        return hel_ckks_negate(c, out, in->a);
    case OP_ADD_PLAIN:
        return hel_ckks_add_plain(c, out, in->a, in->p);
    case OP_SUB_PLAIN:
        return hel_ckks_sub_plain(c, out, in->a, in->p);
    case OP_MUL_PLAIN:
        return hel_ckks_mul_plain(c, out, in->a, in->p);
    case OP_ADD_CONST:
        return hel_ckks_add_const(c, out, in->a, 0.25, -0.5);
    case OP_MUL_INTEGER:
        return hel_ckks_mul_const(c, out, in->a, 3, -2);
    case OP_MUL_CONST:
        return hel_ckks_mul_const(c, out, in->a, 0.3, 0.7);
    case OP_MUL:
        return hel_ckks_mul(c, out, in->a, in->b);
    case OP_SQUARE:
        return hel_ckks_square(c, out, in->a);
    case OP_MUL_LAZY:
        return hel_ckks_mul_lazy(c, out, in->a, in->b);
    case OP_RELINEARIZE:
        HEL_TRY(hel_ckks_mul_lazy(c, out, in->a, in->b));
        return hel_ckks_relinearize(c, out, out);
    case OP_RESCALE:
        HEL_TRY(hel_ckks_mul(c, out, in->a, in->b));
        return hel_ckks_rescale(c, out, out);
    case OP_DROP:
        return hel_ckks_drop(c, out, in->a, level / 2);
    case OP_ALIGN:
        return hel_ckks_align(c, out, in->a, level - 1);
    case OP_ROTATE:
        return hel_ckks_rotate(c, out, in->a, 3);
    case OP_ROTATE_BACK:
        return hel_ckks_rotate(c, out, in->a, -1);
    case OP_ROTATE_MANY:
        return rotate_many(f, out, in->a);
    case OP_CONJUGATE:
        return hel_ckks_conjugate(c, out, in->a);
    case OP_COPY:
        return hel_ckks_copy(c, out, in->a);
    case OP_POLY:
        return hel_ckks_poly(c, out, in->a, HEL_CKKS_POWER, poly, level > 1 ? 3 : 1, 0, 0);
    case OP_CHAIN:
        return chain(f, out, in->a);
    case OP_SUM:
        return hel_ckks_sum(c, out, in->a, hel_ckks_cipher_slots(in->a));
    default:
        return hel_ckks_sum(c, out, in->a, 3);
    }
}

static void inputs_free(inputs *in)
{
    hel_ckks_cipher_free(in->a);
    hel_ckks_cipher_free(in->b);
    hel_ckks_plain_free(in->p);
}

static void matrix_product(const pair *t, const inputs *cpu, const inputs *dev, const vec *x)
{
    hel_ckks_cipher *p = new_cipher(&t->cpu), *q = new_cipher(&t->dev);
    vec want = vec_new(x->batch, MATRIX_SLOTS);
    for (uint32_t b = 0; b < x->batch; b++)
        for (uint32_t i = 0; i < MATRIX_SLOTS; i++)
            for (uint32_t j = 0; j < MATRIX_SLOTS; j++)
                want.v[b * MATRIX_SLOTS + i] += t->matrix[i * MATRIX_SLOTS + j] * vec_at(x, b, j);
    need(&t->cpu, hel_ckks_matrix_mul(t->cpu.ckks, p, t->cpu_matrix, cpu->a));
    need(&t->dev, hel_ckks_matrix_mul(t->dev.ckks, q, t->dev_matrix, dev->a));
    check_vec(&t->cpu, p, &want, "matrix_mul");
    check_vec(&t->dev, q, &want, "matrix_mul");
    hel_ckks_cipher_free(p);
    hel_ckks_cipher_free(q);
    free(want.v);
}

static void operations(const pair *t, ref_random *r, uint32_t batch, uint32_t slots, int sums)
{
    vec x = vec_random(r, batch, slots, 0), y = vec_random(r, batch > 1 ? 1 : batch, slots, 0);
    inputs dev = {encrypt_vec(&t->dev, &x, HEL_CKKS_TOP), encrypt_vec(&t->dev, &y, HEL_CKKS_TOP),
                  encode_vec(&t->dev, &y, HEL_CKKS_TOP, 0), t->dev_matrix};
    inputs cpu = {moved(&t->dev, &t->cpu, dev.a), moved(&t->dev, &t->cpu, dev.b),
                  moved_plain(&t->dev, &t->cpu, dev.p), t->cpu_matrix};
    hel_ckks_cipher *p = new_cipher(&t->cpu), *q = new_cipher(&t->dev);
    for (op o = 0; o < OP_COUNT; o++) {
        if ((o >= OP_SUM && !sums) || (o == OP_SUM_OF_3 && slots < 4))
            continue;
        need(&t->cpu, apply(&t->cpu, o, p, &cpu));
        need(&t->dev, apply(&t->dev, o, q, &dev));
        same_bytes(t, p, q, op_names[o]);
        if (o == OP_CHAIN || o == OP_MUL_LAZY || o == OP_ADD)
            same_values(t, p, q, op_names[o]);
    }
    same_bytes(t, cpu.a, dev.a, "an input");
    if (t->dev_matrix && slots == MATRIX_SLOTS)
        matrix_product(t, &cpu, &dev, &x);
    inputs_free(&cpu);
    inputs_free(&dev);
    hel_ckks_cipher_free(p);
    hel_ckks_cipher_free(q);
    free(x.v);
    free(y.v);
}

static void cycle(ref_random *r, uint32_t log_n, uint32_t depth, uint32_t scale_bits, uint32_t dnum,
                  const uint32_t *slots, size_t sizes, int rich)
{
    const hel_ckks_params params = ref_ckks_toy(log_n, depth, scale_bits, dnum);
    pair t;
    pair_start(&t, r, &params, rich, rich);
    for (size_t k = 0; k < sizes; k++) {
        const uint32_t batch = k == 1 ? 3 : 1;
        vec x = vec_random(r, batch, slots[k], 0);
        encryptions(&t, &x, k == 0 ? HEL_CKKS_TOP : depth / 2);
        if (rich)
            flooded(&t, &x);
        operations(&t, r, batch, slots[k], rich);
        free(x.v);
    }
    if (rich) {
        vec none = vec_new(0, 4);
        encryptions(&t, &none, HEL_CKKS_TOP);
        operations(&t, r, 0, 4, rich);
        free(none.v);
    }
    pair_end(&t);
}

Test(ckks_device, cycle, .timeout = 300)
{
    static const uint32_t slots[] = {512, MATRIX_SLOTS, 1};
    ref_random r = ref_random_start(1);
    cycle(&r, 10, 2, 40, 2, slots, 3, 1);
}

Test(ckks_device, every_dnum, .timeout = 300)
{
    static const uint32_t slots[] = {64};
    ref_random r = ref_random_start(2);
    const hel_ckks_params p = ref_ckks_toy(10, 2, 30, 1);
    for (uint32_t dnum = 1; dnum <= p.limbs[p.depth]; dnum++)
        cycle(&r, 10, 2, 30, dnum, slots, 1, 0);
}

Test(ckks_device, larger_rings, .timeout = 300)
{
    ref_random r = ref_random_start(3);
    for (uint32_t log_n = 11; log_n <= 13; log_n++) {
        const uint32_t slots[] = {1u << (log_n - 1), 1u << (log_n - 2)};
        cycle(&r, log_n, log_n == 12 ? 3 : 1, log_n == 12 ? 50 : 35, 3, slots, log_n < 13 ? 2 : 1,
              0);
    }
}

/* ---- devices that fail ---- */

/* Everything from the context to the decoded result; what was made is freed. */
static hel_status whole(ref_ckks *f, const hel_ckks_params *p, hel_device *device, const double *in,
                        double *out, uint32_t slots)
{
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    hel_ckks_plain *plain = NULL;
    hel_ckks_cipher *x = NULL;
    hel_status status;
    request.conjugate = 1;
    HEL_TRY_GOTO(open_device(f, p, device), end);
    HEL_TRY_GOTO(hel_ckks_secret_create(f->ckks, &f->secret), end);
    HEL_TRY_GOTO(hel_ckks_public_create(f->ckks, &f->public_key, f->secret), end);
    HEL_TRY_GOTO(hel_ckks_keys_create(f->ckks, &f->keys, f->secret, &request), end);
    HEL_TRY_GOTO(hel_ckks_use_keys(f->ckks, f->keys), end);
    HEL_TRY_GOTO(hel_ckks_plain_create(f->ckks, &plain), end);
    HEL_TRY_GOTO(hel_ckks_cipher_create(f->ckks, &x), end);
    HEL_TRY_GOTO(hel_ckks_encode(f->ckks, plain, in, NULL, slots, 1, HEL_CKKS_TOP, 0), end);
    HEL_TRY_GOTO(hel_ckks_encrypt(f->ckks, x, plain, f->public_key), end);
    HEL_TRY_GOTO(hel_ckks_encrypt_symmetric(f->ckks, x, plain, f->secret), end);
    HEL_TRY_GOTO(hel_ckks_square(f->ckks, x, x), end);
    HEL_TRY_GOTO(hel_ckks_rescale(f->ckks, x, x), end);
    HEL_TRY_GOTO(hel_ckks_conjugate(f->ckks, x, x), end);
    HEL_TRY_GOTO(hel_ckks_decrypt(f->ckks, plain, x, f->secret), end);
    status = hel_ckks_decode(f->ckks, plain, out, NULL);
end:
    hel_ckks_plain_free(plain);
    hel_ckks_cipher_free(x);
    return status;
}

/* A failing n-th call of the device: a named error, or the result. A failed wipe is the one call
 * that nobody hears of. */
Test(ckks_device, failing_calls, .timeout = 300)
{
    const hel_ckks_params p = ref_ckks_toy(10, 1, 30, 1);
    const double in[4] = {0.5, -0.25, 1, 0};
    const sim_options options = {SIM_IN_ORDER, 1};
    uint64_t errors = 0;
    int done = 0;
    for (uint64_t nth = 1; !done; nth += 1 + nth / 16) {
        hel_device *device = sim_device_create(&options, SIM_SHARED_HOPPER);
        double out[4] = {0};
        ref_ckks f = {0};
        sim_device_fail_nth(device, nth);
        const hel_status status = whole(&f, &p, device, in, out, 4);
        if (status == HEL_OK) {
            done = sim_device_calls(device) < nth;
            for (int i = 0; i < 4; i++)
                cr_assert(fabs(out[i] - in[i] * in[i]) < 0x1p-10, "call %zu", (size_t)nth);
        } else {
            errors++;
            cr_assert(status == HEL_E_MEMORY || status == HEL_E_UNSUPPORTED ||
                          status == HEL_E_INTERNAL,
                      "call %zu: %s", (size_t)nth, hel_status_name(status));
            cr_assert(strstr(hel_engine_error(f.engine), "device sim: "), "call %zu: %s",
                      (size_t)nth, hel_engine_error(f.engine));
        }
        ref_ckks_end(&f);
    }
    cr_assert(errors > 20, "%zu errors", (size_t)errors);
}

#define lost(f, call)                                                                              \
    do {                                                                                           \
        cr_assert_eq((call), HEL_E_UNSUPPORTED, #call);                                            \
        cr_assert(strstr(hel_engine_error((f)->engine), "device sim: "), "%s: %s", #call,          \
                  hel_engine_error((f)->engine));                                                  \
    } while (0)

/* Every operation says so when the device has gone away, and everything can still be freed. */
Test(ckks_device, lost_device, .timeout = 300)
{
    const hel_ckks_params params = ref_ckks_toy(10, 2, 40, 2);
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    ref_random r = ref_random_start(4);
    double re[MATRIX_SLOTS], im[MATRIX_SLOTS];
    hel_ckks_flooding flooding = HEL_CKKS_FLOODING_INIT;
    hel_ckks_public *public_key;
    hel_ckks_keys *keys;
    hel_ckks_plain *p;
    pair t;
    pair_start(&t, &r, &params, 1, 1);
    const ref_ckks *f = &t.dev;
    vec x = vec_random(&r, 1, MATRIX_SLOTS, 1);
    inputs in = {encrypt_vec(f, &x, HEL_CKKS_TOP), encrypt_vec(f, &x, HEL_CKKS_TOP),
                 encode_vec(f, &x, HEL_CKKS_TOP, 0), t.dev_matrix};
    hel_ckks_cipher *out = new_cipher(f);
    for (int i = 0; i < (int)MATRIX_SLOTS; i++)
        re[i] = im[i] = 0.5;
    need(f, hel_ckks_plain_create(f->ckks, &p));
    sim_device_lose(t.device);
    for (op o = 0; o < OP_COUNT; o++) {
        lost(f, apply(f, o, out, &in));
        cr_assert_eq(hel_ckks_cipher_size(out), 0, "%s leaves a message", op_names[o]);
    }
    lost(f, hel_ckks_matrix_mul(f->ckks, out, t.dev_matrix, in.a));
    lost(f, hel_ckks_encode(f->ckks, p, re, im, MATRIX_SLOTS, 1, HEL_CKKS_TOP, 0));
    lost(f, hel_ckks_encrypt(f->ckks, out, in.p, f->public_key));
    lost(f, hel_ckks_encrypt_symmetric(f->ckks, out, in.p, f->secret));
    lost(f, hel_ckks_decrypt(f->ckks, p, in.a, f->secret));
    lost(f, hel_ckks_decrypt_flooded(f->ckks, p, in.a, f->secret, &flooding));
    lost(f, hel_ckks_decode(f->ckks, in.p, re, im));
    lost(f, hel_ckks_public_create(f->ckks, &public_key, f->secret));
    lost(f, hel_ckks_keys_create(f->ckks, &keys, f->secret, &request));
    hel_ckks_plain_free(p);
    inputs_free(&in);
    hel_ckks_cipher_free(out);
    free(x.v);
    pair_end(&t);
}
