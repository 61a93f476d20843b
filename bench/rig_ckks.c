/* The CKKS evaluator on the backend, by the wall clock: what reaches a caller, with everything that
 * the host does around the device. Bytes are those of results and operands, a word a residue, and 8
 * a number on the host's side. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/rig.h"
#include "host/ckks/evaluator.h"

typedef struct ckks_rig {
    rig *b;
    hel_ckks *ckks;
    hel_ckks_secret *secret;
    hel_ckks_public *public_key;
    hel_ckks_keys *keys;
    hel_ckks_plain *plain, *opened;
    hel_ckks_cipher *x, *y, *out;
    double *values;
    uint32_t slots, batch;
} ckks_rig;

static hel_status encode(ckks_rig *e)
{
    return hel_ckks_encode(e->ckks, e->plain, e->values, NULL, e->slots, e->batch, HEL_CKKS_TOP, 0);
}

static hel_status decode(ckks_rig *e)
{
    return hel_ckks_decode(e->ckks, e->plain, e->values, NULL);
}

static hel_status encrypt(ckks_rig *e)
{
    return hel_ckks_encrypt(e->ckks, e->y, e->plain, e->public_key);
}

static hel_status encrypt_symmetric(ckks_rig *e)
{
    return hel_ckks_encrypt_symmetric(e->ckks, e->y, e->plain, e->secret);
}

static hel_status decrypt(ckks_rig *e)
{
    return hel_ckks_decrypt(e->ckks, e->opened, e->x, e->secret);
}

static hel_status mul(ckks_rig *e)
{
    return hel_ckks_mul(e->ckks, e->out, e->x, e->x);
}

static hel_status rotate(ckks_rig *e)
{
    return hel_ckks_rotate(e->ckks, e->out, e->x, 1);
}

typedef struct ckks_round {
    ckks_rig *e;
    hel_status (*fn)(ckks_rig *e);
} ckks_round;

static void run_round(void *p, size_t iterations)
{
    const ckks_round *r = p;
    hel_stream *s = r->e->ckks->stream;
    for (size_t i = 0; i < iterations; i++)
        rig_must(r->e->b, r->fn(r->e));
    rig_must(r->e->b, s->ops->sync(s));
}

static void start(ckks_rig *e, const hel_ckks_params *p)
{
    rig *b = e->b;
    static const int32_t step = 1;
    hel_ckks_keys_request request = HEL_CKKS_KEYS_REQUEST_INIT;
    request.rotations = &step;
    request.rotation_count = 1;
    rig_must(b, hel_ckks_create(b->engine, &e->ckks, p)); /* on the engine's backend */
    rig_must(b, hel_ckks_secret_create(e->ckks, &e->secret));
    rig_must(b, hel_ckks_public_create(e->ckks, &e->public_key, e->secret));
    rig_must(b, hel_ckks_keys_create(e->ckks, &e->keys, e->secret, &request));
    rig_must(b, hel_ckks_use_keys(e->ckks, e->keys));
    rig_must(b, hel_ckks_plain_create(e->ckks, &e->plain));
    rig_must(b, hel_ckks_plain_create(e->ckks, &e->opened));
    rig_must(b, hel_ckks_cipher_create(e->ckks, &e->x));
    rig_must(b, hel_ckks_cipher_create(e->ckks, &e->y));
    rig_must(b, hel_ckks_cipher_create(e->ckks, &e->out));
    e->slots = hel_ckks_slots(e->ckks);
}

static void finish(ckks_rig *e)
{
    hel_ckks_cipher_free(e->x);
    hel_ckks_cipher_free(e->y);
    hel_ckks_cipher_free(e->out);
    hel_ckks_plain_free(e->plain);
    hel_ckks_plain_free(e->opened);
    hel_ckks_keys_free(e->keys);
    hel_ckks_public_free(e->public_key);
    hel_ckks_secret_free(e->secret);
    hel_ckks_free(e->ckks);
}

static void run_set(rig *b, const char *set, uint32_t batch)
{
    hel_ckks_params p;
    ckks_rig e = {.b = b, .batch = batch};
    rig_must(b, hel_ckks_params_named(b->engine, set, &p));
    const double n = (double)(1u << p.log_n), l = p.limbs[p.depth], k = p.special_limbs;
    const double key = 2 * ceil(l / p.digit_limbs) * (l + k) / batch;
    const struct {
        const char *name;
        hel_status (*fn)(ckks_rig *e);
        double rows, numbers;
    } ops[] = {{"encode", encode, l, n / 2},
               {"decode", decode, l, n / 2},
               {"encrypt", encrypt, 3 * l + 2 * l / batch, 0},
               {"encrypt_symmetric", encrypt_symmetric, 3 * l + l / batch, 0},
               {"decrypt", decrypt, 3 * l + l / batch, 0},
               {"mul", mul, 6 * l + key, 0},
               {"rotate", rotate, 4 * l + key, 0}};
    start(&e, &p);
    e.values = malloc(e.slots * batch * sizeof *e.values);
    if (!e.values)
        exit(71);
    for (size_t i = 0; i < (size_t)e.slots * batch; i++)
        e.values[i] = (double)(i % 1000) / 1000;
    rig_must(b, encode(&e));
    rig_must(b, hel_ckks_encrypt(e.ckks, e.x, e.plain, e.public_key));
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        const double bytes = 4 * n * ops[i].rows + 8 * ops[i].numbers;
        const roofline_work work = {bytes, 0, 0, 0, 0};
        ckks_round round = {&e, ops[i].fn};
        char name[80];
        snprintf(name, sizeof name, "ckks_%s/%s/batch:%u", ops[i].name, set, batch);
        const bench_result r = bench_run(name, run_round, &round, (bench_rate){.items = batch});
        if (r.best_ns > 0)
            roofline_report(&b->roofline, &work, r.best_ns / batch, 0);
    }
    free(e.values);
    finish(&e);
}

void rig_ckks(rig *b)
{
    static const char *const sets[] = {"cmp13", "cmp14", "cmp16"};
    if (b->options.smoke) {
        run_set(b, "n12", 1);
        return;
    }
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (bench_wanted_preset(sets[i]) && (b->device || i < 2)) {
            run_set(b, sets[i], 1);
            run_set(b, sets[i], b->device ? 32 : 4);
        }
}
