/*
 * The code of libheloci_cuda.so on a stub of the CUDA runtime (stub_runtime.h): results against the
 * CPU's table, every CUDA call failed once, machines without a driver, lost devices. Fourier
 * transforms are left out: cuFFT is loaded by name and is not stubbed.
 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/backend/device_launch.h"
#include "host/backend/device_library.h"
#include "tests/cuda/stub_runtime.h"
#include "tests/ref/ref_ring.h"

#define LIMBS   3u /* of Q; two special primes, digits of two limbs */
#define SPECIAL 2u
#define TOTAL   (LIMBS + SPECIAL)
#define DIGITS  2u
#define BATCH   2u
#define VIEWS   7u

typedef struct world {
    hel_engine *engine;
    hel_ring *ring;
    hel_device *d; /* NULL: the CPU */
    hel_backend *b;
    const hel_backend_ops *ops;
    hel_stream *s, *t;
    hel_basis *p;
    size_t n;
} world;

#define OK(w, call) cr_assert_eq((call), HEL_OK, "%s: %s", #call, hel_engine_error((w)->engine))

static hel_device *open_device(uint32_t ordinal, char *text, size_t room)
{
    const hel_device_build build = HEL_DEVICE_BUILD;
    return hel_device_open(ordinal, &build, text, room);
}

static hel_status start_parts(world *w)
{
    const hel_basis_shape shape = {
        .ring = w->ring, .q_count = LIMBS, .p_count = SPECIAL, .digit_limbs = 2, .drop_max = 1};
    w->ops = w->b->ops;
    HEL_TRY(w->ops->stream_create(w->b, w->engine, &w->s));
    HEL_TRY(w->ops->stream_create(w->b, w->engine, &w->t));
    return w->ops->basis_create(w->b, w->engine, &w->p, &shape);
}

/* ordinal < 0: the CPU */
static void start(world *w, uint32_t log_n, int ordinal)
{
    char text[300] = "";
    memset(w, 0, sizeof *w);
    w->ring = ref_ring(&w->engine, HEL_SIMD_AUTO, log_n, TOTAL);
    w->n = w->ring->n;
    if (ordinal < 0) {
        OK(w, hel_backend_cpu_create(w->engine, &w->b));
    } else {
        w->d = open_device((uint32_t)ordinal, text, sizeof text);
        cr_assert(w->d, "%s", text);
        OK(w, hel_backend_device_create(w->engine, &w->b, w->d));
    }
    OK(w, start_parts(w));
}

static void finish(world *w)
{
    w->ops->basis_free(w->b, w->p);
    w->ops->stream_free(w->s);
    w->ops->stream_free(w->t);
    hel_backend_free(w->b);
    ref_ring_end(w->engine, w->ring);
}

static void nothing_is_left(const char *when)
{
    const stub_counts c = stub_alive();
    cr_assert(!c.blocks && !c.pinned && !c.streams && !c.events && !c.graphs && !c.captures,
              "%s: %d blocks, %d pinned, %d streams, %d events, %d graphs, %d captures", when,
              (int)c.blocks, (int)c.pinned, (int)c.streams, (int)c.events, (int)c.graphs,
              (int)c.captures);
}

/* ---- results ---- */

/* What is recorded: v[1] grows, so that a second run has other operands. */
static hel_status chain(world *w, const hel_view *v, hel_view low)
{
    HEL_TRY(w->ops->add(w->s, w->p, v[1], v[1], v[0]));
    HEL_TRY(w->ops->mul(w->s, w->p, v[2], v[1], v[3]));
    HEL_TRY(w->ops->ntt_inverse(w->s, w->p, v[2]));
    return w->ops->rescale(w->s, w->p, low, v[5]);
}

static hel_status chain_twice(world *w, const hel_view *v, hel_view low)
{
    void *recording = NULL;
    if (!w->d) {
        HEL_TRY(chain(w, v, low));
        return chain(w, v, low);
    }
    HEL_TRY(w->ops->record_begin(w->s));
    hel_status status = chain(w, v, low);
    const hel_status ended = w->ops->record_end(w->s, &recording);
    status = status != HEL_OK ? status : ended;
    for (int i = 0; i < 2 && status == HEL_OK; i++)
        status = w->ops->replay(w->s, recording);
    w->ops->recording_free(w->s, recording);
    return status;
}

static hel_status compute(world *w, uint32_t *memory, size_t item)
{
    const uint8_t seed[32] = {9};
    hel_view v[VIEWS];
    for (size_t i = 0; i < VIEWS; i++)
        v[i] = (hel_view){memory + i * BATCH * item, BATCH, LIMBS, LIMBS, item};
    hel_view low = v[6];
    low.limbs = low.q_limbs = LIMBS - 1;
    const hel_view key = {memory + VIEWS * BATCH * item, 2 * DIGITS, TOTAL, LIMBS, TOTAL * w->n};
    const hel_key_view keys = {key.data, LIMBS, DIGITS};
    HEL_TRY(w->ops->uniform(w->s, w->p, key, seed, HEL_DOMAIN_CIPHER_A, 1));
    HEL_TRY(w->ops->uniform(w->s, w->p, v[0], seed, HEL_DOMAIN_CIPHER_A, 50));
    HEL_TRY(w->ops->small(w->s, w->p, v[1], seed, HEL_DOMAIN_TERNARY, 3, 2));
    HEL_TRY(w->ops->ntt_forward(w->s, w->p, v[0]));
    HEL_TRY(w->ops->mul(w->s, w->p, v[2], v[0], v[1]));
    HEL_TRY(hel_key_switch(w->s, w->p, v + 3, v[2], keys, 5, &v[0], NULL));
    HEL_TRY(w->ops->dot(w->s, w->p, v[5], (const hel_view[]){v[0], v[2]},
                        (const hel_view[]){v[1], v[3]}, 2, 0));
    HEL_TRY(w->ops->rescale(w->s, w->p, low, v[5]));
    return chain_twice(w, v, low);
}

/* All the views' words after compute(), free() */
static uint32_t *results(world *w, size_t *bytes)
{
    const size_t item = LIMBS * w->n, used = VIEWS * BATCH * item;
    const size_t words = used + 2 * DIGITS * TOTAL * w->n;
    uint32_t *memory, *host = ref_words(words);
    memset(host, 0, words * sizeof *host);
    OK(w, w->ops->alloc(w->s, &memory, words * sizeof *memory));
    OK(w, w->ops->upload(w->s, memory, host, words * sizeof *host));
    OK(w, compute(w, memory, item));
    OK(w, w->ops->sync(w->s));
    OK(w, w->ops->download(w->s, host, memory, words * sizeof *host));
    w->ops->release(w->s, memory);
    *bytes = words * sizeof *host;
    return host;
}

Test(cuda_stub, computes_what_the_cpu_does_on_two_devices_at_once, .timeout = 120)
{
    uint32_t *want, *got;
    size_t bytes, same;
    char text[128];
    world w[3];
    stub_start(2);
    for (int k = 0; k < 3; k++)
        start(&w[k], 10, k - 1);
    cr_assert(strstr(w[1].d->model, "stub, 0000:3b:00.0, sm_90") != NULL, "%s", w[1].d->model);
    cr_assert(strstr(w[2].d->model, "stub, 0000:3c:00.0, sm_90") != NULL, "%s", w[2].d->model);
    cr_assert_str_eq(w[1].d->pci, "0000:3b:00.0");
    cr_assert_str_eq(w[2].d->pci, "0000:3c:00.0");
    hel_device_about(text, sizeof text);
    cr_assert(strncmp(text, "CUDA ", 5) == 0 && strstr(text, ", for "), "%s", text);
    cr_assert(w[1].d->shared_max == 227 * 1024 && w[1].d->processors == 4);
    want = results(&w[0], &bytes);
    for (int round = 0; round < 2; round++)
        for (int k = 1; k < 3; k++) {
            got = results(&w[k], &same);
            cr_assert(same == bytes && memcmp(got, want, bytes) == 0, "device %d, round %d", k - 1,
                      round);
            free(got);
        }
    cr_assert_gt(stub_launches(0), 0);
    free(want);
    for (int k = 0; k < 3; k++)
        finish(&w[k]);
    nothing_is_left("two devices");
    cr_assert_eq(stub_untaken(), cudaSuccess);
}

/* The calls of a first launch in clusters, in order; none of them has changed v. */
static void cluster_calls_fail(world *w, hel_view v)
{
    static const char *const calls[] = {"cudaSetDevice", "cudaFuncSetAttribute",
                                        "cudaLaunchKernelExC"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        stub_fail_nth(i + 1, cudaSuccess);
        cr_assert_eq(w->ops->ntt_inverse(w->s, w->p, v), HEL_E_UNSUPPORTED, "%s", calls[i]);
        cr_assert_str_eq(stub_failed(), calls[i]);
        cr_assert(strstr(hel_engine_error(w->engine), "cudaErrorUnknown"), "%s",
                  hel_engine_error(w->engine));
    }
    stub_fail_nth(0, cudaSuccess);
}

Test(cuda_stub, a_transform_in_clusters, .timeout = 120)
{
    uint32_t *host[2];
    world w[2];
    const uint8_t seed[32] = {4};
    stub_start(1);
    for (int k = 0; k < 2; k++) {
        start(&w[k], 16, k - 1);
        const size_t words = LIMBS * w[k].n;
        hel_view v = {NULL, 1, LIMBS, LIMBS, words};
        host[k] = ref_words(words);
        OK(&w[k], w[k].ops->alloc(w[k].s, &v.data, words * sizeof *v.data));
        OK(&w[k], w[k].ops->uniform(w[k].s, w[k].p, v, seed, HEL_DOMAIN_CIPHER_A, 5));
        if (k)
            cluster_calls_fail(&w[k], v);
        OK(&w[k], w[k].ops->ntt_inverse(w[k].s, w[k].p, v));
        OK(&w[k], w[k].ops->mul(w[k].s, w[k].p, v, v, v));
        OK(&w[k], w[k].ops->ntt_forward(w[k].s, w[k].p, v));
        OK(&w[k], w[k].ops->download(w[k].s, host[k], v.data, words * sizeof *v.data));
        w[k].ops->release(w[k].s, v.data);
    }
    cr_assert_arr_eq(host[0], host[1], LIMBS * w[0].n * sizeof *host[0]);
    cr_assert(w[1].d->cluster_max > 1 && stub_launches(1) > 0);
    for (int k = 0; k < 2; k++) {
        free(host[k]);
        finish(&w[k]);
    }
    nothing_is_left("clusters");
}

/* ---- failures ---- */

/* A job with every call in it; whatever fails, all that it made is freed at its end. */
typedef struct job {
    void *event[2], *graph, *recording, *pinned;
    uint32_t *data;
    uint8_t *bytes;
} job;

#define JOB_BYTES 4096u

static hel_status raw(world *w, job *j)
{
    const hel_device_ops *ops = w->d->ops;
    void *qs = hel_stream_queue(w->s), *qt = hel_stream_queue(w->t);
    uint64_t now, all;
    float ms;
    HEL_TRY(ops->memory(w->d, &now, &all));
    HEL_TRY(ops->host_alloc(w->d, &j->pinned, JOB_BYTES));
    uint8_t *pinned = j->pinned;
    for (int i = 0; i < 2; i++)
        HEL_TRY(ops->event_create(w->d, &j->event[i]));
    for (size_t i = 0; i < JOB_BYTES; i++)
        pinned[i] = (uint8_t)(i * 7);
    HEL_TRY(ops->event_record(w->d, qs, j->event[0]));
    HEL_TRY(ops->send(w->d, qs, j->bytes, pinned, JOB_BYTES));
    HEL_TRY(ops->event_record(w->d, qs, j->event[1]));
    HEL_TRY(ops->event_wait(w->d, qt, j->event[1]));
    HEL_TRY(ops->event_sync(w->d, j->event[1]));
    HEL_TRY(ops->event_ms(w->d, j->event[0], j->event[1], &ms));
    HEL_TRY(ops->graph_begin(w->d, qt));
    const hel_status status = ops->wipe(w->d, qt, j->bytes, JOB_BYTES / 2);
    const hel_status ended = ops->graph_end(w->d, qt, &j->graph);
    cr_assert(ended == HEL_OK || !j->graph);
    HEL_TRY(status);
    HEL_TRY(ended);
    HEL_TRY(ops->graph_run(w->d, qt, j->graph));
    memset(pinned, 0x11, JOB_BYTES);
    HEL_TRY(ops->fetch(w->d, qt, pinned, j->bytes, JOB_BYTES));
    HEL_TRY(ops->sync(w->d, NULL));
    cr_assert(now <= all && ms > 0);
    for (size_t i = 0; i < JOB_BYTES; i++)
        cr_assert_eq(pinned[i], i < JOB_BYTES / 2 ? 0 : (uint8_t)(i * 7), "byte %zu", i);
    return HEL_OK;
}

static hel_status recorded(world *w, job *j, hel_view low, hel_view v)
{
    HEL_TRY(w->ops->record_begin(w->s));
    const hel_status status = w->ops->rescale(w->s, w->p, low, v);
    const hel_status ended = w->ops->record_end(w->s, &j->recording);
    cr_assert(ended == HEL_OK || !j->recording);
    HEL_TRY(status);
    HEL_TRY(ended);
    return w->ops->replay(w->s, j->recording);
}

static hel_status run_job(world *w, job *j)
{
    const uint8_t seed[32] = {1};
    const size_t item = LIMBS * w->n;
    HEL_TRY(start_parts(w));
    HEL_TRY(w->ops->alloc(w->s, &j->data, 2 * item * sizeof *j->data));
    HEL_TRY(w->ops->alloc(w->t, &j->bytes, JOB_BYTES));
    const hel_view v = {j->data, 1, LIMBS, LIMBS, item};
    const hel_view low = {j->data + item, 1, LIMBS - 1, LIMBS - 1, item};
    HEL_TRY(w->ops->uniform(w->s, w->p, v, seed, HEL_DOMAIN_CIPHER_A, 7));
    HEL_TRY(w->ops->ntt_inverse(w->s, w->p, v));
    HEL_TRY(recorded(w, j, low, v));
    HEL_TRY(hel_device_fail(w->engine, w->d, raw(w, j), "raw calls"));
    w->ops->wipe(w->s, j->data, item * sizeof *j->data);
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
        if (j->pinned)
            ops->host_release(w->d, j->pinned);
        w->ops->release(w->t, j->bytes);
        w->ops->release(w->s, j->data);
    }
    w->ops->basis_free(w->b, w->p);
    w->ops->stream_free(w->s);
    w->ops->stream_free(w->t);
    hel_backend_free(w->b);
}

/* The status of all of it from opening to freeing, its sentence in text */
static hel_status attempt(world *w, char *text, size_t room)
{
    job j = {0};
    hel_status status;
    w->s = w->t = NULL;
    w->p = NULL;
    w->b = NULL;
    hel_error_clear(w->engine);
    w->d = open_device(0, text, room);
    if (!w->d)
        return HEL_E_UNSUPPORTED;
    status = hel_backend_device_create(w->engine, &w->b, w->d);
    if (status == HEL_OK) {
        w->ops = w->b->ops;
        status = run_job(w, &j);
        snprintf(text, room, "%s", hel_engine_error(w->engine));
        end_job(w, &j);
    } else {
        snprintf(text, room, "%s", hel_engine_error(w->engine));
    }
    return status;
}

/* with: what the calls fail with; 0: memory is out for those that allocate */
static uint64_t fail_each(world *w, cudaError_t with, uint64_t *without_effect)
{
    for (uint64_t nth = 1; nth < 2000; nth++) {
        char text[400] = "";
        stub_start(1);
        stub_fail_nth(nth, with);
        const hel_status status = attempt(w, text, sizeof text);
        const char *failed = stub_failed();
        if (!failed) {
            cr_assert_eq(status, HEL_OK, "%s", text);
            nothing_is_left("no call failed");
            return nth;
        }
        nothing_is_left(failed);
        cr_assert_eq(stub_untaken(), cudaSuccess, "%s, call %d", failed, (int)nth);
        *without_effect += status == HEL_OK;
        if (status == HEL_OK)
            continue;
        const int allocates = !strcmp(failed, "cudaMalloc") || !strcmp(failed, "cudaHostAlloc");
        const int out = with == cudaErrorMemoryAllocation || (with == cudaSuccess && allocates);
        cr_assert(strstr(text, out ? "cudaErrorMemoryAllocation" : "cudaErrorUnknown"),
                  "%s, call %d: %s", failed, (int)nth, text);
        /* opening gives a sentence only */
        cr_assert(!w->b || status == (out ? HEL_E_MEMORY : HEL_E_UNSUPPORTED),
                  "%s, call %d: %d, %s", failed, (int)nth, (int)status, text);
    }
    return 2000;
}

Test(cuda_stub, every_call_fails_once, .timeout = 120)
{
    static const cudaError_t with[] = {cudaSuccess, cudaErrorMemoryAllocation};
    world w = {0};
    w.ring = ref_ring(&w.engine, HEL_SIMD_AUTO, 10, TOTAL);
    w.n = w.ring->n;
    for (size_t i = 0; i < 2; i++) {
        uint64_t none = 0;
        const uint64_t calls = fail_each(&w, with[i], &none);
        cr_assert(calls > 80 && calls < 2000 && none < calls / 2, "%d calls, %d without effect",
                  (int)calls, (int)none);
    }
    ref_ring_end(w.engine, w.ring);
}

/* ---- uploads of all ways, recordings that end early ---- */

Test(cuda_stub, uploads_of_every_size)
{
    static const size_t sizes[] = {0, 1, 262143, 262144, 262145, 1048576, 1048577, 3000000};
    char text[300] = "";
    void *queue, *memory;
    stub_start(1);
    hel_device *d = open_device(0, text, sizeof text);
    cr_assert(d, "%s", text);
    cr_assert_eq(d->ops->queue_create(d, &queue), HEL_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int own = 0; own < 2; own++) {
            uint8_t *from = malloc(sizes[i] + 1), *to = malloc(sizes[i] + 1);
            for (size_t k = 0; k < sizes[i]; k++)
                from[k] = (uint8_t)(k * 7 + (k >> 8) + i);
            memset(to, 0, sizes[i]);
            cr_assert_eq(d->ops->alloc(d, &memory, sizes[i]), HEL_OK);
            cr_assert_eq(d->ops->upload(d, own ? queue : NULL, memory, from, sizes[i]), HEL_OK);
            cr_assert_eq(d->ops->download(d, own ? queue : NULL, to, memory, sizes[i]), HEL_OK);
            cr_assert(memcmp(from, to, sizes[i]) == 0, "%zu bytes", sizes[i]);
            d->ops->release(d, memory);
            free(from);
            free(to);
        }
    d->ops->queue_free(d, queue);
    d->ops->close(d);
    nothing_is_left("uploads");
}

Test(cuda_stub, what_a_graph_cannot_hold_leaves_it_alone)
{
    char text[300] = "", bytes[16] = "";
    void *queue[2], *memory, *graph, *event;
    stub_start(1);
    hel_device *d = open_device(0, text, sizeof text);
    const hel_device_ops *o = d->ops;
    for (int i = 0; i < 2; i++)
        cr_assert_eq(o->queue_create(d, &queue[i]), HEL_OK);
    cr_assert_eq(o->alloc(d, &memory, 16), HEL_OK);
    cr_assert_eq(o->event_create(d, &event), HEL_OK);
    cr_assert_eq(o->graph_begin(d, queue[0]), HEL_OK);
    const hel_status refused[] = {o->sync(d, NULL),
                                  o->sync(d, queue[0]),
                                  o->graph_begin(d, queue[0]),
                                  o->upload(d, queue[0], memory, bytes, 16),
                                  o->download(d, queue[0], bytes, memory, 16),
                                  o->event_record(d, queue[0], event),
                                  o->event_wait(d, queue[0], event)};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_assert_eq(refused[i], HEL_E_UNSUPPORTED, "call %zu", i);
    cr_assert(strstr(o->error(d), "while a graph is recorded"));
    cr_assert_eq(o->sync(d, queue[1]), HEL_OK);
    cr_assert_eq(o->wipe(d, queue[0], memory, 16), HEL_OK);
    cr_assert_eq(o->graph_end(d, queue[0], &graph), HEL_OK, "%s", o->error(d));
    o->graph_free(d, graph);
    cr_assert_eq(o->sync(d, NULL), HEL_OK);

    /* an end that fails, whichever of its calls it is, has ended the recording */
    for (uint64_t nth = 1; nth <= 3; nth++) {
        cr_assert_eq(o->graph_begin(d, queue[0]), HEL_OK);
        stub_fail_nth(nth, cudaSuccess);
        cr_assert_eq(o->graph_end(d, queue[0], &graph), HEL_E_UNSUPPORTED);
        cr_assert_null(graph);
        cr_assert(strstr(o->error(d), stub_failed()), "%s: %s", stub_failed(), o->error(d));
        cr_assert_eq(o->sync(d, NULL), HEL_OK, "%s: %s", stub_failed(), o->error(d));
        cr_assert(stub_alive().graphs == 0 && stub_alive().captures == 0, "%s", stub_failed());
    }
    cr_assert_eq(o->graph_begin(d, queue[0]), HEL_OK);
    o->queue_free(d, queue[0]); /* and so does this */
    cr_assert_eq(o->sync(d, NULL), HEL_OK);
    o->queue_free(d, queue[1]);
    o->event_free(d, event);
    o->release(d, memory);
    o->close(d);
    nothing_is_left("graphs");
}

/* ---- machines that cannot compute ---- */

Test(cuda_stub, no_driver_and_an_old_one)
{
    static const struct {
        cudaError_t error;
        int driver;
        const char *words;
    } cases[] = {{cudaErrorInsufficientDriver, 0, "no NVIDIA driver answers"},
                 {cudaErrorInsufficientDriver, 11040, "for CUDA 11.4, the rule is at least"},
                 {cudaErrorNoDevice, CUDART_VERSION, "cudaErrorNoDevice"}};
    char text[300];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stub_start(1);
        stub_driver(cases[i].error, cases[i].driver);
        text[0] = 0;
        cr_assert_eq(hel_device_count(text, sizeof text), 0);
        cr_assert(strstr(text, cases[i].words), "%s", text);
        cr_assert_eq(stub_untaken(), cudaSuccess);
    }
    stub_start(2);
    cr_assert_eq(hel_device_count(text, sizeof text), 2);
    cr_assert_null(open_device(2, text, sizeof text));
    cr_assert(strstr(text, "cudaErrorInvalidDevice"), "%s", text);
    stub_kernels(cudaErrorNoKernelImageForDevice, 90);
    cr_assert_null(open_device(1, text, sizeof text));
    cr_assert(strstr(text, "this build has no kernels for it"), "%s", text);
    stub_kernels(cudaSuccess, 80); /* code of an older architecture has no clusters */
    hel_device *d = open_device(1, text, sizeof text);
    cr_assert(d && d->cluster_max == 1);
    d->ops->close(d);
    hel_device_build other = HEL_DEVICE_BUILD;
    other.kernels++;
    cr_assert_null(hel_device_open(0, &other, text, sizeof text));
    cr_assert(strstr(text, "another build"), "%s", text);
    nothing_is_left("refused");
}

Test(cuda_stub, a_lost_device_is_named_and_everything_is_freed)
{
    static const cudaError_t errors[] = {cudaErrorIllegalAddress, cudaErrorLaunchFailure,
                                         cudaErrorECCUncorrectable};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        world w;
        uint32_t word = 0, *memory;
        void *recording, *p, *pinned;
        stub_start(1);
        start(&w, 10, 0);
        const size_t item = LIMBS * w.n;
        OK(&w, w.ops->alloc(w.s, &memory, item * sizeof *memory));
        OK(&w, w.d->ops->host_alloc(w.d, &pinned, 64));
        const hel_view v = {memory, 1, LIMBS, LIMBS, item};
        OK(&w, w.ops->upload(w.s, memory, &word, sizeof word));
        OK(&w, w.ops->record_begin(w.s));
        OK(&w, w.ops->ntt_forward(w.s, w.p, v));
        OK(&w, w.ops->record_end(w.s, &recording));
        OK(&w, w.ops->record_begin(w.t)); /* and this one stays open */
        stub_lose(errors[i]);
        const hel_status failed[] = {w.ops->ntt_forward(w.s, w.p, v),
                                     w.ops->sync(w.s),
                                     w.ops->replay(w.s, recording),
                                     w.ops->upload(w.s, memory, &word, sizeof word),
                                     w.ops->download(w.s, &word, memory, sizeof word),
                                     w.ops->alloc(w.s, &p, (size_t)1 << 24)};
        for (size_t k = 0; k < sizeof failed / sizeof *failed; k++)
            cr_assert_eq(failed[k], HEL_E_UNSUPPORTED, "call %zu", k);
        cr_assert(strstr(hel_engine_error(w.engine), "device lost: ") &&
                      strstr(hel_engine_error(w.engine), cudaGetErrorName(errors[i])),
                  "%s", hel_engine_error(w.engine));
        w.ops->recording_free(w.s, recording);
        w.ops->wipe(w.s, memory, 64);
        w.ops->release(w.s, memory);
        w.d->ops->host_release(w.d, pinned);
        finish(&w);
        nothing_is_left("lost");
    }
}
