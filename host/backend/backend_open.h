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
