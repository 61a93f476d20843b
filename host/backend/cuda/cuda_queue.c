/* What is queued on a CUDA device: copies, kernels, events, graphs. */
#include <stdlib.h>
#include <string.h>

#include "host/backend/cuda/cuda_private.h"

#define DECLARE(name) void name(void);
K_LIST(DECLARE)
#undef DECLARE

static const void *const kernels[K_ID_COUNT] = {
#define ENTRY(name) [K_ID_##name] = (const void *)name,
    K_LIST(ENTRY)
#undef ENTRY
};

static const char *const names[K_ID_COUNT] = {
#define NAME(name) [K_ID_##name] = #name,
    K_LIST(NAME)
#undef NAME
};

const void *cuda_first_kernel(void)
{
    return kernels[0];
}

static cudaStream_t stream_of(void *queue)
{
    return queue ? ((cuda_queue *)queue)->stream : NULL;
}

/* What a graph cannot hold: the runtime would record some of it, and end the recording for
 * other. */
static hel_status not_recording(const cuda_queue *q, const char *what)
{
    if (q && q->recording)
        return cuda_fail(HEL_E_UNSUPPORTED, "%s: while a graph is recorded", what);
    return HEL_OK;
}

/* ---- queues ---- */

/* Begins (1) or ends (0) a recording; none begins while all queues are waited for. */
static cudaError_t capture(cuda_device *d, cuda_queue *q, int begin, cudaGraph_t *recorded)
{
    pthread_rwlock_wrlock(&d->queues_lock);
    const cudaError_t e = begin ? cudaStreamBeginCapture(q->stream, cudaStreamCaptureModeRelaxed)
                                : cudaStreamEndCapture(q->stream, recorded);
    if (begin && e == cudaSuccess) {
        q->recording = 1;
        d->recording++;
    } else if (!begin && q->recording) {
        q->recording = 0;
        d->recording--;
    }
    pthread_rwlock_unlock(&d->queues_lock);
    return e;
}

/* Not by cudaDeviceSynchronize: it would end a graph that another hel_device of the same GPU
 * records. */
static hel_status sync_all(cuda_device *d)
{
    hel_status status = HEL_OK;
    pthread_rwlock_rdlock(&d->queues_lock);
    if (d->recording)
        status = cuda_fail(HEL_E_UNSUPPORTED, "sync: while a graph is recorded");
    for (const cuda_queue *q = d->queues; q && status == HEL_OK; q = q->next)
        status = cuda_check(cudaStreamSynchronize(q->stream), "cudaStreamSynchronize");
    if (status == HEL_OK)
        status = cuda_check(cudaStreamSynchronize(NULL), "cudaStreamSynchronize");
    pthread_rwlock_unlock(&d->queues_lock);
    return status;
}

hel_status cuda_queue_create(hel_device *device, void **queue)
{
    cuda_device *d = (cuda_device *)device;
    *queue = NULL;
    CUDA_SELECT(device);
    cuda_queue *q = calloc(1, sizeof *q);
    if (!q)
        return cuda_fail(HEL_E_MEMORY, "a queue: out of memory");
    const hel_status status = cuda_check(
        cudaStreamCreateWithFlags(&q->stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    if (status != HEL_OK) {
        free(q);
        return status;
    }
    pthread_rwlock_wrlock(&d->queues_lock);
    q->next = d->queues;
    d->queues = q;
    pthread_rwlock_unlock(&d->queues_lock);
    *queue = q;
    return HEL_OK;
}

/* Failures have nobody to tell: a lost device has no work left. */
void cuda_queue_free(hel_device *device, void *queue)
{
    cuda_device *d = (cuda_device *)device;
    cuda_queue *q = queue;
    cudaGraph_t unfinished = NULL;
    if (!q)
        return;
    (void)cudaSetDevice(d->ordinal);
    if (q->recording && capture(d, q, 0, &unfinished) == cudaSuccess && unfinished)
        (void)cudaGraphDestroy(unfinished);
    pthread_rwlock_wrlock(&d->queues_lock);
    for (cuda_queue **at = &d->queues; *at; at = &(*at)->next)
        if (*at == q) {
            *at = q->next;
            break;
        }
    pthread_rwlock_unlock(&d->queues_lock);
    (void)cudaStreamSynchronize(q->stream);
    cuda_plans_free(d, q);
    for (uint32_t i = 0; i < CUDA_SLOTS; i++)
        if (q->slot_free[i])
            (void)cudaEventDestroy(q->slot_free[i]);
    if (q->slots) {
        memset(q->slots, 0, CUDA_SLOTS * CUDA_SLOT_BYTES); /* seeds and messages have passed */
        (void)cudaFreeHost(q->slots);
    }
    (void)cudaStreamDestroy(q->stream);
    (void)cudaGetLastError();
    free(q);
}

hel_status cuda_sync(hel_device *device, void *queue)
{
    HEL_TRY(not_recording(queue, "sync"));
    CUDA_SELECT(device);
    if (!queue)
        return sync_all((cuda_device *)device);
    CUDA_TRY(cudaStreamSynchronize(stream_of(queue)));
    return HEL_OK;
}

/* ---- copies ---- */

static hel_status create_slots(cuda_queue *q)
{
    void *slots = NULL;
    for (uint32_t i = 0; i < CUDA_SLOTS; i++)
        if (!q->slot_free[i])
            CUDA_TRY(cudaEventCreateWithFlags(&q->slot_free[i], cudaEventDisableTiming));
    CUDA_TRY(cudaHostAlloc(&slots, CUDA_SLOTS * CUDA_SLOT_BYTES, cudaHostAllocDefault));
    q->slots = slots;
    return HEL_OK;
}

/* Once the copy that used the slot last is done */
static hel_status upload_by_slot(cuda_queue *q, uint8_t *dst, const uint8_t *src, size_t bytes)
{
    const uint32_t i = q->slot++ % CUDA_SLOTS;
    uint8_t *slot = q->slots + i * CUDA_SLOT_BYTES;
    CUDA_TRY(cudaEventSynchronize(q->slot_free[i])); /* at once before the first record */
    memcpy(slot, src, bytes);
    CUDA_TRY(cudaMemcpyAsync(dst, slot, bytes, cudaMemcpyHostToDevice, q->stream));
    CUDA_TRY(cudaEventRecord(q->slot_free[i], q->stream));
    return HEL_OK;
}

/* Up to a packed ciphertext and more goes through pinned slots and waits for nothing but earlier
 * uploads; whether a copy from pageable memory has read it when the call returns depends on the
 * system, so larger ones wait. */
hel_status cuda_upload(hel_device *device, void *queue, void *dst, const void *src, size_t bytes)
{
    cuda_queue *q = queue;
    HEL_TRY(not_recording(q, "upload"));
    CUDA_SELECT(device);
    if (!q || bytes > CUDA_SLOTS * CUDA_SLOT_BYTES) {
        CUDA_TRY(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyHostToDevice, stream_of(q)));
        CUDA_TRY(cudaStreamSynchronize(stream_of(q)));
        return HEL_OK;
    }
    if (!q->slots)
        HEL_TRY(create_slots(q));
    for (size_t at = 0; at < bytes; at += CUDA_SLOT_BYTES) {
        const size_t left = bytes - at;
        HEL_TRY(upload_by_slot(q, (uint8_t *)dst + at, (const uint8_t *)src + at,
                               left < CUDA_SLOT_BYTES ? left : CUDA_SLOT_BYTES));
    }
    return HEL_OK;
}

hel_status cuda_download(hel_device *device, void *queue, void *dst, const void *src, size_t bytes)
{
    HEL_TRY(not_recording(queue, "download"));
    CUDA_SELECT(device);
    CUDA_TRY(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToHost, stream_of(queue)));
    CUDA_TRY(cudaStreamSynchronize(stream_of(queue)));
    return HEL_OK;
}

hel_status cuda_send(hel_device *device, void *queue, void *dst, const void *src, size_t bytes)
{
    HEL_TRY(not_recording(queue, "send"));
    CUDA_SELECT(device);
    CUDA_TRY(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyHostToDevice, stream_of(queue)));
    return HEL_OK;
}

hel_status cuda_fetch(hel_device *device, void *queue, void *dst, const void *src, size_t bytes)
{
    HEL_TRY(not_recording(queue, "fetch"));
    CUDA_SELECT(device);
    CUDA_TRY(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToHost, stream_of(queue)));
    return HEL_OK;
}

hel_status cuda_wipe(hel_device *device, void *queue, void *p, size_t bytes)
{
    CUDA_SELECT(device);
    CUDA_TRY(cudaMemsetAsync(p, 0, bytes, stream_of(queue)));
    return HEL_OK;
}

/* ---- kernels ---- */

#define SHARED_FREE ((size_t)48 * 1024) /* what every kernel may have without asking */

/* All that a block may have, whatever a launch needs: the limit is the process's, and another
 * hel_device of the same GPU would lower it. */
static hel_status allow_shared(cuda_device *d, k_id kernel)
{
    hel_status status = HEL_OK;
    pthread_mutex_lock(&d->lock);
    if (!d->shared_set[kernel]) {
        status = cuda_check(cudaFuncSetAttribute(kernels[kernel],
                                                 cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                 (int)d->base.shared_max),
                            names[kernel]);
        d->shared_set[kernel] = status == HEL_OK;
    }
    pthread_mutex_unlock(&d->lock);
    return status;
}

hel_status cuda_launch(hel_device *device, void *queue, const hel_launch *l)
{
    cuda_device *d = (cuda_device *)device;
    const dim3 grid = {l->grid[0], l->grid[1], l->grid[2]}, block = {l->threads, 1, 1};
    void *args[1];
    memcpy(&args[0], &l->args, sizeof args[0]); /* the runtime reads it; its type says otherwise */
    CUDA_SELECT(device);
    if (l->shared_bytes > SHARED_FREE)
        HEL_TRY(allow_shared(d, l->kernel));
    if (l->cluster <= 1)
        return cuda_check(cudaLaunchKernel(kernels[l->kernel], grid, block, args, l->shared_bytes,
                                           stream_of(queue)),
                          names[l->kernel]);
    cudaLaunchAttribute attribute = {.id = cudaLaunchAttributeClusterDimension};
    attribute.val.clusterDim.x = l->cluster;
    attribute.val.clusterDim.y = 1;
    attribute.val.clusterDim.z = 1;
    const cudaLaunchConfig_t config = {.gridDim = grid,
                                       .blockDim = block,
                                       .dynamicSmemBytes = l->shared_bytes,
                                       .stream = stream_of(queue),
                                       .attrs = &attribute,
                                       .numAttrs = 1};
    return cuda_check(cudaLaunchKernelExC(&config, kernels[l->kernel], args), names[l->kernel]);
}

/* ---- events ---- */

hel_status cuda_event_create(hel_device *device, void **event)
{
    cudaEvent_t e = NULL;
    *event = NULL;
    CUDA_SELECT(device);
    CUDA_TRY(cudaEventCreateWithFlags(&e, cudaEventDefault));
    *event = e;
    return HEL_OK;
}

void cuda_event_free(hel_device *device, void *event)
{
    if (!event)
        return;
    (void)cudaSetDevice(((cuda_device *)device)->ordinal);
    (void)cudaEventDestroy(event);
    (void)cudaGetLastError();
}

hel_status cuda_event_record(hel_device *device, void *queue, void *event)
{
    HEL_TRY(not_recording(queue, "event record"));
    CUDA_SELECT(device);
    CUDA_TRY(cudaEventRecord(event, stream_of(queue)));
    return HEL_OK;
}

hel_status cuda_event_wait(hel_device *device, void *queue, void *event)
{
    HEL_TRY(not_recording(queue, "event wait"));
    CUDA_SELECT(device);
    CUDA_TRY(cudaStreamWaitEvent(stream_of(queue), event, 0));
    return HEL_OK;
}

hel_status cuda_event_sync(hel_device *device, void *event)
{
    CUDA_SELECT(device);
    CUDA_TRY(cudaEventSynchronize(event));
    return HEL_OK;
}

hel_status cuda_event_ms(hel_device *device, void *first, void *last, float *ms)
{
    *ms = 0;
    CUDA_SELECT(device);
    CUDA_TRY(cudaEventElapsedTime(ms, first, last));
    return HEL_OK;
}

/* ---- graphs ---- */

/* Relaxed: memory may be allocated meanwhile, by this thread or another. */
hel_status cuda_graph_begin(hel_device *device, void *queue)
{
    cuda_queue *q = queue;
    HEL_TRY(not_recording(q, "graph begin"));
    CUDA_SELECT(device);
    return cuda_check(capture((cuda_device *)device, q, 1, NULL), "cudaStreamBeginCapture");
}

/* Whatever fails, the recording has ended: else the queue would go on recording. */
hel_status cuda_graph_end(hel_device *device, void *queue, void **graph)
{
    cuda_device *d = (cuda_device *)device;
    cudaGraph_t recorded = NULL;
    cudaGraphExec_t ready = NULL;
    *graph = NULL;
    const cudaError_t selected = cudaSetDevice(d->ordinal);
    const cudaError_t ended = capture(d, queue, 0, &recorded);
    hel_status status = cuda_check(selected, "cudaSetDevice");
    if (status == HEL_OK)
        status = cuda_check(ended, "cudaStreamEndCapture");
    if (status == HEL_OK)
        status = cuda_check(cudaGraphInstantiateWithFlags(&ready, recorded, 0),
                            "cudaGraphInstantiateWithFlags");
    if (recorded)
        (void)cudaGraphDestroy(recorded);
    if (status == HEL_OK)
        *graph = ready;
    return status;
}

hel_status cuda_graph_run(hel_device *device, void *queue, void *graph)
{
    HEL_TRY(not_recording(queue, "graph run"));
    CUDA_SELECT(device);
    CUDA_TRY(cudaGraphLaunch(graph, stream_of(queue)));
    return HEL_OK;
}

void cuda_graph_free(hel_device *device, void *graph)
{
    if (!graph)
        return;
    (void)cudaSetDevice(((cuda_device *)device)->ordinal);
    (void)cudaGraphExecDestroy(graph);
    (void)cudaGetLastError();
}
