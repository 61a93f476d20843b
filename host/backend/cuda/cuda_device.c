/*
 * The device of device.h on the CUDA runtime: libheloci_cuda.so is this file and the kernels. The
 * library loads it at run time (cuda_load.c), so that one binary serves machines with and without
 * a GPU. Nothing of libheloci is called from here.
 */
#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/cuda/cuda_device.h"

typedef struct cuda_device {
    hel_device base;
    int ordinal;
    char text[256];
} cuda_device;

#define DECLARE(name) void name(void);
K_LIST(DECLARE)
#undef DECLARE

static const void *const kernels[K_ID_COUNT] = {
#define ENTRY(name) [K_ID_##name] = (const void *)name,
    K_LIST(ENTRY)
#undef ENTRY
};

/* Every call names the device first: several may be in use by one thread. */
static hel_status check(cuda_device *d, cudaError_t e, const char *what)
{
    if (e == cudaSuccess)
        return HEL_OK;
    snprintf(d->text, sizeof d->text, "%s: %s (%s)", what, cudaGetErrorString(e),
             cudaGetErrorName(e));
    (void)cudaGetLastError();
    return e == cudaErrorMemoryAllocation ? HEL_E_MEMORY : HEL_E_UNSUPPORTED;
}

#define CALL(d, expression)                                                                        \
    do {                                                                                           \
        hel_status call_status_ = check((d), (expression), #expression);                           \
        if (call_status_ != HEL_OK)                                                                \
            return call_status_;                                                                   \
    } while (0)

static void close_device(hel_device *device)
{
    free(device);
}

static const char *error(hel_device *device)
{
    return ((cuda_device *)device)->text;
}

static hel_status memory(hel_device *device, uint64_t *free_bytes, uint64_t *total_bytes)
{
    cuda_device *d = (cuda_device *)device;
    size_t now, all;
    CALL(d, cudaSetDevice(d->ordinal));
    CALL(d, cudaMemGetInfo(&now, &all));
    *free_bytes = now;
    *total_bytes = all;
    return HEL_OK;
}

static hel_status allocate(hel_device *device, void **out, size_t bytes)
{
    cuda_device *d = (cuda_device *)device;
    *out = NULL;
    CALL(d, cudaSetDevice(d->ordinal));
    CALL(d, cudaMalloc(out, bytes));
    return HEL_OK;
}

static void release(hel_device *device, void *p)
{
    (void)cudaSetDevice(((cuda_device *)device)->ordinal);
    (void)cudaFree(p);
}

static hel_status queue_create(hel_device *device, void **queue)
{
    cuda_device *d = (cuda_device *)device;
    cudaStream_t s = NULL;
    *queue = NULL;
    CALL(d, cudaSetDevice(d->ordinal));
    CALL(d, cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
    *queue = s;
    return HEL_OK;
}

static void queue_free(hel_device *device, void *queue)
{
    (void)cudaSetDevice(((cuda_device *)device)->ordinal);
    (void)cudaStreamDestroy(queue);
}

static hel_status sync(hel_device *device, void *queue)
{
    cuda_device *d = (cuda_device *)device;
    CALL(d, cudaSetDevice(d->ordinal));
    CALL(d, queue ? cudaStreamSynchronize(queue) : cudaDeviceSynchronize());
    return HEL_OK;
}

static hel_status wipe(hel_device *device, void *queue, void *p, size_t bytes)
{
    cuda_device *d = (cuda_device *)device;
    CALL(d, cudaSetDevice(d->ordinal));
    CALL(d, cudaMemsetAsync(p, 0, bytes, queue));
    return HEL_OK;
}

/* From pageable memory: the runtime has taken a copy when the call returns. */
static hel_status upload(hel_device *device, void *queue, void *dst, const void *src, size_t bytes)
{
    cuda_device *d = (cuda_device *)device;
    CALL(d, cudaSetDevice(d->ordinal));
    CALL(d, cudaMemcpyAsync(dst, src, bytes, cudaMemcpyHostToDevice, queue));
    if (!queue)
        CALL(d, cudaStreamSynchronize(queue));
    return HEL_OK;
}

static hel_status download(hel_device *device, void *queue, void *dst, const void *src,
                           size_t bytes)
{
    cuda_device *d = (cuda_device *)device;
    CALL(d, cudaSetDevice(d->ordinal));
    CALL(d, cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToHost, queue));
    CALL(d, cudaStreamSynchronize(queue));
    return HEL_OK;
}

static hel_status launch(hel_device *device, void *queue, const hel_launch *l)
{
    cuda_device *d = (cuda_device *)device;
    const dim3 grid = {l->grid[0], l->grid[1], l->grid[2]}, block = {l->threads, 1, 1};
    void *args[1];
    memcpy(args, &l->args, sizeof args[0]); /* the runtime reads it, but its type says otherwise */
    CALL(d, cudaSetDevice(d->ordinal));
    CALL(d, cudaLaunchKernel(kernels[l->kernel], grid, block, args, l->shared_bytes, queue));
    return HEL_OK;
}

/* Kernels whose block wants more shared memory than 48 KiB must ask for it once. */
static hel_status allow_shared_memory(cuda_device *d)
{
    int most = 0;
    CALL(d, cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, d->ordinal));
    d->base.shared_max = (size_t)most;
    for (uint32_t i = 0; i < K_ID_COUNT; i++)
        CALL(d,
             cudaFuncSetAttribute(kernels[i], cudaFuncAttributeMaxDynamicSharedMemorySize, most));
    return HEL_OK;
}

static const hel_device_ops ops = {.name = "cuda",
                                   .close = close_device,
                                   .error = error,
                                   .memory = memory,
                                   .alloc = allocate,
                                   .release = release,
                                   .queue_create = queue_create,
                                   .queue_free = queue_free,
                                   .sync = sync,
                                   .wipe = wipe,
                                   .upload = upload,
                                   .download = download,
                                   .launch = launch};

int hel_cuda_devices(char *text, size_t room)
{
    int count = 0;
    cudaError_t e = cudaGetDeviceCount(&count);
    if (e == cudaSuccess)
        return count;
    snprintf(text, room, "%s", cudaGetErrorString(e));
    return 0;
}

hel_device *hel_cuda_open(int ordinal, size_t table_bytes, uint32_t kernel_count, char *text,
                          size_t room)
{
    if (table_bytes != sizeof(hel_device_ops) || kernel_count != K_ID_COUNT) {
        snprintf(text, room, "the CUDA library is of another build than libheloci");
        return NULL;
    }
    cuda_device *d = calloc(1, sizeof *d);
    if (!d) {
        snprintf(text, room, "out of memory");
        return NULL;
    }
    d->base.ops = &ops;
    d->ordinal = ordinal;
    if (check(d, cudaSetDevice(ordinal), "cudaSetDevice") != HEL_OK ||
        allow_shared_memory(d) != HEL_OK) {
        snprintf(text, room, "%s", d->text);
        free(d);
        return NULL;
    }
    return &d->base;
}
