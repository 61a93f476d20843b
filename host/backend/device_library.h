/*
 * What a library of devices exports. Such a library is loaded by name at run time
 * (backend_open.c), so that one build of heloci serves machines with and without the devices, and
 * nothing of heloci is called from it. It stays loaded until the process ends.
 */
#ifndef HEL_BACKEND_DEVICE_LIBRARY_H
#define HEL_BACKEND_DEVICE_LIBRARY_H

#include "heloci/version.h"
#include "host/backend/device.h"

/* What both sides read and write: a number that changes with the size of any of them. */
#define HEL_DEVICE_ARGS                                                                            \
    (sizeof(k_ntt) + 3 * sizeof(k_elem) + 5 * sizeof(k_elem_scalar) + 7 * sizeof(k_elem_tensor) +  \
     9 * sizeof(k_elem_dot) + 11 * sizeof(k_elem_divide) + 13 * sizeof(k_elem_automorph) +         \
     15 * sizeof(k_inner) + 17 * sizeof(k_sample) + 19 * sizeof(k_slots) + 21 * sizeof(k_embed) +  \
     23 * sizeof(k_unembed) + 25 * sizeof(k_sources) + 27 * sizeof(k_raise) +                      \
     29 * sizeof(k_sums) + 31 * sizeof(k_finish) + 33 * sizeof(k_step_args) +                      \
     35 * sizeof(k_lift) + 37 * sizeof(k_output) + 39 * sizeof(k_scan) + 41 * sizeof(k_limb) +     \
     43 * sizeof(hel_device))

/* By which both sides know that they are of one build. */
typedef struct hel_device_build {
    size_t table_bytes, launch_bytes, args;
    uint32_t kernels;
    const char *version;
} hel_device_build;

#define HEL_DEVICE_BUILD                                                                           \
    {                                                                                              \
        sizeof(hel_device_ops), sizeof(hel_launch), HEL_DEVICE_ARGS, K_ID_COUNT,                   \
            HEL_VERSION_STRING                                                                     \
    }

/* Devices that can be used; 0 with the reason in text (a driver that is absent, for instance). */
HEL_API uint32_t hel_device_count(char *text, size_t room);
/* NULL with the reason in text. */
HEL_API hel_device *hel_device_open(uint32_t ordinal, const hel_device_build *build, char *text,
                                    size_t room);

/* What it was built with, in words. */
HEL_API void hel_device_about(char *text, size_t room);

typedef void (*hel_device_about_fn)(char *text, size_t room);
typedef uint32_t (*hel_device_count_fn)(char *text, size_t room);
typedef hel_device *(*hel_device_open_fn)(uint32_t ordinal, const hel_device_build *build,
                                          char *text, size_t room);

/* NULL when two builds are one, else what differs. */
static inline const char *hel_device_build_differs(const hel_device_build *a,
                                                   const hel_device_build *b)
{
    const char *x = a->version, *y = b->version;
    for (; *x && *x == *y; x++)
        y++;
    const int same = *x == *y && a->table_bytes == b->table_bytes &&
                     a->launch_bytes == b->launch_bytes && a->args == b->args &&
                     a->kernels == b->kernels;
    return same ? NULL : "the library is of another build than heloci";
}

#endif
