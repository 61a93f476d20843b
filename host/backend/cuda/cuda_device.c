/*
 * The device of device.h on the CUDA runtime: its life, its memory and its failures in words.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/cuda/cuda_private.h"

static _Thread_local char text[384];

/* ---- failures ---- */

hel_status cuda_fail(hel_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return status;
}

const char *cuda_text(void)
{
    return text;
}

/* After these nothing works on the device any more until the process ends. */
static int device_lost(cudaError_t e)
{
    switch (e) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorLaunchFailure:
    case cudaErrorECCUncorrectable:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorAssert:
    case cudaErrorContextIsDestroyed:
        return 1;
    default:
        return 0;
    }
}

hel_status cuda_check(cudaError_t e, const char *what)
{
    if (e == cudaSuccess)
        return HEL_OK;
    (void)cudaGetLastError();
    if (e == cudaErrorMemoryAllocation)
        return cuda_fail(HEL_E_MEMORY, "%s: out of memory (%s)", what, cudaGetErrorName(e));
    return cuda_fail(HEL_E_UNSUPPORTED, "%s%s: %s (%s)", device_lost(e) ? "device lost: " : "",
                     what, cudaGetErrorString(e), cudaGetErrorName(e));
}

static const char *error(hel_device *device)
{
    (void)device;
    return text;
}

/* ---- memory ---- */

static hel_status memory(hel_device *device, uint64_t *free_bytes, uint64_t *total_bytes)
{
    size_t now, all;
    CUDA_SELECT(device);
    CUDA_TRY(cudaMemGetInfo(&now, &all));
    *free_bytes = now;
    *total_bytes = all;
    return HEL_OK;
}

static hel_status allocate(hel_device *device, void **out, size_t bytes)
{
    *out = NULL;
    CUDA_SELECT(device);
    CUDA_TRY(cudaMalloc(out, bytes));
    return HEL_OK;
}

static void release(hel_device *device, void *p)
{
    (void)cudaSetDevice(((cuda_device *)device)->ordinal);
    (void)cudaFree(p);
    (void)cudaGetLastError();
}

static hel_status host_alloc(hel_device *device, void **out, size_t bytes)
{
    *out = NULL;
    CUDA_SELECT(device);
    CUDA_TRY(cudaHostAlloc(out, bytes, cudaHostAllocPortable));
    return HEL_OK;
}

static void host_release(hel_device *device, void *p)
{
    (void)cudaSetDevice(((cuda_device *)device)->ordinal);
    (void)cudaFreeHost(p);
    (void)cudaGetLastError();
}

/* ---- life ---- */

static void close_device(hel_device *device)
{
    cuda_device *d = (cuda_device *)device;
    pthread_rwlock_destroy(&d->queues_lock);
    pthread_mutex_destroy(&d->lock);
    free(d->fft);
    free(d);
}

static const hel_device_ops ops = {
    .name = "cuda",
    .close = close_device,
    .error = error,
    .memory = memory,
    .alloc = allocate,
    .release = release,
    .host_alloc = host_alloc,
    .host_release = host_release,
    .queue_create = cuda_queue_create,
    .queue_free = cuda_queue_free,
    .sync = cuda_sync,
    .upload = cuda_upload,
    .download = cuda_download,
    .send = cuda_send,
    .fetch = cuda_fetch,
    .wipe = cuda_wipe,
    .launch = cuda_launch,
    .event_create = cuda_event_create,
    .event_free = cuda_event_free,
    .event_record = cuda_event_record,
    .event_wait = cuda_event_wait,
    .event_sync = cuda_event_sync,
    .event_ms = cuda_event_ms,
    .graph_begin = cuda_graph_begin,
    .graph_end = cuda_graph_end,
    .graph_run = cuda_graph_run,
    .graph_free = cuda_graph_free,
    .fourier = cuda_fourier,
};

/* The runtime says "insufficient driver" both when there is none and when it is too old. */
static void no_devices(cudaError_t e, char *out, size_t room)
{
    int driver = 0;
    (void)cudaGetLastError();
    (void)cudaDriverGetVersion(&driver);
    if (driver == 0)
        snprintf(out, room, "no NVIDIA driver answers (%s)", cudaGetErrorName(e));
    else if (e == cudaErrorInsufficientDriver)
        snprintf(out, room, "the NVIDIA driver is for CUDA %d.%d, the rule is at least %d.%d",
                 driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000,
                 CUDART_VERSION % 1000 / 10);
    else
        snprintf(out, room, "%s (%s)", cudaGetErrorString(e), cudaGetErrorName(e));
}

uint32_t hel_device_count(char *out, size_t room)
{
    int count = 0;
    const cudaError_t e = cudaGetDeviceCount(&count);
    if (e != cudaSuccess)
        no_devices(e, out, room);
    return e == cudaSuccess && count > 0 ? (uint32_t)count : 0;
}

static hel_status attribute(const cuda_device *d, enum cudaDeviceAttr which, int *value)
{
    *value = 0;
    CUDA_TRY(cudaDeviceGetAttribute(value, which, d->ordinal));
    return HEL_OK;
}

static hel_status describe(cuda_device *d)
{
    int shared, processors, major, minor, clusters = 0;
    char bus[32] = "";
    struct cudaDeviceProp p;
    struct cudaFuncAttributes f;
    CUDA_TRY(cudaSetDevice(d->ordinal));
    HEL_TRY(attribute(d, cudaDevAttrMaxSharedMemoryPerBlockOptin, &shared));
    HEL_TRY(attribute(d, cudaDevAttrMultiProcessorCount, &processors));
    HEL_TRY(attribute(d, cudaDevAttrComputeCapabilityMajor, &major));
    HEL_TRY(attribute(d, cudaDevAttrComputeCapabilityMinor, &minor));
    if (major >= 9)
        HEL_TRY(attribute(d, cudaDevAttrClusterLaunch, &clusters));
    CUDA_TRY(cudaDeviceGetPCIBusId(bus, sizeof bus, d->ordinal));
    CUDA_TRY(cudaGetDeviceProperties(&p, d->ordinal));
    d->base.shared_max = (size_t)shared;
    d->base.processors = (uint32_t)processors;
    snprintf(d->base.pci, sizeof d->base.pci, "%.15s", bus);
    snprintf(d->base.model, sizeof d->base.model, "%.60s, %.14s, sm_%d%d", p.name, bus, major,
             minor);
    /* Also creates the context: what fails later fails now. */
    const cudaError_t e = cudaFuncGetAttributes(&f, cuda_first_kernel());
    /* Code made for an older architecture has no clusters, whatever the device could. */
    d->base.cluster_max = e == cudaSuccess && clusters && f.ptxVersion >= 90 ? 8 : 1;
    if (e != cudaErrorNoKernelImageForDevice && e != cudaErrorInvalidDeviceFunction &&
        e != cudaErrorUnsupportedPtxVersion)
        return cuda_check(e, d->base.model);
    (void)cudaGetLastError();
    return cuda_fail(HEL_E_UNSUPPORTED, "%s: this build has no kernels for it (%s)", d->base.model,
                     cudaGetErrorName(e));
}

/* The build names its architectures; the compiler of the tests' stub has none. */
#ifndef HEL_CUDA_ARCHITECTURES
#define HEL_CUDA_ARCHITECTURES "no architecture"
#endif

void hel_device_about(char *out, size_t room)
{
    snprintf(out, room, "CUDA %d.%d, for %s", CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10,
             HEL_CUDA_ARCHITECTURES);
}

hel_device *hel_device_open(uint32_t ordinal, const hel_device_build *build, char *out, size_t room)
{
    const hel_device_build own = HEL_DEVICE_BUILD;
    const char *differs = hel_device_build_differs(&own, build);
    if (differs) {
        snprintf(out, room, "%s", differs);
        return NULL;
    }
    cuda_device *d = calloc(1, sizeof *d);
    if (!d) {
        snprintf(out, room, "out of memory");
        return NULL;
    }
    d->base.ops = &ops;
    d->ordinal = (int)ordinal;
    pthread_mutex_init(&d->lock, NULL);
    pthread_rwlock_init(&d->queues_lock, NULL);
    if (describe(d) != HEL_OK) {
        snprintf(out, room, "%s", text);
        close_device(&d->base);
        return NULL;
    }
    return &d->base;
}
