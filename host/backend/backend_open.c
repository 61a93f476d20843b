/* See backend_open.h. */
#include "host/backend/backend_open.h"

#include <dlfcn.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/backend/device_launch.h"
#include "host/backend/device_library.h"
#include "host/base/engine_backend.h"

#define PATH_ROOM  1024
#define PATHS      5
#define WHY_ROOM   512
#define DEFAULT_GO "use --backend cpu"

static void add(char *text, size_t room, const char *format, ...) HEL_PRINTF(3, 4);

static void add(char *text, size_t room, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, room - used, format, args);
    va_end(args);
}

static int valid_name(const char *name)
{
    const size_t length = strlen(name);
    const size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789_");
    return length && good == length && length < HEL_BACKEND_NAME_BYTES;
}

/* ---- where the library may be ---- */

/* The folder of the program or library that holds this function; 0 when it cannot be told. */
static int own_folder(char *folder, size_t room)
{
    char path[PATH_ROOM];
    Dl_info info;
    struct link_map *map = NULL;
    void *here;
    int (*own)(char *, size_t) = own_folder;
    memcpy(&here, &own, sizeof here); /* one size on POSIX */
    if (!dladdr1(here, &info, (void **)&map, RTLD_DL_LINKMAP) || !map)
        return 0;
    /* the program itself has no name here */
    char *real = realpath(map->l_name[0] ? map->l_name : "/proc/self/exe", NULL);
    if (!real)
        return 0;
    const int fits = snprintf(path, sizeof path, "%s", real) < (int)sizeof path;
    free(real);
    char *slash = strrchr(path, '/');
    if (!fits || !slash)
        return 0;
    *slash = 0;
    return snprintf(folder, room, "%s", path) < (int)room;
}

typedef struct places {
    char path[PATHS][PATH_ROOM];
    uint32_t count;
} places;

static void add_place(places *p, const char *folder, const char *below, const char *file)
{
    const int length = snprintf(p->path[p->count], PATH_ROOM, "%s%s/%s", folder, below, file);
    if (length > 0 && length < PATH_ROOM)
        p->count++;
}

static void find_places(places *p, const char *file)
{
    char folder[PATH_ROOM];
    const char *chosen = secure_getenv("HELOCI_BACKEND_DIR");
    p->count = 0;
    if (chosen && *chosen)
        add_place(p, chosen, "", file);
    if (own_folder(folder, sizeof folder)) {
        add_place(p, folder, "", file);
        add_place(p, folder, "/../lib", file);
        add_place(p, folder, "/../lib64", file);
#ifdef HEL_INSTALL_LIBDIR
        add_place(p, folder, "/../" HEL_INSTALL_LIBDIR, file);
#endif
    }
}

/* ---- loading; failures leave their reason in why ---- */

static void *load(const char *file, char *why)
{
    places p;
    find_places(&p, file);
    for (uint32_t i = 0; i < p.count; i++)
        if (access(p.path[i], F_OK) == 0) {
            void *library = dlopen(p.path[i], RTLD_NOW | RTLD_LOCAL);
            if (!library)
                add(why, WHY_ROOM, "%s", dlerror());
            return library;
        }
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library)
        return library;
    add(why, WHY_ROOM, "%s (looked for in", dlerror());
    for (uint32_t i = 0; i < p.count; i++) {
        char *slash = strrchr(p.path[i], '/');
        *slash = 0;
        add(why, WHY_ROOM, " %s,", p.path[i]);
    }
    add(why, WHY_ROOM, " the system's folders; HELOCI_BACKEND_DIR may name one)");
    return NULL;
}

static int find_function(void *library, const char *name, void *function, char *why)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    if (!symbol)
        add(why, WHY_ROOM, "it has no %s: it is of another version", name);
    return symbol != NULL;
}

typedef struct library {
    hel_device_about_fn about;
    hel_device_count_fn count;
    hel_device_open_fn open;
} library;

static int open_library(const char *name, library *l, char *why)
{
    char file[HEL_BACKEND_NAME_BYTES + 32];
    snprintf(file, sizeof file, "libheloci_%s.so.0", name);
    void *handle = load(file, why); /* the linker's sentences begin with the file */
    if (!handle)
        return 0;
    add(why, WHY_ROOM, "%s: ", file);
    return find_function(handle, "hel_device_count", &l->count, why) &&
           find_function(handle, "hel_device_open", &l->open, why) &&
           find_function(handle, "hel_device_about", &l->about, why);
}

static uint32_t count_devices(const library *l, char *why)
{
    char text[WHY_ROOM / 2] = "";
    const uint32_t devices = l->count(text, sizeof text);
    if (!devices)
        add(why, WHY_ROOM, "no device%s%s", text[0] ? ": " : "", text);
    return devices;
}

static hel_device *open_ordinal(const library *l, uint32_t ordinal, char *why)
{
    const hel_device_build build = HEL_DEVICE_BUILD;
    char text[WHY_ROOM / 2] = "";
    hel_device *device = l->open(ordinal, &build, text, sizeof text);
    if (!device)
        add(why, WHY_ROOM, "device %u: %s", ordinal, text);
    return device;
}

static hel_device *open_device(const char *name, uint32_t ordinal, char *why)
{
    library l;
    if (!open_library(name, &l, why))
        return NULL;
    const uint32_t devices = count_devices(&l, why);
    if (!devices)
        return NULL;
    if (ordinal >= devices) {
        add(why, WHY_ROOM, "device %u, the rule is less than %u", ordinal, devices);
        return NULL;
    }
    return open_ordinal(&l, ordinal, why);
}

static void describe(const library *l, hel_device_info *info)
{
    hel_device *d = open_ordinal(l, info->device, info->why);
    if (!d)
        return;
    snprintf(info->model, sizeof info->model, "%s", d->model);
    snprintf(info->pci, sizeof info->pci, "%s", d->pci);
    if (d->ops->memory(d, &info->free_bytes, &info->total_bytes) != HEL_OK)
        add(info->why, sizeof info->why, "device %u: %s", info->device, d->ops->error(d));
    d->ops->close(d);
}

void hel_backend_survey(const char *name, hel_library_info *out, hel_device_info_fn each, void *arg)
{
    library l;
    memset(out, 0, sizeof *out);
    if (!valid_name(name))
        add(out->why, sizeof out->why, "'%.40s' is not the name of a library", name);
    if (out->why[0] || !open_library(name, &l, out->why))
        return;
    l.about(out->about, sizeof out->about);
    out->devices = count_devices(&l, out->why);
    for (uint32_t i = 0; each && i < out->devices; i++) {
        hel_device_info info = {.device = i};
        describe(&l, &info);
        each(arg, &info);
    }
    if (out->devices)
        out->why[0] = 0;
}

/* ---- backends ---- */

static void cpu_text(const hel_engine *engine, const char *why, char *text, size_t room)
{
    text[0] = 0;
    add(text, room, "cpu: %s, %u thread%s", hel_engine_simd_name(engine),
        hel_engine_threads(engine), hel_engine_threads(engine) == 1 ? "" : "s");
    if (why)
        add(text, room, " (no CUDA backend: %s)", why);
}

/* text: as hel_engine_backend_text, also when this fails. *out may be left NULL by a failure. */
static hel_status open_name(hel_engine *engine, hel_backend **out, const char *name,
                            uint32_t ordinal, char *text, size_t room)
{
    const int choose = strcmp(name, "auto") == 0;
    char why[WHY_ROOM] = "";
    *out = NULL;
    text[0] = 0;
    if (!valid_name(name)) {
        add(text, room, "backend '%.40s': a name is up to %d letters, digits and '_'", name,
            HEL_BACKEND_NAME_BYTES - 1);
        return HEL_E_USAGE;
    }
    if (strcmp(name, "cpu") != 0) {
        hel_device *device = open_device(choose ? "cuda" : name, ordinal, why);
        if (device) {
            add(text, room, "%s: %s", device->ops->name, device->model);
            return hel_backend_device_create(engine, out, device);
        }
        if (!choose) {
            add(text, room, "no backend %s: %s; " DEFAULT_GO, name, why);
            return HEL_E_UNSUPPORTED;
        }
    } else if (ordinal) {
        add(text, room, "backend cpu: device %u, the rule is 0", ordinal);
        return HEL_E_USAGE;
    }
    cpu_text(engine, choose ? why : NULL, text, room);
    return hel_backend_cpu_create(engine, out);
}

hel_status hel_backend_open_name(hel_engine *engine, hel_backend **out, const char *name,
                                 uint32_t device)
{
    char text[HEL_BACKEND_TEXT_BYTES];
    const hel_status status = open_name(engine, out, name, device, text, sizeof text);
    /* a backend's own failure has been recorded already: the first sentence stays */
    return status == HEL_OK ? HEL_OK : hel_fail(engine, status, "%s", text);
}

hel_status hel_backend_open_numbered(hel_engine *engine, hel_backend **out, uint32_t device)
{
    char text[HEL_BACKEND_TEXT_BYTES];
    const hel_status status =
        open_name(engine, out, hel_engine_backend_name(engine), device, text, sizeof text);
    if (status != HEL_OK)
        return hel_fail(engine, status, "%s", text);
    (void)hel_engine_backend_text_set(engine, text);
    return HEL_OK;
}

hel_status hel_backend_open(hel_engine *engine, hel_backend **out)
{
    return hel_backend_open_numbered(engine, out, hel_engine_backend_device(engine));
}

hel_status hel_backend_devices(hel_engine *engine, uint32_t *count)
{
    const char *name = hel_engine_backend_name(engine);
    const int choose = strcmp(name, "auto") == 0;
    hel_library_info info;
    *count = 0;
    if (strcmp(name, "cpu") == 0)
        return HEL_OK;
    hel_backend_survey(choose ? "cuda" : name, &info, NULL, NULL);
    *count = info.devices;
    if (*count == 0 && !choose)
        return hel_fail(engine, HEL_E_UNSUPPORTED, "no backend %s: %s; " DEFAULT_GO, name,
                        info.why);
    return HEL_OK;
}

const char *hel_engine_backend_text(hel_engine *engine)
{
    char text[HEL_BACKEND_TEXT_BYTES];
    hel_backend *backend;
    if (!engine)
        return "";
    const char *known = hel_engine_backend_text_get(engine);
    if (known)
        return known;
    (void)open_name(engine, &backend, hel_engine_backend_name(engine),
                    hel_engine_backend_device(engine), text, sizeof text);
    hel_backend_free(backend);
    return hel_engine_backend_text_set(engine, text);
}
