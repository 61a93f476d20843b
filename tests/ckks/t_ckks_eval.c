/*
 * Every operation of evaluation against plain complex numbers: all levels, digits, slot counts and
 * batches of small rings, one secure set; in place, with broadcasts, and equal bits from every
 * twin and number of threads.
 */
#include "host/base/mem.h"
#include "tests/ckks/eval_test.h"

enum operation {
    ADD,
    SUB,
    NEGATE,
    ADD_PLAIN,
    SUB_PLAIN,
    MUL_PLAIN,
    ADD_REAL,
    ADD_COMPLEX,
    MUL_INTEGER,
    MUL_GAUSSIAN,
    MUL_REAL,
    MUL_COMPLEX,
    MUL,
    SQUARE,
    MUL_LAZY,
    RESCALED,
    DROPPED,
    ALIGNED,
    ROTATE,
    CONJUGATE,
    SUM,
    COPY,
    OPERATIONS
};

static const char *const names[OPERATIONS] = {
    "add",      "sub",         "negate",      "add_plain",    "sub_plain", "mul_plain",
    "add_real", "add_complex", "mul_integer", "mul_gaussian", "mul_real",  "mul_complex",
    "mul",      "square",      "mul_lazy",    "rescaled",     "dropped",   "aligned",
    "rotate",   "conjugate",   "sum",         "copy",
};

/* That need a level */
static int is_product(int op)
{
    return op == MUL_PLAIN || op == MUL_REAL || op == MUL_COMPLEX || op == MUL || op == SQUARE ||
           op == MUL_LAZY;
}

static int takes_b(int op)
{
    return op == ADD || op == SUB || op == MUL || op == MUL_LAZY;
}

static int takes_plain(int op)
{
    return op == ADD_PLAIN || op == SUB_PLAIN || op == MUL_PLAIN;
}

static hel_status apply(int op, hel_ckks *c, hel_ckks_cipher *out, const hel_ckks_cipher *a,
                        const hel_ckks_cipher *b, const hel_ckks_plain *p)
{
    const uint32_t level = hel_ckks_cipher_level(a);
    switch (op) {
    case ADD:
        return hel_ckks_add(c, out, a, b);
    case SUB:
        return hel_ckks_sub(c, out, a, b);
    case NEGATE:
        return hel_ckks_negate(c, out, a);
    case ADD_PLAIN:
        return hel_ckks_add_plain(c, out, a, p);
    case SUB_PLAIN:
        return hel_ckks_sub_plain(c, out, a, p);
    case MUL_PLAIN:
        return hel_ckks_mul_plain(c, out, a, p);
    case ADD_REAL:
        return hel_ckks_add_const(c, out, a, -0.625, 0);
    case ADD_COMPLEX:
        return hel_ckks_add_const(c, out, a, 1.25, -2.1);
    case MUL_INTEGER:
        return hel_ckks_mul_const(c, out, a, -7, 0);
    case MUL_GAUSSIAN:
        return hel_ckks_mul_const(c, out, a, 3, -2);
    case MUL_REAL:
        return hel_ckks_mul_const(c, out, a, 0.3, 0);
    case MUL_COMPLEX:
        return hel_ckks_mul_const(c, out, a, -0.7, 1.3);
    case MUL:
        return hel_ckks_mul(c, out, a, b);
    case SQUARE:
        return hel_ckks_square(c, out, a);
    case MUL_LAZY:
        return hel_ckks_mul_lazy(c, out, a, b);
    case RESCALED:
        return hel_ckks_rescale(c, out, a);
    case DROPPED:
        return hel_ckks_drop(c, out, a, level ? level - 1 : 0);
    case ALIGNED:
        return hel_ckks_align(c, out, a, level ? level - 1 : 0);
    case ROTATE:
        return hel_ckks_rotate(c, out, a, 3);
    case CONJUGATE:
        return hel_ckks_conjugate(c, out, a);
    case SUM:
        return hel_ckks_sum(c, out, a, hel_ckks_cipher_slots(a) < 3 ? 1 : 3);
    default:
        return hel_ckks_copy(c, out, a);
    }
}

static number result(int op, const vec *a, const vec *b, const vec *p, uint32_t item, uint32_t j)
{
    const number x = vec_at(a, item, j), y = vec_at(b, item, j), m = vec_at(p, item, j);
    switch (op) {
    case ADD:
        return x + y;
    case SUB:
        return x - y;
    case NEGATE:
        return -x;
    case ADD_PLAIN:
        return x + m;
    case SUB_PLAIN:
        return x - m;
    case MUL_PLAIN:
        return x * m;
    case ADD_REAL:
        return x - 0.625L;
    case ADD_COMPLEX:
        return x + (number)1.25 - (number)2.1 * I;
    case MUL_INTEGER:
        return -7 * x;
    case MUL_GAUSSIAN:
        return x * (3 - 2 * (number)I);
    case MUL_REAL:
        return x * (number)0.3;
    case MUL_COMPLEX:
        return x * ((number)-0.7 + (number)1.3 * I);
    case MUL:
    case MUL_LAZY:
        return x * y;
    case SQUARE:
        return x * x;
    case ROTATE:
        return vec_at(a, item, j + 3);
    case CONJUGATE:
        return conjl(x);
    case SUM:
        return a->slots < 3 ? x : x + vec_at(a, item, j + 1) + vec_at(a, item, j + 2);
    default:
        return x;
    }
}

static uint32_t common(uint32_t a, uint32_t b)
{
    return a == 1 ? b : a;
}

/* What an operation of the lattice works on. */
typedef struct operands {
    vec a, b, p;
    hel_ckks_cipher *xa, *xb, *out, *again;
    hel_ckks_plain *xp;
} operands;

static operands make_operands(const ref_ckks *f, ref_random *r, uint32_t level, uint32_t slots,
                              uint32_t batch_a, uint32_t batch_b, int real)
{
    operands o = {vec_random(r, batch_a, slots, real),
                  vec_random(r, batch_b, slots, real),
                  vec_random(r, batch_b, slots, real),
                  NULL,
                  NULL,
                  NULL,
                  NULL,
                  NULL};
    o.xa = encrypt_vec(f, &o.a, level);
    o.xb = encrypt_vec(f, &o.b, level);
    o.xp = encode_vec(f, &o.p, level, 0);
    o.out = new_cipher(f);
    o.again = new_cipher(f);
    return o;
}

static void free_operands(operands *o)
{
    hel_ckks_cipher_free(o->xa);
    hel_ckks_cipher_free(o->xb);
    hel_ckks_cipher_free(o->out);
    hel_ckks_cipher_free(o->again);
    hel_ckks_plain_free(o->xp);
    free(o->a.v);
    free(o->b.v);
    free(o->p.v);
}

/* The operation once more over each of its inputs: the same bits. */
static void check_in_place(const ref_ckks *f, const operands *o, int op)
{
    hel_ckks *c = f->ckks;
    need(f, hel_ckks_copy(c, o->again, o->xa));
    need(f, apply(op, c, o->again, o->again, o->xb, o->xp));
    cr_assert(same_cipher(o->again, o->out), "%s over its first input", names[op]);
    if (!takes_b(op))
        return;
    need(f, hel_ckks_copy(c, o->again, o->xb));
    need(f, apply(op, c, o->again, o->xa, o->again, o->xp));
    cr_assert(same_cipher(o->again, o->out), "%s over its second input", names[op]);
}

static void check_operation(const ref_ckks *f, const operands *o, int op)
{
    const uint32_t level = hel_ckks_cipher_level(o->xa), slots = o->a.slots;
    const hel_status status = apply(op, f->ckks, o->out, o->xa, o->xb, o->xp);
    if (level == 0 && (is_product(op) || op == RESCALED)) {
        cr_assert_eq(status, HEL_E_USAGE, "%s at level 0", names[op]);
        cr_assert(strstr(hel_engine_error(f->engine), "level 0"));
        cr_assert_eq(hel_ckks_cipher_size(o->out), 0);
        return;
    }
    if (op == RESCALED) { /* of something that is no product: nearly nothing of the scale is left */
        cr_assert(status == HEL_OK || status == HEL_E_USAGE);
        return;
    }
    cr_assert_eq(status, HEL_OK, "%s at level %u: %s", names[op], level,
                 hel_engine_error(f->engine));
    const int two = takes_b(op) || takes_plain(op);
    vec want = vec_new(two ? common(o->a.batch, o->b.batch) : o->a.batch, slots);
    for (uint32_t i = 0; i < want.batch; i++)
        for (uint32_t j = 0; j < slots; j++)
            want.v[(size_t)i * slots + j] = result(op, &o->a, &o->b, &o->p, i, j);
    check_vec(f, o->out, &want, names[op]);
    cr_assert_eq(hel_ckks_cipher_size(o->out), op == MUL_LAZY ? 3 : 2);
    cr_assert_eq(hel_ckks_cipher_level(o->out),
                 level && (op == DROPPED || op == ALIGNED) ? level - 1 : level);
    check_in_place(f, o, op);
    free(want.v);
}

/* Products and their sums, relinearized and rescaled by hand or when they are used. */
static void check_followed(const ref_ckks *f, const operands *o)
{
    hel_ckks *c = f->ckks;
    const uint32_t slots = o->a.slots, level = hel_ckks_cipher_level(o->xa);
    vec want = vec_new(common(o->a.batch, o->b.batch), slots);
    if (level == 0 || o->a.batch != o->b.batch) {
        free(want.v);
        return;
    }
    for (size_t i = 0; i < (size_t)want.batch * slots; i++)
        want.v[i] = o->a.v[i] * o->b.v[i] + o->a.v[i];
    need(f, hel_ckks_mul_lazy(c, o->out, o->xa, o->xb));
    need(f, hel_ckks_add(c, o->out, o->out, o->xa));
    check_vec(f, o->out, &want, "three polynomials and two");
    vec less = vec_new(want.batch, slots);
    for (size_t i = 0; i < (size_t)want.batch * slots; i++)
        less.v[i] = o->a.v[i] - o->a.v[i] * o->b.v[i];
    need(f, hel_ckks_mul_lazy(c, o->again, o->xa, o->xb));
    need(f, hel_ckks_sub(c, o->again, o->xa, o->again));
    check_vec(f, o->again, &less, "two polynomials less three");
    cr_assert_eq(hel_ckks_cipher_size(o->again), 3);
    free(less.v);
    need(f, hel_ckks_copy(c, o->again, o->out));
    need(f, hel_ckks_relinearize(c, o->out, o->out));
    check_vec(f, o->out, &want, "relinearized in place");
    need(f, hel_ckks_relinearize(c, o->again, o->again));
    cr_assert(same_cipher(o->out, o->again));
    need(f, hel_ckks_rescale(c, o->again, o->out));
    need(f, hel_ckks_rescale(c, o->out, o->out));
    cr_assert(same_cipher(o->out, o->again));
    cr_assert_eq(hel_ckks_cipher_level(o->out), level - 1);
    check_vec(f, o->out, &want, "rescaled");
    for (size_t i = 0; i < (size_t)want.batch * slots; i++)
        want.v[i] = o->b.v[i] - want.v[i];
    need(f, hel_ckks_sub(c, o->out, o->xb, o->out));
    check_vec(f, o->out, &want, "from a lower level");
    free(want.v);
}

static void run_lattice(const hel_ckks_params *p, uint32_t most_slots, int all)
{
    static const uint32_t batches[][2] = {{1, 1}, {3, 3}, {3, 1}, {1, 3}, {0, 0}, {0, 1}};
    ref_random r = ref_random_start(p->digit_limbs);
    ref_ckks f;
    ref_ckks_setup(&f, p, HEL_SIMD_AUTO, 2);
    const uint32_t slot_counts[] = {most_slots, 1, 2};
    for (uint32_t level = p->depth + 1; level-- > 0;)
        for (uint32_t s = 0; s < 3; s++)
            for (uint32_t b = 0; b < (all ? 6 : 2); b++) {
                operands o = make_operands(&f, &r, level, slot_counts[s], batches[b][0],
                                           batches[b][1], (level + s + b) % 2);
                for (int op = 0; op < OPERATIONS; op++)
                    check_operation(&f, &o, op);
                check_followed(&f, &o);
                free_operands(&o);
            }
    ref_ckks_end(&f);
}

Test(ckks_eval, digits_1)
{
    hel_ckks_params p = ref_ckks_toy(10, 3, 40, 1);
    run_lattice(&p, 512, 1);
}

Test(ckks_eval, digits_3)
{
    hel_ckks_params p = ref_ckks_toy(10, 3, 30, 3);
    run_lattice(&p, 512, 1);
}

Test(ckks_eval, a_digit_per_prime)
{
    hel_ckks_params p = ref_ckks_toy(10, 2, 45, 64);
    run_lattice(&p, 512, 1);
}

Test(ckks_eval, small_scale)
{
    hel_ckks_params p = ref_ckks_toy(10, 2, 25, 2);
    run_lattice(&p, 512, 1);
}

/* Levels with multipliers */
Test(ckks_eval, uneven_levels)
{
    hel_ckks_params p = ref_ckks_toy(10, 3, 34, 3);
    run_lattice(&p, 512, 1);
}

Test(ckks_eval, large_scale)
{
    hel_ckks_params p = ref_ckks_toy(10, 2, 55, 2);
    run_lattice(&p, 512, 1);
}

Test(ckks_eval, secure_set, .timeout = 300)
{
    hel_ckks_params p;
    hel_engine *engine;
    cr_assert_eq(hel_engine_create(&engine, NULL), HEL_OK);
    cr_assert_eq(hel_ckks_params_named(engine, "n13", &p), HEL_OK, "%s", hel_engine_error(engine));
    hel_engine_free(engine);
    run_lattice(&p, 4096, 0);
}

/* ---- equal bits ---- */

/* Residues of every operation from fixed inputs: loaded from bytes, so that contexts agree. */
typedef struct fixed {
    hel_ckks_params params;
    hel_buf a, b, keys;
    uint8_t seed[HEL_SEED_BYTES], key_id[16];
} fixed;

static uint64_t digest_of_all(const fixed *x, hel_simd simd, uint32_t threads)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    ref_ckks f = {0};
    uint64_t h = 0xcbf29ce484222325u;
    config.simd = simd;
    config.threads = threads;
    cr_assert_eq(hel_engine_create(&f.engine, &config), HEL_OK);
    need(&f, hel_ckks_create(f.engine, &f.ckks, &x->params));
    need(&f,
         hel_ckks_keys_decode(f.ckks, x->keys.data, x->keys.bytes, x->seed, x->key_id, &f.keys));
    need(&f, hel_ckks_use_keys(f.ckks, f.keys));
    hel_ckks_cipher *a = new_cipher(&f), *b = new_cipher(&f), *out = new_cipher(&f);
    need(&f, hel_ckks_cipher_decode(f.ckks, x->a.data, x->a.bytes, a));
    need(&f, hel_ckks_cipher_decode(f.ckks, x->b.data, x->b.bytes, b));
    for (int op = 0; op < OPERATIONS; op++) {
        if (takes_plain(op) || op == RESCALED)
            continue;
        need(&f, apply(op, f.ckks, out, a, b, NULL));
        h = hash_cipher(out, h);
    }
    for (int i = 0; i < 3; i++) { /* b times a a .. with alignments between levels */
        need(&f, hel_ckks_mul(f.ckks, a, a, a));
        need(&f, hel_ckks_mul(f.ckks, b, a, b));
        need(&f, hel_ckks_add(f.ckks, out, a, b));
        h = hash_cipher(out, hash_cipher(b, h));
    }
    hel_ckks_cipher_free(a);
    hel_ckks_cipher_free(b);
    hel_ckks_cipher_free(out);
    hel_ckks_keys_free(f.keys);
    hel_ckks_free(f.ckks);
    hel_engine_free(f.engine);
    return h;
}

Test(ckks_eval, twins_and_threads_give_equal_bits)
{
    ref_random r = ref_random_start(3);
    ref_ckks f;
    fixed x = {.params = ref_ckks_toy(10, 4, 40, 3)};
    ref_ckks_setup(&f, &x.params, HEL_SIMD_AUTO, 1);
    operands o = make_operands(&f, &r, HEL_CKKS_TOP, 512, 3, 3, 0);
    need(&f, hel_ckks_cipher_encode(f.ckks, o.xa, &x.a));
    need(&f, hel_ckks_cipher_encode(f.ckks, o.xb, &x.b));
    need(&f, hel_ckks_keys_encode(f.ckks, f.keys, &x.keys));
    memcpy(x.seed, f.keys->seed, sizeof x.seed);
    memcpy(x.key_id, f.keys->key_id, sizeof x.key_id);
    const uint64_t want = digest_of_all(&x, HEL_SIMD_PORTABLE, 1);
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++)
        for (uint32_t threads = 1; threads <= 2; threads++)
            cr_assert_eq(digest_of_all(&x, ref_twin(i), threads), want, "twin %u, %u threads", i,
                         threads);
    free_operands(&o);
    hel_buf_free(&x.a);
    hel_buf_free(&x.b);
    hel_buf_free(&x.keys);
    ref_ckks_end(&f);
}

/* ---- memory ---- */

Test(ckks_eval, a_steady_loop_allocates_nothing)
{
    ref_random r = ref_random_start(4);
    hel_ckks_params p = ref_ckks_toy(10, 3, 40, 3);
    ref_ckks f;
    uint64_t before = 0;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    operands o = make_operands(&f, &r, HEL_CKKS_TOP, 512, 2, 2, 0);
    for (int round = 0; round < 6; round++) {
        for (int op = 0; op < OPERATIONS; op++)
            if (op != RESCALED) {
                need(&f, apply(op, f.ckks, o.out, o.xa, o.xb, o.xp));
                need(&f, hel_ckks_copy(f.ckks, o.again, o.xa));
                need(&f, apply(op, f.ckks, o.again, o.again, o.xb, o.xp));
            }
        if (round == 2)
            before = hel_mem_in_use();
        else if (round > 2)
            cr_assert_eq(hel_mem_in_use(), before);
    }
    free_operands(&o);
    ref_ckks_end(&f);
}

/* The n-th allocation fails, for every n: an error, no message, nothing lost. */
Test(ckks_eval, failing_allocations)
{
    ref_random r = ref_random_start(5);
    hel_ckks_params p = ref_ckks_toy(10, 2, 40, 2);
    ref_ckks f;
    ref_ckks_setup(&f, &p, HEL_SIMD_AUTO, 1);
    operands o = make_operands(&f, &r, HEL_CKKS_TOP, 512, 2, 1, 0);
    for (int op = 0; op < OPERATIONS; op++) {
        hel_status status = HEL_E_MEMORY;
        for (uint64_t nth = 1; op != RESCALED && status == HEL_E_MEMORY; nth++) {
            hel_ckks_cipher *fresh = new_cipher(&f);
            hel_ckks *clone;
            need(&f, hel_ckks_clone(f.engine, &clone, f.ckks)); /* an empty arena */
            hel_mem_fail_nth(nth);
            status = apply(op, clone, fresh, o.xa, o.xb, o.xp);
            hel_mem_fail_nth(0);
            cr_assert(status == HEL_OK || status == HEL_E_MEMORY, "%s", names[op]);
            cr_assert_eq(hel_ckks_cipher_size(fresh) != 0, status == HEL_OK);
            hel_ckks_free(clone);
            hel_ckks_cipher_free(fresh);
        }
        cr_assert(status == HEL_OK || op == RESCALED);
    }
    free_operands(&o);
    ref_ckks_end(&f);
    cr_assert_eq(hel_mem_in_use(), 0);
}
