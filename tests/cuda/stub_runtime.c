/* The CUDA runtime of stub_runtime.h. */
#include "tests/cuda/stub_runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/list.h"
#include "tests/sim/sim.h"

#define ZONE   256u /* bytes before and after every allocation */
#define PAINT  0xc3u
#define SHARED (227 * 1024) /* of a block of sm_90, on request */
#define FREE   ((size_t)48 * 1024)
#define TOTAL  ((size_t)1 << 32)

#define DECLARE(name)                                                                              \
    void name(const void *args);                                                                   \
    extern const sim_bounds name##_bounds;
K_LIST(DECLARE)
#undef DECLARE

typedef struct kernel {
    sim_kernel run;
    const sim_bounds *bounds;
    const char *name;
} kernel;

static const kernel kernels[K_ID_COUNT] = {
#define ENTRY(name) {name, &name##_bounds, #name},
    K_LIST(ENTRY)
#undef ENTRY
};

typedef struct block {
    struct block *next;
    uint8_t *data;
    size_t bytes;
    int pinned, device;
} block;

typedef struct step {
    struct step *next;
    const kernel *kernel; /* NULL: a memset, or a copy when src is given */
    dim3 grid, threads;
    uint32_t cluster;
    size_t shared, bytes;
    int value;
    void *dst;
    const void *src;
    uint8_t args[4096];
} step;

struct CUstream_st {
    int device, capturing, spoilt;
    struct CUgraph_st *graph; /* of the capture */
};

struct CUevent_st {
    int device, timing;
    double at; /* 0: not recorded */
};

struct CUgraph_st {
    step *first, **end;
};

struct CUgraphExec_st {
    struct CUgraph_st graph;
};

/* The machine */
static struct {
    uint32_t devices;
    int current, driver, code;
    block *blocks;
    stub_counts alive;
    uint64_t calls, fail_at, launches[2];
    cudaError_t fail_with, lost, untaken, count_error, kernels_error;
    const char *failed;
    double clock;
    int shared[K_ID_COUNT]; /* that a kernel may have */
} m;

static void die(const char *why)
{
    fprintf(stderr, "stub of the CUDA runtime: %s\n", why);
    abort();
}

static void *need(size_t bytes)
{
    void *p = calloc(1, bytes);
    if (!p)
        die("the host is out of memory");
    return p;
}

/* ---- the test's side ---- */

void stub_start(uint32_t devices)
{
    const stub_counts none = {0};
    if (memcmp(&m.alive, &none, sizeof none) != 0 || m.blocks)
        die("something is left of the machine before");
    memset(&m, 0, sizeof m);
    m.devices = devices;
    m.driver = CUDART_VERSION;
    m.code = 90;
}

void stub_fail_nth(uint64_t nth, cudaError_t error)
{
    m.fail_at = nth ? m.calls + nth : 0;
    m.fail_with = error;
    m.failed = NULL;
}

const char *stub_failed(void)
{
    return m.failed;
}

void stub_lose(cudaError_t error)
{
    m.lost = error;
}

void stub_driver(cudaError_t error, int version)
{
    m.count_error = error;
    m.driver = version;
}

void stub_kernels(cudaError_t error, int code)
{
    m.kernels_error = error;
    m.code = code;
}

stub_counts stub_alive(void)
{
    return m.alive;
}

uint64_t stub_launches(int clusters)
{
    return m.launches[clusters != 0];
}

cudaError_t stub_untaken(void)
{
    return m.untaken;
}

/* ---- calls and errors ---- */

static cudaError_t leave(cudaError_t e)
{
    if (e != cudaSuccess)
        m.untaken = e;
    return e;
}

static cudaError_t enter(const char *what, cudaError_t usual)
{
    m.calls++;
    if (m.lost != cudaSuccess)
        return leave(m.lost);
    if (m.calls != m.fail_at)
        return cudaSuccess;
    m.failed = what;
    return leave(m.fail_with != cudaSuccess ? m.fail_with : usual);
}

#define ENTER(usual)                                                                               \
    do {                                                                                           \
        const cudaError_t enter_ = enter(__func__, (usual));                                       \
        if (enter_ != cudaSuccess)                                                                 \
            return enter_;                                                                         \
    } while (0)

#define NAMES(X)                                                                                   \
    X(cudaErrorUnknown)                                                                            \
    X(cudaErrorMemoryAllocation)                                                                   \
    X(cudaErrorIllegalAddress)                                                                     \
    X(cudaErrorLaunchFailure)                                                                      \
    X(cudaErrorECCUncorrectable)                                                                   \
    X(cudaErrorInvalidValue)                                                                       \
    X(cudaErrorInvalidDevice)                                                                      \
    X(cudaErrorInvalidResourceHandle)                                                              \
    X(cudaErrorInvalidConfiguration)                                                               \
    X(cudaErrorInvalidClusterSize)                                                                 \
    X(cudaErrorLaunchOutOfResources)                                                               \
    X(cudaErrorStreamCaptureUnsupported)                                                           \
    X(cudaErrorStreamCaptureInvalidated)                                                           \
    X(cudaErrorIllegalState)                                                                       \
    X(cudaErrorNotReady)                                                                           \
    X(cudaErrorInsufficientDriver)                                                                 \
    X(cudaErrorNoDevice)                                                                           \
    X(cudaErrorNoKernelImageForDevice)                                                             \
    X(cudaErrorInvalidDeviceFunction)                                                              \
    X(cudaErrorUnsupportedPtxVersion)

const char *CUDARTAPI cudaGetErrorName(cudaError_t error)
{
    switch ((int)error) {
#define CASE(name)                                                                                 \
    case name:                                                                                     \
        return #name;
        NAMES(CASE)
#undef CASE
    default:
        return "an error that the stub has no name for";
    }
}

const char *CUDARTAPI cudaGetErrorString(cudaError_t error)
{
    return error == cudaSuccess ? "no error" : "the stub's words for it";
}

cudaError_t CUDARTAPI cudaGetLastError(void)
{
    const cudaError_t e = m.untaken;
    m.untaken = m.lost;
    return e;
}

/* ---- devices ---- */

cudaError_t CUDARTAPI cudaDriverGetVersion(int *driverVersion)
{
    *driverVersion = m.driver;
    return cudaSuccess;
}

cudaError_t CUDARTAPI cudaGetDeviceCount(int *count)
{
    ENTER(cudaErrorUnknown);
    *count = m.count_error == cudaSuccess ? (int)m.devices : 0;
    return leave(m.count_error);
}

static cudaError_t known(int device)
{
    return device >= 0 && (uint32_t)device < m.devices ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t CUDARTAPI cudaSetDevice(int device)
{
    ENTER(cudaErrorUnknown);
    if (known(device) == cudaSuccess)
        m.current = device;
    return leave(known(device));
}

cudaError_t CUDARTAPI cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attr, int device)
{
    ENTER(cudaErrorUnknown);
    switch ((int)attr) {
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = SHARED;
        break;
    case cudaDevAttrMultiProcessorCount:
        *value = 4;
        break;
    case cudaDevAttrComputeCapabilityMajor:
        *value = 9;
        break;
    case cudaDevAttrComputeCapabilityMinor:
        *value = 0;
        break;
    case cudaDevAttrClusterLaunch:
        *value = 1;
        break;
    default:
        die("an attribute that the stub does not know");
    }
    return leave(known(device));
}

cudaError_t CUDARTAPI cudaDeviceGetPCIBusId(char *pciBusId, int len, int device)
{
    ENTER(cudaErrorUnknown);
    snprintf(pciBusId, (size_t)len, "0000:%02x:00.0", 0x3b + device);
    return leave(known(device));
}

cudaError_t CUDARTAPI cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device)
{
    ENTER(cudaErrorUnknown);
    memset(prop, 0, sizeof *prop);
    snprintf(prop->name, sizeof prop->name, "stub");
    return leave(known(device));
}

static const kernel *find(const void *func)
{
    for (uint32_t i = 0; i < K_ID_COUNT; i++)
        if ((const void *)kernels[i].run == func)
            return &kernels[i];
    return NULL;
}

cudaError_t CUDARTAPI cudaFuncGetAttributes(struct cudaFuncAttributes *attr, const void *func)
{
    ENTER(cudaErrorUnknown);
    memset(attr, 0, sizeof *attr);
    attr->ptxVersion = attr->binaryVersion = m.code;
    return leave(find(func) ? m.kernels_error : cudaErrorInvalidDeviceFunction);
}

cudaError_t CUDARTAPI cudaFuncSetAttribute(const void *func, enum cudaFuncAttribute attr, int value)
{
    ENTER(cudaErrorUnknown);
    const kernel *k = find(func);
    if (!k)
        return leave(cudaErrorInvalidDeviceFunction);
    if (attr != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 || value > SHARED)
        return leave(cudaErrorInvalidValue);
    m.shared[k - kernels] = value;
    return cudaSuccess;
}

/* ---- memory ---- */

cudaError_t CUDARTAPI cudaMemGetInfo(size_t *free, size_t *total)
{
    ENTER(cudaErrorUnknown);
    *free = *total = TOTAL;
    for (const block *k = m.blocks; k; k = k->next)
        if (!k->pinned && k->device == m.current)
            *free -= k->bytes;
    return cudaSuccess;
}

/* A zone, the data (poisoned), a zone. Of no bytes: NULL. */
static cudaError_t allocate(void **out, size_t bytes, int pinned)
{
    *out = NULL;
    if (bytes == 0)
        return cudaSuccess;
    if (bytes > TOTAL)
        return leave(cudaErrorMemoryAllocation);
    uint8_t *p = aligned_alloc(256, 2 * ZONE + (bytes + 255) / 256 * 256);
    block *k = need(sizeof *k);
    if (!p)
        die("the host is out of memory");
    memset(p, PAINT, ZONE);
    memset(p + ZONE, 0xa5, bytes);
    memset(p + ZONE + bytes, PAINT, ZONE);
    *k = (block){m.blocks, p + ZONE, bytes, pinned, m.current};
    m.blocks = k;
    *(pinned ? &m.alive.pinned : &m.alive.blocks) += 1;
    *out = k->data;
    return cudaSuccess;
}

static void release(const void *p, int pinned)
{
    block **at = &m.blocks;
    while (*at && (*at)->data != p)
        at = &(*at)->next;
    block *k = *at;
    if (!p)
        return;
    if (!k || k->pinned != pinned)
        die("memory is freed that is not allocated");
    for (uint32_t i = 0; i < ZONE; i++)
        if (k->data[i - (size_t)ZONE] != PAINT || k->data[k->bytes + i] != PAINT)
            die("a red zone was written over");
    *at = k->next;
    *(pinned ? &m.alive.pinned : &m.alive.blocks) -= 1;
    free(k->data - ZONE);
    free(k);
}

cudaError_t CUDARTAPI cudaMalloc(void **devPtr, size_t size)
{
    ENTER(cudaErrorMemoryAllocation);
    return allocate(devPtr, size, 0);
}

cudaError_t CUDARTAPI cudaHostAlloc(void **pHost, size_t size, unsigned int flags)
{
    ENTER(cudaErrorMemoryAllocation);
    (void)flags;
    return allocate(pHost, size, 1);
}

cudaError_t CUDARTAPI cudaFree(void *devPtr)
{
    release(devPtr, 0);
    return enter(__func__, cudaErrorUnknown);
}

cudaError_t CUDARTAPI cudaFreeHost(void *ptr)
{
    release(ptr, 1);
    return enter(__func__, cudaErrorUnknown);
}

static int on_device(const void *p, size_t bytes)
{
    const uintptr_t at = (uintptr_t)p;
    for (const block *k = m.blocks; k; k = k->next) {
        const uintptr_t first = (uintptr_t)k->data;
        if (!k->pinned && at >= first && at - first <= k->bytes && bytes <= k->bytes - (at - first))
            return 1;
    }
    return 0;
}

/* ---- steps: run at once, or recorded ---- */

static cudaError_t run(const step *s)
{
    if (!s->kernel && s->src)
        memcpy(s->dst, s->src, s->bytes);
    if (!s->kernel && !s->src)
        memset(s->dst, s->value, s->bytes);
    if (!s->kernel)
        return cudaSuccess;
    const sim_dim grid = {s->grid.x, s->grid.y, s->grid.z}, threads = {s->threads.x, 1, 1};
    const sim_options options = {SIM_IN_ORDER, 0};
    void *own = need(s->kernel->bounds->args_bytes); /* of their very size, for the sanitizers */
    memcpy(own, s->args, s->kernel->bounds->args_bytes);
    const char *fault =
        sim_launch_clusters(s->kernel->run, grid, threads, s->cluster, own, s->shared, &options);
    free(own);
    m.launches[s->cluster > 1]++;
    if (!fault)
        return cudaSuccess;
    fprintf(stderr, "stub of the CUDA runtime: %s: %s\n", s->kernel->name, fault);
    m.lost = cudaErrorLaunchFailure;
    return m.lost;
}

static void graph_add(struct CUgraph_st *g, const step *s)
{
    step *own = need(sizeof *own);
    *own = *s;
    own->next = NULL;
    *g->end = own;
    g->end = &own->next;
}

static void graph_empty(struct CUgraph_st *g)
{
    for (step *s = g->first, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    g->first = NULL;
    g->end = &g->first;
}

static cudaError_t put(cudaStream_t stream, const step *s)
{
    if (stream && stream->device != m.current)
        return leave(cudaErrorInvalidResourceHandle);
    if (!stream || !stream->capturing)
        return leave(run(s));
    graph_add(stream->graph, s);
    return cudaSuccess;
}

/* What ends a capture that it is called in. */
static cudaError_t outside(cudaStream_t stream)
{
    if (!stream || !stream->capturing)
        return cudaSuccess;
    stream->spoilt = 1;
    return cudaErrorStreamCaptureUnsupported;
}

cudaError_t CUDARTAPI cudaMemcpyAsync(void *dst, const void *src, size_t count,
                                      enum cudaMemcpyKind kind, cudaStream_t stream)
{
    ENTER(cudaErrorUnknown);
    const step s = {.dst = dst, .src = src, .bytes = count};
    if (count == 0)
        return cudaSuccess;
    if ((kind == cudaMemcpyHostToDevice) != on_device(dst, count) ||
        (kind == cudaMemcpyDeviceToHost) != on_device(src, count))
        return leave(cudaErrorInvalidValue);
    return put(stream, &s);
}

cudaError_t CUDARTAPI cudaMemsetAsync(void *devPtr, int value, size_t count, cudaStream_t stream)
{
    ENTER(cudaErrorUnknown);
    const step s = {.dst = devPtr, .value = value, .bytes = count};
    if (count == 0)
        return cudaSuccess;
    return on_device(devPtr, count) ? put(stream, &s) : leave(cudaErrorInvalidValue);
}

/* ---- kernels ---- */

static cudaError_t check_launch(const step *s)
{
    if (!s->grid.x || !s->grid.y || !s->grid.z || s->grid.x > 0x7fffffffu || s->grid.y > 65535 ||
        s->grid.z > 65535 || !s->threads.x || s->threads.y != 1 || s->threads.z != 1 ||
        s->threads.x > 1024)
        return cudaErrorInvalidConfiguration;
    if (s->threads.x > s->kernel->bounds->threads)
        return cudaErrorLaunchOutOfResources;
    if (s->shared > FREE && s->shared > (size_t)m.shared[s->kernel - kernels])
        return cudaErrorInvalidValue;
    if (s->cluster > 8 || (s->cluster > 1 && s->grid.x % s->cluster))
        return cudaErrorInvalidClusterSize;
    return cudaSuccess;
}

static cudaError_t launch(const void *func, step *s, void **args, cudaStream_t stream)
{
    s->kernel = find(func);
    if (!s->kernel)
        return leave(cudaErrorInvalidDeviceFunction);
    const cudaError_t e = check_launch(s);
    if (e != cudaSuccess)
        return leave(e);
    memcpy(s->args, args[0], s->kernel->bounds->args_bytes);
    return put(stream, s);
}

cudaError_t CUDARTAPI cudaLaunchKernel(const void *func, dim3 gridDim, dim3 blockDim, void **args,
                                       size_t sharedMem, cudaStream_t stream)
{
    ENTER(cudaErrorUnknown);
    step s = {.grid = gridDim, .threads = blockDim, .cluster = 1, .shared = sharedMem};
    return launch(func, &s, args, stream);
}

cudaError_t CUDARTAPI cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *func,
                                          void **args)
{
    ENTER(cudaErrorUnknown);
    step s = {.grid = config->gridDim,
              .threads = config->blockDim,
              .cluster = 1,
              .shared = config->dynamicSmemBytes};
    for (uint32_t i = 0; i < config->numAttrs; i++) {
        const cudaLaunchAttribute *a = &config->attrs[i];
        if (a->id != cudaLaunchAttributeClusterDimension || a->val.clusterDim.y != 1 ||
            a->val.clusterDim.z != 1)
            return leave(cudaErrorInvalidValue);
        s.cluster = a->val.clusterDim.x;
    }
    return launch(func, &s, args, config->stream);
}

/* ---- streams ---- */

cudaError_t CUDARTAPI cudaStreamCreateWithFlags(cudaStream_t *pStream, unsigned int flags)
{
    ENTER(cudaErrorUnknown);
    (void)flags;
    *pStream = need(sizeof **pStream);
    (*pStream)->device = m.current;
    m.alive.streams++;
    return cudaSuccess;
}

cudaError_t CUDARTAPI cudaStreamDestroy(cudaStream_t stream)
{
    if (stream->capturing)
        die("a stream is destroyed while it is captured");
    free(stream);
    m.alive.streams--;
    return enter(__func__, cudaErrorUnknown);
}

cudaError_t CUDARTAPI cudaStreamSynchronize(cudaStream_t stream)
{
    ENTER(cudaErrorUnknown);
    return leave(outside(stream));
}

/* ---- events ---- */

cudaError_t CUDARTAPI cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int flags)
{
    ENTER(cudaErrorUnknown);
    *event = need(sizeof **event);
    (*event)->device = m.current;
    (*event)->timing = !(flags & cudaEventDisableTiming);
    m.alive.events++;
    return cudaSuccess;
}

cudaError_t CUDARTAPI cudaEventDestroy(cudaEvent_t event)
{
    free(event);
    m.alive.events--;
    return enter(__func__, cudaErrorUnknown);
}

cudaError_t CUDARTAPI cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    ENTER(cudaErrorUnknown);
    const cudaError_t e = outside(stream);
    if (e != cudaSuccess)
        return leave(e);
    if (event->device != (stream ? stream->device : m.current))
        return leave(cudaErrorInvalidResourceHandle);
    m.clock += 1;
    event->at = m.clock;
    return cudaSuccess;
}

cudaError_t CUDARTAPI cudaEventSynchronize(cudaEvent_t event)
{
    (void)event;
    ENTER(cudaErrorUnknown);
    return cudaSuccess;
}

cudaError_t CUDARTAPI cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event,
                                          unsigned int flags)
{
    (void)event;
    (void)flags;
    ENTER(cudaErrorUnknown);
    return leave(outside(stream));
}

cudaError_t CUDARTAPI cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end)
{
    ENTER(cudaErrorUnknown);
    if (!start->timing || !end->timing || start->at == 0 || end->at == 0)
        return leave(cudaErrorInvalidResourceHandle);
    *ms = (float)(end->at - start->at);
    return cudaSuccess;
}

/* ---- graphs ---- */

cudaError_t CUDARTAPI cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    ENTER(cudaErrorUnknown);
    if (stream->capturing || mode != cudaStreamCaptureModeRelaxed)
        return leave(cudaErrorIllegalState);
    stream->graph = need(sizeof *stream->graph);
    stream->graph->end = &stream->graph->first;
    stream->capturing = 1;
    m.alive.captures++;
    return cudaSuccess;
}

/* A capture ends whatever becomes of its graph. */
cudaError_t CUDARTAPI cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *pGraph)
{
    cudaError_t e = enter(__func__, cudaErrorUnknown);
    *pGraph = NULL;
    if (!stream->capturing)
        return leave(cudaErrorIllegalState);
    if (e == cudaSuccess && stream->spoilt)
        e = cudaErrorStreamCaptureInvalidated;
    if (e == cudaSuccess) {
        *pGraph = stream->graph;
        m.alive.graphs++;
    } else {
        graph_empty(stream->graph);
        free(stream->graph);
    }
    stream->graph = NULL;
    stream->capturing = stream->spoilt = 0;
    m.alive.captures--;
    return leave(e);
}

cudaError_t CUDARTAPI cudaGraphDestroy(cudaGraph_t graph)
{
    graph_empty(graph);
    free(graph);
    m.alive.graphs--;
    return enter(__func__, cudaErrorUnknown);
}

cudaError_t CUDARTAPI cudaGraphInstantiateWithFlags(cudaGraphExec_t *pGraphExec, cudaGraph_t graph,
                                                    unsigned long long flags)
{
    ENTER(cudaErrorUnknown);
    (void)flags;
    cudaGraphExec_t x = need(sizeof *x);
    x->graph.end = &x->graph.first;
    for (const step *s = graph->first; s; s = s->next)
        graph_add(&x->graph, s);
    m.alive.graphs++;
    *pGraphExec = x;
    return cudaSuccess;
}

cudaError_t CUDARTAPI cudaGraphExecDestroy(cudaGraphExec_t graphExec)
{
    graph_empty(&graphExec->graph);
    free(graphExec);
    m.alive.graphs--;
    return enter(__func__, cudaErrorUnknown);
}

cudaError_t CUDARTAPI cudaGraphLaunch(cudaGraphExec_t graphExec, cudaStream_t stream)
{
    ENTER(cudaErrorUnknown);
    cudaError_t e = outside(stream);
    for (const step *s = graphExec->graph.first; s && e == cudaSuccess; s = s->next)
        e = put(stream, s);
    return leave(e);
}
