/* Finds libheloci_cuda.so at run time: nothing here needs a CUDA installation to be built. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "host/backend/cuda/cuda_load.h"

typedef hel_device *(*open_fn)(int ordinal, size_t table_bytes, uint32_t kernels, char *text,
                               size_t room);
typedef int (*count_fn)(char *text, size_t room);

/* A function of the library; object pointers and function pointers have one size on POSIX. */
static void *find(hel_engine *engine, void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    if (!symbol)
        (void)hel_fail(engine, HEL_E_UNSUPPORTED, "%s: has no %s: it is of another version",
                       HEL_CUDA_LIBRARY, name);
    return symbol;
}

/* The library stays loaded: the CUDA runtime does not survive being unloaded. */
static hel_status load(hel_engine *engine, void **library)
{
    *library = dlopen(HEL_CUDA_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (*library)
        return HEL_OK;
    return hel_fail(engine, HEL_E_UNSUPPORTED, "no CUDA backend: %s", dlerror());
}

hel_status hel_backend_cuda_create(hel_engine *engine, hel_backend **out, int ordinal)
{
    char text[256] = "";
    void *library, *symbol;
    open_fn open_device;
    count_fn count_devices;
    *out = NULL;
    HEL_TRY(load(engine, &library));
    symbol = find(engine, library, "hel_cuda_devices");
    if (!symbol)
        return HEL_E_UNSUPPORTED;
    memcpy(&count_devices, &symbol, sizeof count_devices);
    symbol = find(engine, library, "hel_cuda_open");
    if (!symbol)
        return HEL_E_UNSUPPORTED;
    memcpy(&open_device, &symbol, sizeof open_device);
    const int count = count_devices(text, sizeof text);
    HEL_REQUIRE(engine, ordinal >= 0 && ordinal < count, HEL_E_UNSUPPORTED,
                "CUDA: device %d of %d%s%s", ordinal, count, text[0] ? ": " : "", text);
    hel_device *device =
        open_device(ordinal, sizeof(hel_device_ops), K_ID_COUNT, text, sizeof text);
    HEL_REQUIRE(engine, device != NULL, HEL_E_UNSUPPORTED, "CUDA: device %d: %s", ordinal, text);
    return hel_backend_device_create(engine, out, device);
}
