/*
 * Fourier transforms by cuFFT, which is loaded at the first use: hosts without it run everything
 * else. Its few functions are declared here as its manual gives them; its headers are not needed.
 * Plans work in memory of ours, which is zeroed behind each transform: it held a message.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/cuda/cuda_private.h"

#define CUFFT_Z2Z_TYPE 0x69 /* complex doubles in and out */

typedef struct cuda_fourier_calls {
    int (*create)(int *plan);
    int (*set_auto_allocation)(int plan, int automatic);
    int (*make_plan_many)(int plan, int rank, int *n, int *inembed, int istride, int idist,
                          int *onembed, int ostride, int odist, int type, int batch,
                          size_t *work_bytes);
    int (*set_work_area)(int plan, void *work);
    int (*set_stream)(int plan, cudaStream_t stream);
    int (*exec)(int plan, void *in, void *out, int direction);
    int (*destroy)(int plan);
} cuda_fourier_calls;

/* The release that belongs to this runtime first. */
#if CUDART_VERSION >= 13000
static const char *const libraries[] = {"libcufft.so.12", "libcufft.so.11"};
#else
static const char *const libraries[] = {"libcufft.so.11", "libcufft.so.12"};
#endif

static int find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

/* The library stays loaded. d->lock is held. */
static void load(cuda_device *d)
{
    cuda_fourier_calls calls;
    void *library = dlopen(libraries[0], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        library = dlopen(libraries[1], RTLD_NOW | RTLD_LOCAL);
    d->fft_absent = 1;
    if (!library || !find(library, "cufftCreate", &calls.create) ||
        !find(library, "cufftSetAutoAllocation", &calls.set_auto_allocation) ||
        !find(library, "cufftMakePlanMany", &calls.make_plan_many) ||
        !find(library, "cufftSetWorkArea", &calls.set_work_area) ||
        !find(library, "cufftSetStream", &calls.set_stream) ||
        !find(library, "cufftExecZ2Z", &calls.exec) ||
        !find(library, "cufftDestroy", &calls.destroy))
        return;
    d->fft = malloc(sizeof *d->fft);
    if (d->fft)
        *d->fft = calls;
    d->fft_absent = !d->fft;
}

static hel_status need_calls(cuda_device *d)
{
    pthread_mutex_lock(&d->lock);
    if (!d->fft && !d->fft_absent)
        load(d);
    pthread_mutex_unlock(&d->lock);
    if (d->fft)
        return HEL_OK;
    return cuda_fail(HEL_E_UNSUPPORTED, "Fourier transforms: neither %s nor %s can be loaded",
                     libraries[0], libraries[1]);
}

static hel_status failed(const char *what, int code)
{
    /* 2: CUFFT_ALLOC_FAILED */
    return cuda_fail(code == 2 ? HEL_E_MEMORY : HEL_E_UNSUPPORTED, "%s: cuFFT's code %d", what,
                     code);
}

static void free_plan(const cuda_device *d, cuda_plan *p)
{
    if (p->made)
        (void)d->fft->destroy(p->handle);
    if (p->work)
        (void)cudaFree(p->work);
    free(p);
}

/* A failure leaves what free_plan undoes. */
static hel_status make_plan(const cuda_device *d, const cuda_queue *q, cuda_plan *p)
{
    int n[1] = {1 << p->log_n};
    int code = d->fft->create(&p->handle);
    if (code)
        return failed("cufftCreate", code);
    p->made = 1;
    code = d->fft->set_auto_allocation(p->handle, 0);
    if (code)
        return failed("cufftSetAutoAllocation", code);
    code = d->fft->make_plan_many(p->handle, 1, n, NULL, 1, n[0], NULL, 1, n[0], CUFFT_Z2Z_TYPE,
                                  (int)p->batch, &p->work_bytes);
    if (code)
        return failed("cufftMakePlanMany", code);
    if (p->work_bytes > 0) {
        CUDA_TRY(cudaMalloc(&p->work, p->work_bytes));
        code = d->fft->set_work_area(p->handle, p->work);
        if (code)
            return failed("cufftSetWorkArea", code);
    }
    code = d->fft->set_stream(p->handle, q->stream);
    return code ? failed("cufftSetStream", code) : HEL_OK;
}

static hel_status create_plan(const cuda_device *d, cuda_queue *q, uint32_t log_n, uint32_t batch,
                              cuda_plan **out)
{
    if (q->recording)
        return cuda_fail(HEL_E_UNSUPPORTED, "Fourier transforms: a plan cannot be made while a "
                                            "graph is recorded");
    cuda_plan *p = calloc(1, sizeof *p);
    if (!p)
        return cuda_fail(HEL_E_MEMORY, "Fourier transforms: out of memory");
    p->log_n = log_n;
    p->batch = batch;
    const hel_status status = make_plan(d, q, p);
    if (status != HEL_OK) {
        free_plan(d, p);
        return status;
    }
    p->next = q->plans;
    q->plans = p;
    *out = p;
    return HEL_OK;
}

hel_status cuda_fourier(hel_device *device, void *queue, double *data, uint32_t log_n,
                        uint32_t batch, int inverse)
{
    cuda_device *d = (cuda_device *)device;
    cuda_queue *q = queue;
    CUDA_SELECT(device);
    HEL_TRY(need_calls(d));
    if (!q || log_n > 24 || batch == 0 || batch > 1u << 24)
        return cuda_fail(HEL_E_UNSUPPORTED, "Fourier transforms: no plan of this shape");
    cuda_plan *p = q->plans;
    while (p && (p->log_n != log_n || p->batch != batch))
        p = p->next;
    if (!p)
        HEL_TRY(create_plan(d, q, log_n, batch, &p));
    const int code = d->fft->exec(p->handle, data, data, inverse ? 1 : -1);
    if (p->work)
        CUDA_TRY(cudaMemsetAsync(p->work, 0, p->work_bytes, q->stream));
    return code ? failed("cufftExecZ2Z", code) : HEL_OK;
}

void cuda_plans_free(cuda_device *d, cuda_queue *q)
{
    for (cuda_plan *p = q->plans, *next; p; p = next) {
        next = p->next;
        free_plan(d, p);
    }
    q->plans = NULL;
}
