/*
 * The device instance's memory and recordings, and what becomes of it all when the device fails:
 * blocks that serve again, in the order of the work on them; memory that runs out; recordings that
 * are replayed on other contents; every call failed once; a lost device; a corrupted word.
 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/backend/device_launch.h"
#include "tests/ref/ref_ring.h"
#include "tests/sim/sim_device.h"

#define LIMBS   3u /* of Q; two special primes, digits of two limbs */
#define SPECIAL 2u
#define DIGITS  2u

typedef struct world {
    hel_engine *engine;
    hel_ring *ring;
    hel_device *d;
    hel_backend *b;
    const hel_backend_ops *ops;
    hel_stream *s, *t;
    hel_basis *p;
    size_t n;
} world;

#define OK(w, call) cr_assert_eq((call), HEL_OK, "%s: %s", #call, hel_engine_error((w)->engine))

static hel_basis_shape shape_of(const world *w)
{
    return (hel_basis_shape){
        .ring = w->ring, .q_count = LIMBS, .p_count = SPECIAL, .digit_limbs = 2, .drop_max = 1};
}

static void start(world *w, uint64_t seed)
{
    const sim_options options = {SIM_RANDOM, seed};
    memset(w, 0, sizeof *w);
    w->ring = ref_ring(&w->engine, HEL_SIMD_PORTABLE, 10, LIMBS + SPECIAL);
    w->n = w->ring->n;
    w->d = sim_device_create(&options, SIM_SHARED_HOPPER);
    OK(w, hel_backend_device_create(w->engine, &w->b, w->d));
    w->ops = w->b->ops;
    OK(w, w->ops->stream_create(w->b, w->engine, &w->s));
    OK(w, w->ops->stream_create(w->b, w->engine, &w->t));
    const hel_basis_shape shape = shape_of(w);
    OK(w, w->ops->basis_create(w->b, w->engine, &w->p, &shape));
}

static void finish(world *w)
{
    w->ops->basis_free(w->b, w->p);
    w->ops->stream_free(w->s);
    w->ops->stream_free(w->t);
    hel_backend_free(w->b); /* ends the program when anything is left */
    ref_ring_end(w->engine, w->ring);
}

static uint64_t in_use(const world *w, uint64_t *most)
{
    uint64_t now, highest;
    OK(w, w->ops->uses(w->s, &now, &highest));
    if (most)
        *most = highest;
    return now;
}

static uint32_t *need(world *w, hel_stream *s, size_t words)
{
    uint32_t *p;
    OK(w, w->ops->alloc(s, &p, words * sizeof *p));
    return p;
}

/* ---- blocks ---- */

Test(device_memory, a_stream_takes_its_own_blocks_again)
{
    world w;
    uint64_t most;
    start(&w, 1);
    const uint64_t before = sim_device_allocations(w.d);
    uint32_t *first = need(&w, w.s, 1 << 14);
    w.ops->release(w.s, first);
    cr_assert_eq(in_use(&w, &most), 0);
    cr_assert_eq(most, 1 << 16);
    const uint64_t calls = sim_device_calls(w.d);
    uint32_t *again = need(&w, w.s, 1 << 13); /* half of it is enough for that */
    cr_assert_eq(again, first);
    cr_assert_eq(in_use(&w, NULL), 1 << 16);
    uint32_t *small =
        need(&w, w.s, 1000); /* a block of its own: a large one is kept for the large */
    w.ops->release(w.s, again);
    uint32_t *other = need(&w, w.s, 1000);
    cr_assert(other != first && other != small);
    cr_assert_eq(sim_device_calls(w.d), calls + 2);

    /* the other stream's turn comes when the first has been waited for */
    uint32_t *theirs = need(&w, w.t, 1 << 14);
    cr_assert_neq(theirs, first);
    w.ops->release(w.t, theirs);
    OK(&w, w.ops->sync(w.s));
    uint32_t *two[2] = {need(&w, w.t, 1 << 14), need(&w, w.t, 1 << 14)};
    cr_assert(two[0] == theirs && two[1] == first);
    w.ops->release(w.t, two[0]);
    w.ops->release(w.t, two[1]);
    w.ops->release(w.s, small);
    w.ops->release(w.s, other);
    w.ops->release(w.s, NULL);
    w.ops->release(w.s, &w); /* not ours: left alone */
    w.ops->release(w.s, other);
    cr_assert_eq(in_use(&w, &most), 0);
    cr_assert_eq(most, (3 << 16) + 2 * 4096 - (1 << 16)); /* two large and two small at once */
    cr_assert_eq(sim_device_allocations(w.d), before + 4);
    finish(&w);
}

/* What one stream still reads, another gets only when it is done, however it was released. */
Test(device_memory, blocks_change_hands_in_the_order_of_work)
{
    for (uint64_t seed = 0; seed < 20; seed++)
        for (int shared = 0; shared < 2; shared++) {
            world w;
            start(&w, seed);
            const size_t words = LIMBS * w.n;
            uint32_t *x = need(&w, shared ? w.t : w.s, words), *y = need(&w, w.s, words);
            uint32_t *host = ref_words(words), *back = ref_words(words);
            const hel_view vx = {x, 1, LIMBS, LIMBS, words}, vy = {y, 1, LIMBS, LIMBS, words};
            w.t->shared = shared;
            for (size_t i = 0; i < words; i++)
                host[i] = (uint32_t)i % 1000;
            OK(&w, w.ops->upload(w.s, x, host, words * sizeof *x));
            OK(&w, w.ops->add(w.s, w.p, vy, vx, vx)); /* reads x, late */
            w.ops->release(w.t, x);
            for (int i = 0; i < 4; i++) { /* whoever gets it writes over it */
                uint32_t *z = need(&w, w.t, words);
                OK(&w, w.ops->upload(w.t, z, back, words * sizeof *z));
                OK(&w, w.ops->sync(w.t));
            }
            OK(&w, w.ops->download(w.s, back, y, words * sizeof *y));
            for (size_t i = 0; i < words; i++)
                cr_assert_eq(back[i], 2 * host[i], "seed %zu word %zu", (size_t)seed, i);
            free(host);
            free(back);
            finish(&w);
        }
}

/* Releases for all streams wait together: not one call of the device each. */
Test(device_memory, shared_releases_are_settled_together)
{
    world w;
    start(&w, 3);
    w.t->shared = 1;
    uint32_t *list[64];
    const uint64_t before = sim_device_allocations(w.d);
    uint64_t calls = 0;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 64; i++)
            list[i] = need(&w, w.t, 1 << 18); /* 1 MiB */
        if (round == 1)
            calls = sim_device_calls(w.d);
        for (int i = 0; i < 64; i++)
            w.ops->release(w.t, list[i]);
    }
    cr_assert(sim_device_allocations(w.d) <= before + 64, "%zu blocks",
              (size_t)(sim_device_allocations(w.d) - before));
    cr_assert(sim_device_calls(w.d) - calls <= 8, "%zu calls",
              (size_t)(sim_device_calls(w.d) - calls));
    finish(&w);
}

Test(device_memory, many_blocks_of_every_size)
{
    enum { MANY = 1500 };
    static uint32_t *list[MANY];
    static size_t size[MANY];
    ref_random r = ref_random_start(7);
    world w;
    start(&w, 4);
    for (size_t step = 0; step < ref_scaled(20000); step++) {
        const uint32_t i = ref_random_below(&r, MANY);
        hel_stream *s = ref_random_below(&r, 2) ? w.s : w.t;
        if (!list[i]) {
            size[i] = 1 + ref_random_below(&r, 1u << ref_random_below(&r, 16));
            list[i] = need(&w, s, size[i]);
            list[i][0] = i; /* nothing is queued that uses it */
            list[i][size[i] - 1] = i;
        } else {
            cr_assert(list[i][0] == i || size[i] == 1);
            cr_assert_eq(list[i][size[i] - 1], i);
            w.ops->release(s, list[i]);
            list[i] = NULL;
        }
    }
    for (uint32_t i = 0; i < MANY; i++)
        w.ops->release(w.s, list[i]);
    cr_assert_eq(in_use(&w, NULL), 0);
    finish(&w);
}

/* ---- too little memory ---- */

Test(device_memory, unused_blocks_are_given_back_when_it_runs_out)
{
    world w;
    uint64_t now, all, most;
    start(&w, 5);
    OK(&w, hel_device_fail(w.engine, w.d, w.d->ops->memory(w.d, &now, &all), "memory"));
    sim_device_set_memory(w.d, all - now + ((uint64_t)8 << 20));
    uint32_t *a = need(&w, w.s, 1 << 20), *b = need(&w, w.t, 1 << 19); /* 4 and 2 MiB of 8 */
    w.ops->release(w.s, a);
    w.ops->release(w.t, b);
    a = need(&w, w.s, (7 << 18) - 1); /* 7 MiB: only once both are gone */
    uint32_t *c = (uint32_t *)(uintptr_t)1;
    cr_assert_eq(w.ops->alloc(w.s, &c, (size_t)2 << 20), HEL_E_MEMORY);
    cr_assert_null(c);
    const char *text = hel_engine_error(w.engine);
    cr_assert(strstr(text, "2.0 MiB are needed") && strstr(text, "1.0 of its") &&
                  strstr(text, "heloci holds 7.0 MiB"),
              "%s", text);
    cr_assert_eq(in_use(&w, &most), 7 << 20);
    cr_assert_eq(most, 7 << 20);
    hel_error_clear(w.engine);
    cr_assert_eq(w.ops->alloc(w.s, &c, SIZE_MAX - 100), HEL_E_MEMORY);
    cr_assert_eq(w.ops->alloc(w.s, &c, SIZE_MAX / 3), HEL_E_MEMORY);
    w.ops->release(w.s, a);
    finish(&w);
}

/* ---- recordings ---- */

typedef struct chain {
    uint32_t *memory, *key;
    hel_view x, y, low, out[2];
    hel_key_view view;
} chain;

static void chain_start(world *w, chain *c, ref_random *r)
{
    const size_t item = LIMBS * w->n, row = (LIMBS + SPECIAL) * w->n;
    c->memory = need(w, w->s, 5 * item);
    c->key = need(w, w->s, 2 * DIGITS * row);
    hel_view *const all[] = {&c->x, &c->y, &c->low, &c->out[0], &c->out[1]};
    for (uint32_t i = 0; i < 5; i++)
        *all[i] = (hel_view){c->memory + i * item, 1, LIMBS, LIMBS, item};
    c->low.limbs = c->low.q_limbs = LIMBS - 1;
    for (int h = 0; h < 2; h++)
        c->out[h].limbs = c->out[h].q_limbs = LIMBS - 1;
    uint32_t *host = ref_words(2 * DIGITS * row);
    for (uint32_t i = 0; i < 2 * DIGITS * (LIMBS + SPECIAL); i++)
        ref_fill(r, host + i * w->n, w->n, w->ring->limb[i % (LIMBS + SPECIAL)].q);
    OK(w, w->ops->upload(w->s, c->key, host, 2 * DIGITS * row * sizeof *host));
    c->view = (hel_key_view){c->key, LIMBS, DIGITS};
    free(host);
}

static void chain_end(world *w, chain *c)
{
    w->ops->release(w->s, c->memory);
    w->ops->release(w->s, c->key);
}

static hel_status chain_run(world *w, const chain *c)
{
    HEL_TRY(w->ops->ntt_forward(w->s, w->p, c->x));
    HEL_TRY(w->ops->mul(w->s, w->p, c->y, c->x, c->x));
    HEL_TRY(w->ops->rescale(w->s, w->p, c->low, c->y));
    HEL_TRY(w->ops->key_switch(w->s, w->p, c->out, c->low, c->view, 5, &c->low, NULL));
    return w->ops->ntt_inverse(w->s, w->p, c->out[1]);
}

static uint32_t *chain_input(world *w, const chain *c, ref_random *r)
{
    uint32_t *host = ref_words(LIMBS * w->n);
    for (uint32_t i = 0; i < LIMBS; i++)
        ref_fill(r, host + i * w->n, w->n, w->ring->limb[i].q);
    OK(w, w->ops->upload(w->s, c->x.data, host, LIMBS * w->n * sizeof *host));
    return host;
}

static uint32_t *chain_output(world *w, const chain *c)
{
    const size_t words = (LIMBS - 1) * w->n;
    uint32_t *host = ref_words(2 * words);
    for (int h = 0; h < 2; h++)
        OK(w, w->ops->download(w->s, host + h * words, c->out[h].data, words * sizeof *host));
    return host;
}

Test(device_memory, recordings_do_what_direct_calls_do)
{
    ref_random r = ref_random_start(8);
    world w;
    chain c;
    void *recording, *p;
    start(&w, 6);
    chain_start(&w, &c, &r);
    for (int warm = 0; warm < 2; warm++) { /* scratch that is there already, or is not */
        const uint64_t held = in_use(&w, NULL);
        OK(&w, w.ops->record_begin(w.s));
        cr_assert_eq(w.ops->record_begin(w.s), HEL_E_INTERNAL);
        OK(&w, chain_run(&w, &c));
        OK(&w, w.ops->record_end(w.s, &recording));
        cr_assert_eq(w.ops->record_end(w.s, &p), HEL_E_INTERNAL);
        cr_assert_gt(in_use(&w, NULL), held); /* its scratch */
        hel_error_clear(w.engine);
        for (int round = 0; round < 3; round++) {
            uint32_t *in = chain_input(&w, &c, &r);
            OK(&w, w.ops->replay(w.s, recording));
            uint32_t *got = chain_output(&w, &c);
            /* direct calls take other scratch; the recording's stays its own */
            OK(&w, w.ops->upload(w.s, c.x.data, in, LIMBS * w.n * sizeof *in));
            OK(&w, chain_run(&w, &c));
            uint32_t *want = chain_output(&w, &c);
            cr_assert_arr_eq(got, want, 2 * (LIMBS - 1) * w.n * sizeof *got, "round %d", round);
            free(in);
            free(got);
            free(want);
        }
        cr_assert_eq(w.ops->replay(w.t, recording), HEL_E_INTERNAL);
        hel_error_clear(w.engine);
        OK(&w, w.ops->replay(w.s, recording));
        w.ops->recording_free(w.s, recording); /* waits for it */
        cr_assert_eq(in_use(&w, NULL), held);
    }
    /* an upload is no part of a recording: it says so, and the stream goes on */
    OK(&w, w.ops->record_begin(w.s));
    cr_assert_neq(w.ops->upload(w.s, c.x.data, &r, sizeof r), HEL_OK);
    OK(&w, w.ops->record_end(w.s, &recording));
    w.ops->recording_free(w.s, recording);
    w.ops->recording_free(w.s, NULL);
    hel_error_clear(w.engine);
    free(chain_input(&w, &c, &r));
    OK(&w, chain_run(&w, &c));
    chain_end(&w, &c);
    finish(&w);
}

/* ---- failures ---- */

/* A job with everything in it; whatever fails, all that it made is freed at its end. */
typedef struct job {
    void *event[2], *graph, *recording, *pinned;
    uint32_t *data;
    double *slots;
} job;

static hel_status raw(world *w, job *j)
{
    const hel_device_ops *ops = w->d->ops;
    void *qs = hel_stream_queue(w->s), *qt = hel_stream_queue(w->t);
    float ms;
    uint64_t now, all;
    HEL_TRY(ops->memory(w->d, &now, &all));
    HEL_TRY(ops->host_alloc(w->d, &j->pinned, 4096));
    for (int i = 0; i < 2; i++)
        HEL_TRY(ops->event_create(w->d, &j->event[i]));
    memset(j->pinned, 0, 4096);
    HEL_TRY(ops->event_record(w->d, qs, j->event[0]));
    HEL_TRY(ops->send(w->d, qs, j->slots, j->pinned, 4096));
    HEL_TRY(ops->fourier(w->d, qs, j->slots, 5, 2, 0));
    HEL_TRY(ops->event_record(w->d, qs, j->event[1]));
    HEL_TRY(ops->event_wait(w->d, qt, j->event[1]));
    HEL_TRY(ops->fetch(w->d, qt, j->pinned, j->slots, 4096));
    HEL_TRY(ops->event_sync(w->d, j->event[1]));
    HEL_TRY(ops->event_ms(w->d, j->event[0], j->event[1], &ms));
    HEL_TRY(ops->graph_begin(w->d, qt));
    hel_status status = ops->wipe(w->d, qt, j->slots, 4096);
    const hel_status ended = ops->graph_end(w->d, qt, &j->graph);
    HEL_TRY(status);
    HEL_TRY(ended);
    HEL_TRY(ops->graph_run(w->d, qt, j->graph));
    return ops->sync(w->d, NULL);
}

static hel_status recorded(world *w, job *j, hel_view low, hel_view v)
{
    HEL_TRY(w->ops->record_begin(w->s));
    const hel_status status = w->ops->rescale(w->s, w->p, low, v);
    const hel_status ended = w->ops->record_end(w->s, &j->recording);
    HEL_TRY(status);
    HEL_TRY(ended);
    return w->ops->replay(w->s, j->recording);
}

static hel_status run_job(world *w, job *j)
{
    const uint8_t seed[32] = {1};
    const size_t item = LIMBS * w->n;
    const hel_basis_shape shape = shape_of(w);
    HEL_TRY(w->ops->stream_create(w->b, w->engine, &w->s));
    HEL_TRY(w->ops->stream_create(w->b, w->engine, &w->t));
    HEL_TRY(w->ops->basis_create(w->b, w->engine, &w->p, &shape));
    HEL_TRY(w->ops->alloc(w->s, &j->data, 2 * item * sizeof *j->data));
    HEL_TRY(w->ops->alloc(w->t, &j->slots, 4096));
    const hel_view v = {j->data, 1, LIMBS, LIMBS, item};
    const hel_view low = {j->data + item, 1, LIMBS - 1, LIMBS - 1, item};
    HEL_TRY(w->ops->uniform(w->s, w->p, v, seed, HEL_DOMAIN_CIPHER_A, 7));
    HEL_TRY(w->ops->ntt_inverse(w->s, w->p, v));
    HEL_TRY(recorded(w, j, low, v));
    HEL_TRY(hel_device_fail(w->engine, w->d, raw(w, j), "raw calls"));
    return w->ops->sync(w->s);
}

static void end_job(world *w, job *j)
{
    const hel_device_ops *ops = w->d->ops;
    if (w->s)
        w->ops->recording_free(w->s, j->recording);
    if (w->s && w->t) {
        (void)ops->sync(w->d, NULL);
        ops->graph_free(w->d, j->graph);
        for (int i = 0; i < 2; i++)
            ops->event_free(w->d, j->event[i]);
        ops->host_release(w->d, j->pinned);
        w->ops->release(w->t, j->slots);
        w->ops->release(w->s, j->data);
    }
    w->ops->basis_free(w->b, w->p);
    w->ops->stream_free(w->s);
    w->ops->stream_free(w->t);
    hel_backend_free(w->b);
}

Test(device_memory, every_call_fails_once, .timeout = 300)
{
    world w = {0};
    uint64_t nth = 1, again = 0;
    w.ring = ref_ring(&w.engine, HEL_SIMD_PORTABLE, 10, LIMBS + SPECIAL);
    w.n = w.ring->n;
    for (; nth < 300; nth++) {
        const sim_options options = {SIM_RANDOM, nth};
        job j = {0};
        w.d = sim_device_create(&options, SIM_SHARED_HOPPER);
        w.s = w.t = NULL;
        w.p = NULL;
        sim_device_fail_nth(w.d, nth);
        hel_error_clear(w.engine);
        OK(&w, hel_backend_device_create(w.engine, &w.b, w.d));
        w.ops = w.b->ops;
        const hel_status status = run_job(&w, &j);
        const int reached = sim_device_calls(w.d) >= nth;
        if (status != HEL_OK)
            cr_assert(strstr(hel_engine_error(w.engine), "told to fail") &&
                          (status == HEL_E_MEMORY || status == HEL_E_UNSUPPORTED),
                      "call %zu: %s", (size_t)nth, hel_engine_error(w.engine));
        end_job(&w, &j); /* ends the program when anything is left */
        again += status == HEL_OK && reached;
        if (!reached)
            break;
    }
    /* requests for memory are made once more: those of the arena */
    cr_assert(nth > 40 && nth < 300 && again <= 6, "%zu calls, %zu of no effect", (size_t)nth,
              (size_t)again);
    ref_ring_end(w.engine, w.ring);
}

Test(device_memory, a_lost_device_is_named_and_everything_is_freed)
{
    ref_random r = ref_random_start(9);
    world w;
    chain c;
    void *recording, *p;
    start(&w, 11);
    chain_start(&w, &c, &r);
    OK(&w, w.ops->record_begin(w.s));
    OK(&w, chain_run(&w, &c));
    OK(&w, w.ops->record_end(w.s, &recording));
    OK(&w, chain_run(&w, &c));
    sim_device_lose(w.d);
    const hel_status failed[] = {chain_run(&w, &c),
                                 w.ops->sync(w.s),
                                 w.ops->replay(w.s, recording),
                                 w.ops->record_begin(w.t),
                                 w.ops->upload(w.s, c.memory, &r, sizeof r),
                                 w.ops->download(w.s, &r, c.memory, sizeof r),
                                 w.ops->alloc(w.s, &p, (size_t)1 << 24)};
    for (size_t i = 0; i < sizeof failed / sizeof *failed; i++)
        cr_assert_eq(failed[i], HEL_E_UNSUPPORTED, "call %zu", i);
    cr_assert(strstr(hel_engine_error(w.engine), "device sim") &&
                  strstr(hel_engine_error(w.engine), "device lost"),
              "%s", hel_engine_error(w.engine));
    w.ops->recording_free(w.s, recording);
    w.ops->wipe(w.s, c.key, 64);
    chain_end(&w, &c);
    finish(&w);
}

/* One bit of one word of a launch's result: what a check of results must find. */
Test(device_memory, a_corrupted_word)
{
    for (uint64_t nth = 1; nth <= 3; nth++) {
        world w;
        start(&w, 20 + nth);
        const size_t item = LIMBS * w.n;
        uint32_t *x = need(&w, w.s, 4 * item), *host = ref_words(4 * item);
        hel_view v[4];
        for (size_t i = 0; i < item; i++)
            host[i] = (uint32_t)(i % 5000);
        for (uint32_t i = 0; i < 4; i++)
            v[i] = (hel_view){x + i * item, 1, LIMBS, LIMBS, item};
        OK(&w, w.ops->upload(w.s, x, host, item * sizeof *x));
        OK(&w, w.ops->sync(w.s));
        sim_device_corrupt_nth(w.d, nth);
        for (uint32_t i = 1; i < 4; i++)
            OK(&w, w.ops->add(w.s, w.p, v[i], v[0], v[0]));
        OK(&w, w.ops->download(w.s, host, x, 4 * item * sizeof *x));
        uint32_t wrong = 0;
        for (size_t i = item; i < 4 * item; i++) {
            const uint32_t differs = host[i] ^ (uint32_t)(i % item % 5000 * 2);
            wrong += (uint32_t)__builtin_popcount(differs);
            if (differs)
                cr_assert_eq(i / item, nth);
        }
        cr_assert_eq(wrong, 1);
        w.ops->release(w.s, x);
        free(host);
        finish(&w);
    }
}
