/* The backend on a GPU by its number: a short form of backend_open.h. */
#ifndef HEL_BACKEND_CUDA_CUDA_LOAD_H
#define HEL_BACKEND_CUDA_CUDA_LOAD_H

#include "host/backend/backend_open.h"

static inline hel_status hel_backend_cuda_create(hel_engine *engine, hel_backend **out, int ordinal)
{
    return hel_backend_open_name(engine, out, "cuda", (uint32_t)ordinal);
}

#endif
