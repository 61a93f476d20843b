/*
 * A CUDA runtime without a GPU, for the code of libheloci_cuda.so: the calls that
 * host/backend/cuda makes, on host memory with red zones, with kernels run by the simulator
 * (tests/sim/sim.h). It refuses what the runtime of sm_90 refuses: shared memory that was not asked
 * for, clusters and blocks of a wrong size, streams and events of another device, a wait or an
 * event inside a capture, copies beyond an allocation.
 *
 * What is queued is done when the call returns, so orders between streams are not checked
 * (tests/sim/sim_device.h has late queues). One thread at a time. cuFFT is none of it.
 */
#ifndef HEL_TESTS_CUDA_STUB_RUNTIME_H
#define HEL_TESTS_CUDA_STUB_RUNTIME_H

#include <cuda_runtime_api.h>
#include <stdint.h>

typedef struct stub_counts {
    uint64_t blocks, pinned, streams, events, graphs, captures; /* alive */
} stub_counts;

/* A machine of `devices` GPUs, with no fault. Everything must have been freed. */
void stub_start(uint32_t devices);

/* The n-th call from now on fails with `error` (0: the calls that allocate say that memory is out,
 * the others cudaErrorUnknown); n = 0: none. What frees or ends something does so all the same. */
void stub_fail_nth(uint64_t nth, cudaError_t error);
/* The call that was made to fail; NULL when none has been yet. */
const char *stub_failed(void);
/* Every call gives `error` from now on, as after a kernel's fault. */
void stub_lose(cudaError_t error);
/* No GPU can be used: what cudaGetDeviceCount says, and the driver's version (0: there is none). */
void stub_driver(cudaError_t error, int version);
/* What cudaFuncGetAttributes says: whether the build has kernels for the GPU, and for which
 * architecture (90 at first). */
void stub_kernels(cudaError_t error, int code);

stub_counts stub_alive(void);
uint64_t stub_launches(int clusters); /* run so far: with clusters, or without */
/* An error that no cudaGetLastError has taken. */
cudaError_t stub_untaken(void);

#endif
