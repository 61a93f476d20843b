/*
 * Backends by name. "cpu" is always there; "auto" is "cuda" where that can be used, else "cpu"; any
 * other name is that of a library of devices, libheloci_NAME.so.0, looked for in
 *   the folder that the environment variable HELOCI_BACKEND_DIR names,
 *   the folder of the library or program that holds heloci, and ../lib and ../lib64 beside it,
 *   the folders that the system searches.
 * The first file found decides.
 */
#ifndef HEL_BACKEND_BACKEND_OPEN_H
#define HEL_BACKEND_BACKEND_OPEN_H

#include "host/backend/backend.h"

/* What the library of a backend offers. */
typedef struct hel_library_info {
    char about[128]; /* what it was built with; "" where it cannot be loaded */
    char why[512];   /* why there is no device, where there is none */
    uint32_t devices;
} hel_library_info;

typedef struct hel_device_info {
    uint32_t device;
    char model[96], pci[16];          /* as in device.h */
    uint64_t free_bytes, total_bytes; /* of its memory */
    char why[512];                    /* not "": it does not open, for this reason */
} hel_device_info;

typedef void (*hel_device_info_fn)(void *arg, const hel_device_info *info);

/* Loads the library libheloci_NAME.so.0 and opens, one after the other, every device that it has:
 * with CUDA some tenths of a second for each. `each` may be NULL: then none is opened. */
void hel_backend_survey(const char *name, hel_library_info *out, hel_device_info_fn each,
                        void *arg);

/* The backend that the engine's configuration names; hel_backend_free() ends it. HEL_E_UNSUPPORTED
 * with what was tried, HEL_E_USAGE for a name that cannot be one. */
hel_status hel_backend_open(hel_engine *engine, hel_backend **out);
/* The same for another of its devices. */
hel_status hel_backend_open_numbered(hel_engine *engine, hel_backend **out, uint32_t device);
/* How many devices the engine's backend has: 0 where that is the CPU. */
hel_status hel_backend_devices(hel_engine *engine, uint32_t *count);
/* The same for a name and a device of the caller's. */
hel_status hel_backend_open_name(hel_engine *engine, hel_backend **out, const char *name,
                                 uint32_t device);

#endif
