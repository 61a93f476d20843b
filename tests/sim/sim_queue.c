/* Queues of the simulated device: what is queued, when it runs and in which order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sim/sim_private.h"

#define DECLARE(name)                                                                              \
    void name(const void *args);                                                                   \
    extern const sim_bounds name##_bounds;
K_LIST(DECLARE)
#undef DECLARE

static const sim_kernel kernels[K_ID_COUNT] = {
#define ENTRY(name) [K_ID_##name] = name,
    K_LIST(ENTRY)
#undef ENTRY
};

static const sim_bounds *const bounds[K_ID_COUNT] = {
#define BOUNDS(name) [K_ID_##name] = &name##_bounds,
    K_LIST(BOUNDS)
#undef BOUNDS
};

const char *const sim_kernel_names[K_ID_COUNT] = {
#define NAME(name) [K_ID_##name] = #name,
    K_LIST(NAME)
#undef NAME
};

/* ---- pieces of work ---- */

static void *need(void *p)
{
    if (!p)
        abort(); /* a test's own machine is out of memory */
    return p;
}

static void event_leave(sim_event *e)
{
    if (--e->users == 0)
        free(e);
}

static void op_free(sim_op *op)
{
    if (op->event)
        event_leave(op->event);
    free(op->own);
    free(op);
}

void sim_drop(sim_list *list)
{
    for (sim_op *op = list->first, *next; op; op = next) {
        next = op->next;
        op_free(op);
    }
    *list = (sim_list){NULL, NULL};
}

/* A copy of *op, of its own bytes too; at the end of the list */
static void append(sim_list *list, const sim_op *op)
{
    sim_op *k = need(malloc(sizeof *k));
    const size_t bytes = op->kind == SIM_LAUNCH ? op->launch.args_bytes : op->bytes;
    *k = *op;
    k->next = NULL;
    if (op->own) {
        k->own = need(malloc(bytes ? bytes : 1));
        memcpy(k->own, op->own, bytes);
        if (op->kind == SIM_LAUNCH)
            k->launch.args = k->own;
        else
            k->src = k->own;
    }
    if (k->event)
        k->event->users++;
    if (list->last)
        list->last->next = k;
    else
        list->first = k;
    list->last = k;
}

/* ---- running it ---- */

typedef struct snapshot {
    uint8_t **copy;
    size_t count;
} snapshot;

static snapshot take_snapshot(const sim_device *d)
{
    snapshot s = {NULL, 0};
    for (const sim_block *k = d->blocks; k; k = k->next)
        s.count++;
    s.copy = need(calloc(s.count + 1, sizeof *s.copy));
    size_t i = 0;
    for (const sim_block *k = d->blocks; k; k = k->next, i++) {
        s.copy[i] = need(malloc(k->bytes + 1));
        memcpy(s.copy[i], k->data, k->bytes);
    }
    return s;
}

/* Flips a bit of one of the words that changed, each as likely; 0 when none did. */
static int corrupt(sim_device *d, snapshot *s)
{
    uint64_t changed = 0;
    uint8_t *word = NULL;
    size_t i = 0;
    for (const sim_block *k = d->blocks; k; k = k->next, i++) {
        for (size_t at = 0; at + 4 <= k->bytes; at += 4)
            if (memcmp(k->data + at, s->copy[i] + at, 4) != 0 && sim_random(d) % ++changed == 0)
                word = k->data + at;
        free(s->copy[i]);
    }
    free(s->copy);
    if (!word)
        return 0;
    const uint64_t bit = sim_random(d) % 32;
    word[bit / 8] = (uint8_t)(word[bit / 8] ^ 1u << bit % 8);
    return 1;
}

static const char *run_launch(sim_device *d, const hel_launch *l)
{
    const int wrong = d->corrupt_in && --d->corrupt_in == 0;
    snapshot before = {NULL, 0};
    if (wrong)
        before = take_snapshot(d);
    d->options.seed++;
    const char *fault = sim_launch_clusters(
        kernels[l->kernel], (sim_dim){l->grid[0], l->grid[1], l->grid[2]},
        (sim_dim){l->threads, 1, 1}, l->cluster, l->args, l->shared_bytes, &d->options);
    if (wrong && !corrupt(d, &before))
        d->corrupt_in = 1;
    return fault;
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static const char *run(sim_device *d, const sim_op *op)
{
    switch (op->kind) {
    case SIM_LAUNCH:
        return run_launch(d, &op->launch);
    case SIM_COPY:
        memcpy(op->dst, op->src, op->bytes);
        return NULL;
    case SIM_WIPE:
        memset(op->dst, 0, op->bytes);
        return NULL;
    case SIM_FOURIER:
        for (uint32_t i = 0; i < op->batch; i++)
            sim_fourier_row((double *)(void *)op->dst + ((size_t)2 * i << op->log_n), op->log_n,
                            op->inverse);
        return NULL;
    case SIM_RECORD:
        op->event->passed = op->mark;
        op->event->ms = now_ms();
        return NULL;
    case SIM_WAIT:
        return NULL;
    }
    return "unknown work";
}

/* What is first in a queue and may run; a queue that waits for an event has none. */
static int ready(const sim_queue *q)
{
    const sim_op *op = q->work.first;
    return op && (op->kind != SIM_WAIT || op->event->passed >= op->mark);
}

static sim_queue *choose(sim_device *d)
{
    sim_queue *chosen = NULL;
    uint64_t seen = 0;
    for (sim_queue *q = &d->none; q; q = q == &d->none ? d->queues : q->next)
        if (ready(q) && sim_random(d) % ++seen == 0)
            chosen = q;
    return chosen;
}

/* Work after the one that broke the device is dropped: events pass, nothing else happens. */
static void step(sim_device *d)
{
    sim_queue *q = choose(d);
    if (!q) {
        fprintf(stderr, "simulated device: queues wait for each other\n");
        abort();
    }
    sim_op *op = q->work.first;
    q->work.first = op->next;
    if (!op->next)
        q->work.last = NULL;
    if ((!d->broken && !d->lost) || op->kind == SIM_RECORD) {
        const char *fault = run(d, op);
        if (fault) {
            d->broken = 1;
            snprintf(d->fault, sizeof d->fault, "%s: %s",
                     op->kind == SIM_LAUNCH ? sim_kernel_names[op->launch.kernel] : "queue", fault);
        }
    }
    op_free(op);
}

static void drain(sim_device *d, const sim_queue *q)
{
    while (q->work.first)
        step(d);
}

void sim_drain_all(sim_device *d)
{
    drain(d, &d->none);
    for (const sim_queue *q = d->queues; q; q = q->next)
        drain(d, q);
}

static hel_status outcome(const sim_device *d)
{
    return d->broken ? sim_fail(HEL_E_INTERNAL, "%s", d->fault) : HEL_OK;
}

static sim_queue *queue_of(sim_device *d, void *queue)
{
    return queue ? queue : &d->none;
}

/* Queues it, or records it where a graph is being made and it may be part of one. */
static hel_status put(sim_device *d, void *queue, const sim_op *op, const char *what)
{
    sim_queue *q = queue_of(d, queue);
    const int graph = op->kind == SIM_LAUNCH || op->kind == SIM_WIPE || op->kind == SIM_FOURIER;
    if (q->graph && !graph)
        return sim_fail(HEL_E_UNSUPPORTED, "%s: while a graph is recorded", what);
    append(q->graph ? q->graph : &q->work, op);
    if (!d->late)
        drain(d, q);
    return outcome(d);
}

/* ---- queues ---- */

hel_status sim_queue_create(hel_device *device, void **queue)
{
    sim_device *d = (sim_device *)device;
    *queue = NULL;
    HEL_TRY(sim_enter(d, HEL_E_UNSUPPORTED, "queue"));
    sim_queue *q = need(calloc(1, sizeof *q));
    q->next = d->queues;
    d->queues = q;
    d->queues_alive++;
    *queue = q;
    return sim_leave(d, HEL_OK);
}

void sim_queue_free(hel_device *device, void *queue)
{
    sim_device *d = (sim_device *)device;
    pthread_mutex_lock(&d->lock);
    sim_queue *q = queue;
    drain(d, q);
    if (q->graph) {
        sim_drop(q->graph);
        free(q->graph);
    }
    for (sim_queue **at = &d->queues; *at; at = &(*at)->next)
        if (*at == q) {
            *at = q->next;
            break;
        }
    d->queues_alive--;
    free(q);
    pthread_mutex_unlock(&d->lock);
}

static int recording(const sim_device *d)
{
    for (const sim_queue *q = d->queues; q; q = q->next)
        if (q->graph)
            return 1;
    return 0;
}

hel_status sim_sync(hel_device *device, void *queue)
{
    sim_device *d = (sim_device *)device;
    pthread_mutex_lock(&d->lock); /* one that is told to fail has waited all the same */
    const int refused = queue ? ((const sim_queue *)queue)->graph != NULL : recording(d);
    if (queue)
        drain(d, queue);
    else
        sim_drain_all(d);
    pthread_mutex_unlock(&d->lock);
    HEL_TRY(sim_enter(d, HEL_E_UNSUPPORTED, "sync"));
    if (refused)
        return sim_leave(d, sim_fail(HEL_E_UNSUPPORTED, "sync: while a graph is recorded"));
    return sim_leave(d, HEL_OK);
}

/* ---- copies, wipes ---- */

/* Ends of a copy that lie on the device, or in pinned memory, are within one block. */
static hel_status check_range(const sim_device *d, const void *p, size_t bytes, int pinned,
                              const char *what)
{
    const sim_block *k = sim_block_of(d, p, bytes);
    if (k && k->pinned == pinned)
        return HEL_OK;
    return sim_fail(HEL_E_INTERNAL, "%s: %s memory is not of one allocation", what,
                    pinned ? "pinned" : "device");
}

static hel_status copy(sim_device *d, void *queue, const sim_op *op, int to_device, int pinned,
                       const char *what)
{
    HEL_TRY(sim_enter(d, HEL_E_UNSUPPORTED, what));
    hel_status status =
        op->bytes ? check_range(d, to_device ? op->dst : op->src, op->bytes, 0, what) : HEL_OK;
    if (status == HEL_OK && pinned && op->bytes)
        status = check_range(d, to_device ? op->src : op->dst, op->bytes, 1, what);
    if (status == HEL_OK)
        status = put(d, queue, op, what);
    if (status == HEL_OK && (!queue || (!pinned && !to_device))) {
        drain(d, queue_of(d, queue));
        status = outcome(d);
    }
    return sim_leave(d, status);
}

hel_status sim_upload(hel_device *device, void *queue, void *dst, const void *src, size_t bytes)
{
    void *own = need(malloc(bytes ? bytes : 1));
    memcpy(own, src, bytes);
    const sim_op op = {.kind = SIM_COPY, .dst = dst, .src = own, .bytes = bytes, .own = own};
    const hel_status status = copy((sim_device *)device, queue, &op, 1, 0, "upload");
    free(own);
    return status;
}

hel_status sim_download(hel_device *device, void *queue, void *dst, const void *src, size_t bytes)
{
    const sim_op op = {.kind = SIM_COPY, .dst = dst, .src = src, .bytes = bytes};
    return copy((sim_device *)device, queue, &op, 0, 0, "download");
}

hel_status sim_send(hel_device *device, void *queue, void *dst, const void *src, size_t bytes)
{
    const sim_op op = {.kind = SIM_COPY, .dst = dst, .src = src, .bytes = bytes};
    return copy((sim_device *)device, queue, &op, 1, 1, "send");
}

hel_status sim_fetch(hel_device *device, void *queue, void *dst, const void *src, size_t bytes)
{
    const sim_op op = {.kind = SIM_COPY, .dst = dst, .src = src, .bytes = bytes};
    return copy((sim_device *)device, queue, &op, 0, 1, "fetch");
}

hel_status sim_wipe(hel_device *device, void *queue, void *p, size_t bytes)
{
    sim_device *d = (sim_device *)device;
    const sim_op op = {.kind = SIM_WIPE, .dst = p, .bytes = bytes};
    HEL_TRY(sim_enter(d, HEL_E_UNSUPPORTED, "wipe"));
    hel_status status = bytes ? check_range(d, p, bytes, 0, "wipe") : HEL_OK;
    if (status == HEL_OK)
        status = put(d, queue, &op, "wipe");
    return sim_leave(d, status);
}

/* ---- kernels, Fourier transforms ---- */

static const char *check_launch(const sim_device *d, const hel_launch *l)
{
    if (l->shared_bytes > d->base.shared_max)
        return "more shared memory than a block may have";
    if (l->cluster > d->base.cluster_max || (l->cluster > 1 && l->grid[0] % l->cluster))
        return "a cluster that the device does not take";
    if (!l->grid[0] || !l->grid[1] || !l->grid[2] || l->args_bytes > 4096)
        return "no blocks, or arguments of more than 4 KiB";
    if (l->grid[0] > 0x7fffffff || l->grid[1] > 65535 || l->grid[2] > 65535)
        return "more blocks than a grid may have";
    /* more than any block may have: found by the machine, a fault that comes late */
    if (!l->threads || (l->threads <= 1024 && l->threads > bounds[l->kernel]->threads))
        return "no threads, or more than the kernel's launch bound";
    if (l->args_bytes != bounds[l->kernel]->args_bytes)
        return "arguments of another size than the kernel's";
    return NULL;
}

hel_status sim_device_launch(hel_device *device, void *queue, const hel_launch *launch)
{
    sim_device *d = (sim_device *)device;
    HEL_TRY(sim_enter(d, HEL_E_UNSUPPORTED, "launch"));
    const char *fault = check_launch(d, launch);
    if (fault)
        return sim_leave(
            d, sim_fail(HEL_E_INTERNAL, "%s: %s", sim_kernel_names[launch->kernel], fault));
    d->launches++;
    sim_op op = {.kind = SIM_LAUNCH, .launch = *launch};
    memcpy(&op.own, &launch->args, sizeof op.own); /* append copies the bytes */
    return sim_leave(d, put(d, queue, &op, "launch"));
}

hel_status sim_fourier(hel_device *device, void *queue, double *data, uint32_t log_n,
                       uint32_t batch, int inverse)
{
    sim_device *d = (sim_device *)device;
    const size_t bytes = ((size_t)2 * batch << log_n) * sizeof *data;
    HEL_TRY(sim_enter(d, HEL_E_UNSUPPORTED, "fourier"));
    if (log_n > SIM_PLANS_LOG || batch == 0 || batch > SIM_PLANS_BATCH)
        return sim_leave(d, sim_fail(HEL_E_UNSUPPORTED, "fourier: no plan of this shape"));
    hel_status status = check_range(d, data, bytes, 0, "fourier");
    uint8_t *plan = &d->plans[log_n][batch - 1];
    if (status == HEL_OK && !*plan && queue_of(d, queue)->graph)
        status = sim_fail(HEL_E_UNSUPPORTED, "fourier: a plan cannot be made while a graph is "
                                             "recorded");
    *plan = (uint8_t)(*plan | (status == HEL_OK));
    const sim_op op = {.kind = SIM_FOURIER,
                       .dst = (uint8_t *)data,
                       .bytes = bytes,
                       .log_n = log_n,
                       .batch = batch,
                       .inverse = inverse};
    if (status == HEL_OK)
        status = put(d, queue, &op, "fourier");
    return sim_leave(d, status);
}

/* ---- events ---- */

hel_status sim_event_create(hel_device *device, void **event)
{
    sim_device *d = (sim_device *)device;
    *event = NULL;
    HEL_TRY(sim_enter(d, HEL_E_UNSUPPORTED, "event"));
    sim_event *e = need(calloc(1, sizeof *e));
    e->users = 1;
    d->events_alive++;
    *event = e;
    return sim_leave(d, HEL_OK);
}

void sim_event_free(hel_device *device, void *event)
{
    sim_device *d = (sim_device *)device;
    if (!event)
        return;
    pthread_mutex_lock(&d->lock);
    event_leave(event);
    d->events_alive--;
    pthread_mutex_unlock(&d->lock);
}

hel_status sim_event_record(hel_device *device, void *queue, void *event)
{
    sim_device *d = (sim_device *)device;
    sim_event *e = event;
    HEL_TRY(sim_enter(d, HEL_E_UNSUPPORTED, "event record"));
    const sim_op op = {.kind = SIM_RECORD, .event = e, .mark = e->queued + 1};
    if (!queue_of(d, queue)->graph)
        e->queued++;
    return sim_leave(d, put(d, queue, &op, "event record"));
}

/* An event that was never recorded orders nothing. */
hel_status sim_event_wait(hel_device *device, void *queue, void *event)
{
    sim_device *d = (sim_device *)device;
    sim_event *e = event;
    HEL_TRY(sim_enter(d, HEL_E_UNSUPPORTED, "event wait"));
    const sim_op op = {.kind = SIM_WAIT, .event = e, .mark = e->queued};
    return sim_leave(d, put(d, queue, &op, "event wait"));
}

hel_status sim_event_sync(hel_device *device, void *event)
{
    sim_device *d = (sim_device *)device;
    sim_event *e = event;
    pthread_mutex_lock(&d->lock);
    while (e->passed < e->queued)
        step(d);
    pthread_mutex_unlock(&d->lock);
    HEL_TRY(sim_enter(d, HEL_E_UNSUPPORTED, "event sync"));
    return sim_leave(d, HEL_OK);
}

hel_status sim_event_ms(hel_device *device, void *first, void *last, float *ms)
{
    sim_device *d = (sim_device *)device;
    const sim_event *a = first, *b = last;
    *ms = 0;
    HEL_TRY(sim_enter(d, HEL_E_UNSUPPORTED, "event time"));
    if (!a->queued || !b->queued || a->passed < a->queued || b->passed < b->queued)
        return sim_leave(d, sim_fail(HEL_E_UNSUPPORTED, "event time: an event has not passed"));
    *ms = (float)(b->ms - a->ms);
    return sim_leave(d, HEL_OK);
}

/* ---- graphs ---- */

hel_status sim_graph_begin(hel_device *device, void *queue)
{
    sim_device *d = (sim_device *)device;
    sim_queue *q = queue;
    HEL_TRY(sim_enter(d, HEL_E_UNSUPPORTED, "graph begin"));
    if (!q || q->graph)
        return sim_leave(d, sim_fail(HEL_E_UNSUPPORTED, "graph begin: one is being recorded"));
    q->graph = need(calloc(1, sizeof *q->graph));
    return sim_leave(d, HEL_OK);
}

/* Ends the recording also when it fails. */
hel_status sim_graph_end(hel_device *device, void *queue, void **graph)
{
    sim_device *d = (sim_device *)device;
    sim_queue *q = queue;
    *graph = NULL;
    hel_status status = sim_enter(d, HEL_E_UNSUPPORTED, "graph end");
    if (status == HEL_OK && q->graph) {
        *graph = q->graph;
        d->graphs_alive++;
        q->graph = NULL;
        return sim_leave(d, HEL_OK);
    }
    if (status == HEL_OK)
        return sim_leave(d, sim_fail(HEL_E_UNSUPPORTED, "graph end: none is being recorded"));
    pthread_mutex_lock(&d->lock);
    if (q->graph) {
        sim_drop(q->graph);
        free(q->graph);
        q->graph = NULL;
    }
    pthread_mutex_unlock(&d->lock);
    return status;
}

hel_status sim_graph_run(hel_device *device, void *queue, void *graph)
{
    sim_device *d = (sim_device *)device;
    const sim_list *list = graph;
    hel_status status = sim_enter(d, HEL_E_UNSUPPORTED, "graph run");
    if (status != HEL_OK)
        return status;
    if (queue_of(d, queue)->graph)
        return sim_leave(d, sim_fail(HEL_E_UNSUPPORTED, "graph run: while a graph is recorded"));
    for (const sim_op *op = list->first; op && status == HEL_OK; op = op->next)
        status = put(d, queue, op, "graph run");
    return sim_leave(d, status);
}

void sim_graph_free(hel_device *device, void *graph)
{
    sim_device *d = (sim_device *)device;
    if (!graph)
        return;
    pthread_mutex_lock(&d->lock);
    sim_drop(graph);
    free(graph);
    d->graphs_alive--;
    pthread_mutex_unlock(&d->lock);
}
