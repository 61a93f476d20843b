/* What libheloci_cuda.so exports. */
#ifndef HEL_BACKEND_CUDA_CUDA_DEVICE_H
#define HEL_BACKEND_CUDA_CUDA_DEVICE_H

#include "host/backend/device.h"

/* Devices that can be used; 0 with the reason in text (a driver that is absent, for instance). */
HEL_API int hel_cuda_devices(char *text, size_t room);
/* NULL with the reason in text. table_bytes, kernels: sizeof(hel_device_ops) and K_ID_COUNT of the
 * caller, by which both sides know that they are of one build. */
HEL_API hel_device *hel_cuda_open(int ordinal, size_t table_bytes, uint32_t kernels, char *text,
                                  size_t room);

#endif
