/* Environments, inputs, outputs and reports of the device check: see check.h. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/device/check.h"
#include "tests/device/device_open.h"

double check_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- environments ---- */

static hel_status open_one(const check_options *o, check_env *e, int reference)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_status status;
    if (reference) {
        config.simd = HEL_SIMD_PORTABLE;
        config.threads = 1;
    } else {
        config.backend = o->backend;
        config.device = o->device;
    }
    e->name = reference ? "cpu, portable, 1 thread" : o->backend;
    status = hel_engine_create(&e->engine, &config);
    if (status != HEL_OK)
        return status;
    HEL_TRY(device_open(e->engine, &e->backend, reference ? "cpu" : o->backend, o->device));
    e->ops = e->backend->ops;
    return e->ops->stream_create(e->backend, e->engine, &e->s);
}

int check_open(check_world *w)
{
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)w->options->seed);
    setenv("HELOCI_SIM_SEED", seed, 0); /* a simulator's order of blocks */
    for (int k = 0; k < 2; k++) {
        const hel_status status = open_one(w->options, &w->env[k], k == 0);
        if (status == HEL_OK)
            continue;
        fprintf(stderr, "device_check: backend %s: %s: %s\n", k ? w->options->backend : "cpu",
                hel_status_name(status),
                w->env[k].engine ? hel_engine_error(w->env[k].engine) : "no engine");
        check_close(w);
        return 0;
    }
    return 1;
}

void check_close(check_world *w)
{
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        if (e->s)
            e->ops->stream_free(e->s);
        hel_backend_free(e->backend);
        hel_engine_free(e->engine);
        memset(e, 0, sizeof *e);
    }
}

/* `count` different primes 1 mod 2N, their sizes by turns as the list says; where a size has none
 * left, from the top. */
static int choose_primes(uint32_t log_n, uint32_t *primes, uint32_t count)
{
    static const uint32_t bits[] = {30, 21, 29, 30, 24, 27, 30, 19, 28, 18, 26};
    const uint32_t step = 2u << log_n;
    for (uint32_t i = 0; i < count; i++) {
        int found = 0;
        for (int pass = 0; pass < 2 && !found; pass++) {
            const uint32_t size = pass ? 30 : bits[i % (sizeof bits / sizeof *bits)];
            const uint32_t least = pass ? 1u << 17 : 1u << (size - 1);
            for (uint32_t q = ((1u << size) - 2) / step * step + 1; q > least && !found;
                 q -= step) {
                found = hel_is_prime(q);
                for (uint32_t j = 0; j < i; j++)
                    found &= primes[j] != q;
                primes[i] = q;
                if (q < step)
                    break;
            }
        }
        if (!found)
            return 0;
    }
    return 1;
}

static hel_status env_start(check_env *e, const check_world *w)
{
    HEL_TRY(hel_ring_create_from(e->engine, &e->ring, w->shape.log_n, w->primes, w->total));
    HEL_TRY(hel_embedding_create(e->engine, &e->embedding, w->shape.log_n));
    const hel_basis_shape shape = {.ring = e->ring,
                                   .embedding = e->embedding,
                                   .q_count = w->shape.q_count,
                                   .p_count = w->shape.p_count,
                                   .digit_limbs = w->shape.digit_limbs,
                                   .drop_max = w->shape.drop_max,
                                   .multiplier = w->shape.multiplier};
    return e->ops->basis_create(e->backend, e->engine, &e->basis, &shape);
}

int check_world_start(check_world *w, const check_shape *shape)
{
    w->shape = *shape;
    w->n = 1u << shape->log_n;
    w->total = shape->q_count + shape->p_count;
    check_begin(w, "creating a basis");
    if (!choose_primes(shape->log_n, w->primes, w->total))
        check_fail(w, "there are not enough primes");
    for (int k = 0; k < 2 && !w->failed; k++)
        w->env[k].status = env_start(&w->env[k], w);
    const int bad = w->failed || w->env[0].status != HEL_OK || w->env[1].status != HEL_OK;
    check_end(w);
    if (bad)
        check_world_end(w);
    return !bad;
}

void check_world_end(check_world *w)
{
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        if (e->basis)
            e->ops->basis_free(e->backend, e->basis);
        hel_embedding_free(e->embedding);
        hel_ring_free(e->ring);
        e->basis = NULL;
        e->embedding = NULL;
        e->ring = NULL;
    }
}

/* ---- cases ---- */

void check_begin(check_world *w, const char *format, ...)
{
    va_list list;
    const check_shape *s = &w->shape;
    const int at =
        snprintf(w->text, sizeof w->text,
                 "N 2^%u, Q %u, P %u, digits of %u, drops %u%s, seed %llu: ", s->log_n, s->q_count,
                 s->p_count, s->digit_limbs, s->drop_max, s->multiplier ? ", multipliers" : "",
                 (unsigned long long)w->options->seed);
    va_start(list, format);
    vsnprintf(w->text + at, sizeof w->text - (size_t)at, format, list);
    va_end(list);
    w->failed = 0;
    w->group->cases++;
}

void check_fail(check_world *w, const char *format, ...)
{
    char what[256];
    va_list list;
    if (w->failed++)
        return;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    if (!w->group->failures++) {
        snprintf(w->group->first, sizeof w->group->first, "%.150s | %.240s", what, w->text);
        fprintf(stderr, "MISMATCH %s: %s\n    %s\n", w->group->name, what, w->text);
    }
}

void check_end(check_world *w)
{
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        if (e->status != HEL_OK)
            check_fail(w, "%s: %s: %s", e->name, hel_status_name(e->status),
                       hel_engine_error(e->engine));
        for (uint32_t i = 0; i < e->memory_count; i++)
            e->ops->release(e->s, e->memory[i]);
        e->memory_count = 0;
        e->status = HEL_OK;
    }
    for (uint32_t i = 0; i < w->array_count; i++)
        free(w->arrays[i]);
    w->array_count = 0;
}

uint32_t check_times(const check_world *w, uint32_t base)
{
    const double shrink = w->shape.log_n > 13 ? exp2(13.0 - w->shape.log_n) : 1;
    const double times = base * w->options->scale * shrink;
    return times < 1 ? 1 : (uint32_t)times;
}

uint32_t check_below(check_world *w, uint32_t bound)
{
    return ref_random_below(&w->random, bound);
}

uint32_t check_batch(const check_world *w, uint32_t turn, uint32_t limbs)
{
    static const uint32_t batches[] = {1, 3, 17, 0, 1, 2, 3};
    uint32_t batch = batches[turn % 7];
    while (batch > 1 && (size_t)batch * limbs * w->n > w->room)
        batch = batch > 3 ? 3 : batch - 1;
    return batch;
}

uint32_t check_digits(const check_world *w, uint32_t limbs)
{
    return (limbs + w->shape.digit_limbs - 1) / w->shape.digit_limbs;
}

uint32_t check_prime(const check_world *w, uint32_t q_limbs, uint32_t i)
{
    return w->primes[i < q_limbs ? i : w->shape.q_count + i - q_limbs];
}

/* ---- arrays ---- */

void *check_memory(check_world *w, size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (!p || w->array_count == CHECK_ARRAYS) {
        fprintf(stderr, "device_check: out of memory\n");
        exit(71);
    }
    w->arrays[w->array_count++] = p;
    return p;
}

check_array check_blank(check_world *w, uint32_t batch, uint32_t limbs, uint32_t q_limbs,
                        size_t gap)
{
    check_array a = {.batch = batch, .limbs = limbs, .q_limbs = q_limbs};
    a.stride = (size_t)limbs * w->n + gap;
    a.words = a.stride * batch;
    a.data = check_memory(w, a.words * sizeof *a.data);
    memset(a.data, 0x5a, a.words * sizeof *a.data);
    return a;
}

check_kind check_some_kind(check_world *w)
{
    const uint32_t r = check_below(w, 8);
    return r < 4 ? CHECK_RANDOM : r < 6 ? CHECK_WORST : r < 7 ? CHECK_ENDS : CHECK_ZERO;
}

static void fill(check_world *w, uint32_t *x, uint32_t q, check_kind kind)
{
    const uint32_t ends[] = {0, 1, q / 2, q / 2 + 1, q - 1, q - 2};
    for (uint32_t j = 0; j < w->n; j++)
        x[j] = kind == CHECK_WORST  ? q - 1
               : kind == CHECK_ZERO ? 0
               : kind == CHECK_ENDS ? ends[check_below(w, 6)]
                                    : check_below(w, q);
}

check_array check_fill(check_world *w, uint32_t batch, uint32_t limbs, uint32_t q_limbs, size_t gap,
                       check_kind kind)
{
    check_array a = check_blank(w, batch, limbs, q_limbs, gap);
    for (uint32_t b = 0; b < batch; b++)
        for (uint32_t i = 0; i < limbs; i++)
            fill(w, a.data + b * a.stride + (size_t)i * w->n, check_prime(w, q_limbs, i), kind);
    return a;
}

hel_view check_up(check_env *e, const check_array *a)
{
    hel_view v = {.batch = a->batch, .limbs = a->limbs, .q_limbs = a->q_limbs, .stride = a->stride};
    CHECK_CALL(e, e->ops->alloc(e->s, &v.data, a->words * sizeof *v.data));
    if (v.data && e->memory_count < CHECK_ARRAYS)
        e->memory[e->memory_count++] = v.data;
    CHECK_CALL(e, e->ops->upload(e->s, v.data, a->data, a->words * sizeof *v.data));
    return v;
}

void check_down(check_env *e, hel_view v, check_array *a)
{
    CHECK_CALL(e, e->ops->sync(e->s));
    CHECK_CALL(e, e->ops->download(e->s, a->data, v.data, a->words * sizeof *v.data));
}

void check_same(check_world *w, const check_array *want, const check_array *have, const char *what)
{
    if (w->failed || w->env[0].status != HEL_OK || w->env[1].status != HEL_OK)
        return;
    if (memcmp(want->data, have->data, want->words * sizeof *want->data) == 0)
        return;
    for (size_t i = 0; i < want->words; i++)
        if (want->data[i] != have->data[i]) {
            const size_t at = i % want->stride;
            check_fail(w, "%s: item %zu, limb %zu, word %zu is %u, not %u", what, i / want->stride,
                       at / w->n, at % w->n, have->data[i], want->data[i]);
            return;
        }
}
