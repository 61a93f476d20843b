/*
 * The inside of libheloci_cuda.so, which is this folder and the kernels: nothing of libheloci is
 * called from here. cuda_device.c: life and memory; cuda_queue.c: what is queued; cuda_fourier.c:
 * cuFFT.
 */
#ifndef HEL_BACKEND_CUDA_CUDA_PRIVATE_H
#define HEL_BACKEND_CUDA_CUDA_PRIVATE_H

#if __has_include(<cuda_runtime_api.h>) /* else there is nothing to build: the header is empty */

#include <cuda_runtime_api.h>
#include <pthread.h>

#include "host/backend/device_library.h"

typedef struct cuda_device {
    hel_device base;
    int ordinal;
    pthread_mutex_t lock;           /* of what follows */
    uint8_t shared_set[K_ID_COUNT]; /* 1: the kernel may have all the shared memory of a block */
    struct cuda_fourier_calls *fft; /* of cuFFT once it has been loaded */
    int fft_absent;
    pthread_rwlock_t queues_lock; /* of what follows */
    struct cuda_queue *queues;
    uint32_t recording; /* queues that record a graph */
} cuda_device;

#define CUDA_SLOTS      4u
#define CUDA_SLOT_BYTES ((size_t)256 * 1024)

typedef struct cuda_plan {
    struct cuda_plan *next;
    uint32_t log_n, batch;
    int handle, made; /* made: the handle is to be destroyed */
    void *work;       /* on the device */
    size_t work_bytes;
} cuda_plan;

/* A stream, pinned slots through which small uploads pass, its transforms' plans (their work memory
 * serves one stream at a time), and whether a graph is being recorded. */
typedef struct cuda_queue {
    struct cuda_queue *next;
    cudaStream_t stream;
    uint8_t *slots;
    cudaEvent_t slot_free[CUDA_SLOTS];
    uint32_t slot;
    cuda_plan *plans;
    int recording;
} cuda_queue;

/* The sentence of the latest failure on this thread. */
hel_status cuda_fail(hel_status status, const char *format, ...) HEL_PRINTF(2, 3);
const char *cuda_text(void);
/* HEL_OK, or the failure in words; clears the runtime's own record of it. */
hel_status cuda_check(cudaError_t e, const char *what);

#define CUDA_TRY(expression)                                                                       \
    do {                                                                                           \
        const hel_status cuda_try_ = cuda_check((expression), #expression);                        \
        if (cuda_try_ != HEL_OK)                                                                   \
            return cuda_try_;                                                                      \
    } while (0)

/* Every call names the device first: several may be in use by one thread. */
#define CUDA_SELECT(device) CUDA_TRY(cudaSetDevice(((cuda_device *)(device))->ordinal))

/* cuda_queue.c */
const void *cuda_first_kernel(void);
hel_status cuda_queue_create(hel_device *device, void **queue);
void cuda_queue_free(hel_device *device, void *queue);
hel_status cuda_sync(hel_device *device, void *queue);
hel_status cuda_upload(hel_device *device, void *queue, void *dst, const void *src, size_t bytes);
hel_status cuda_download(hel_device *device, void *queue, void *dst, const void *src, size_t bytes);
hel_status cuda_send(hel_device *device, void *queue, void *dst, const void *src, size_t bytes);
hel_status cuda_fetch(hel_device *device, void *queue, void *dst, const void *src, size_t bytes);
hel_status cuda_wipe(hel_device *device, void *queue, void *p, size_t bytes);
hel_status cuda_launch(hel_device *device, void *queue, const hel_launch *launch);
hel_status cuda_event_create(hel_device *device, void **event);
void cuda_event_free(hel_device *device, void *event);
hel_status cuda_event_record(hel_device *device, void *queue, void *event);
hel_status cuda_event_wait(hel_device *device, void *queue, void *event);
hel_status cuda_event_sync(hel_device *device, void *event);
hel_status cuda_event_ms(hel_device *device, void *first, void *last, float *ms);
hel_status cuda_graph_begin(hel_device *device, void *queue);
hel_status cuda_graph_end(hel_device *device, void *queue, void **graph);
hel_status cuda_graph_run(hel_device *device, void *queue, void *graph);
void cuda_graph_free(hel_device *device, void *graph);

/* cuda_fourier.c */
hel_status cuda_fourier(hel_device *device, void *queue, double *data, uint32_t log_n,
                        uint32_t batch, int inverse);
void cuda_plans_free(cuda_device *d, cuda_queue *q);

#endif

#endif
