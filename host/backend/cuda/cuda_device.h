/* What libheloci_cuda.so exports. The two sides check that they are of one build by the size of
 * the table and the number of kernels. */
#ifndef HEL_BACKEND_CUDA_CUDA_DEVICE_H
#define HEL_BACKEND_CUDA_CUDA_DEVICE_H

#include "host/backend/device.h"

/* Devices that can be used; 0 with the reason in text (a driver that is absent, for instance). */
HEL_API int hel_cuda_devices(char *text, size_t room);
/* NULL with the reason in text. */
HEL_API hel_device *hel_cuda_open(int ordinal, char *text, size_t room);

#endif
