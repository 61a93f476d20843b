/* Backends by name, for the programs that check and measure them. */
#ifndef HEL_TESTS_DEVICE_OPEN_H
#define HEL_TESTS_DEVICE_OPEN_H

#include <string.h>

#include "host/backend/backend_open.h"
#include "host/backend/device_launch.h"

/* "cpu" has no numbered devices: any number is its only one. */
static inline hel_status device_open(hel_engine *engine, hel_backend **out, const char *name,
                                     uint32_t device)
{
    return hel_backend_open_name(engine, out, name, strcmp(name, "cpu") == 0 ? 0 : device);
}

/* "NVIDIA H200, ...": what the device under it is, or the backend's name. */
static inline const char *device_text(const hel_backend *b)
{
    const hel_device *d = hel_backend_device(b);
    return !d ? b->ops->name : d->model[0] ? d->model : d->ops->name;
}

#endif
