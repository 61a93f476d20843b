/* The backend on a GPU, where libheloci_cuda.so and a driver are there. */
#ifndef HEL_BACKEND_CUDA_CUDA_LOAD_H
#define HEL_BACKEND_CUDA_CUDA_LOAD_H

#include "host/backend/device.h"

#define HEL_CUDA_LIBRARY "libheloci_cuda.so.0"

/* HEL_E_UNSUPPORTED with the reason: no library, no driver, no such device. */
hel_status hel_backend_cuda_create(hel_engine *engine, hel_backend **out, int ordinal);

#endif
