/* What the parts of a report share. doctor.c: the way out and the build; doctor_machine.c:
 * processors, nodes, memory, limits; doctor_device.c: backends, devices, placement; doctor_site.c:
 * file system and Slurm; self_test*.c: the small scan. */
#ifndef HEL_ASSOC_DOCTOR_PRIVATE_H
#define HEL_ASSOC_DOCTOR_PRIVATE_H

#include "heloci/doctor.h"
#include "host/backend/backend_open.h"
#include "host/base/control_group.h"
#include "host/base/engine_backend.h"
#include "host/sched/placement.h"

typedef struct hel_doctor_device {
    char backend[HEL_BACKEND_NAME_BYTES];
    hel_device_info info;
} hel_doctor_device;

typedef struct hel_doctor_state {
    hel_engine *engine;
    const char *folder, *root;
    hel_finding_fn out;
    void *arg;
    const char *section; /* of what is told next */
    int64_t item;
    hel_topology *topology;
    hel_group_limits groups;
    hel_doctor_device *device; /* all that were found */
    uint32_t devices, usable;  /* usable: those that open */
} hel_doctor_state;

/* A finding without its words. */
typedef struct hel_entry {
    const char *name, *label;
    hel_value kind;
    uint64_t number;
    double real;
    hel_mark mark;
    const char *advice;
} hel_entry;

static inline hel_entry hel_entry_text(const char *name, const char *label)
{
    return (hel_entry){.name = name, .label = label, .kind = HEL_VALUE_TEXT};
}

static inline hel_entry hel_entry_number(const char *name, const char *label, hel_value kind,
                                         uint64_t number)
{
    return (hel_entry){.name = name, .label = label, .kind = kind, .number = number};
}

static inline hel_entry hel_entry_marked(hel_entry e, hel_mark mark, const char *advice)
{
    e.mark = mark;
    e.advice = advice;
    return e;
}

/* HEL_E_CANCELLED when the receiver wants no more. */
hel_status hel_tell(hel_doctor_state *d, hel_entry e, const char *format, ...) HEL_PRINTF(3, 4);
/* A name that is 1 or 0, "yes" or "no". */
hel_status hel_tell_truth(hel_doctor_state *d, const char *name, const char *label, int yes);
/* Of a number of bytes: "1.5 GiB". Returns out. */
const char *hel_bytes_text(char out[32], uint64_t bytes);

hel_status hel_doctor_processors(hel_doctor_state *d);
hel_status hel_doctor_nodes(hel_doctor_state *d);
hel_status hel_doctor_memory(hel_doctor_state *d);
hel_status hel_doctor_limits(hel_doctor_state *d);
/* Opens the devices, which the sections after it know of. */
hel_status hel_doctor_backends(hel_doctor_state *d);
hel_status hel_doctor_devices(hel_doctor_state *d);
hel_status hel_doctor_placement(hel_doctor_state *d);
hel_status hel_doctor_files(hel_doctor_state *d);
hel_status hel_doctor_slurm(hel_doctor_state *d);

/* A whole number in a variable of the environment; 0 when it is not set or is none. */
uint64_t hel_environment_number(const char *name);
/* The variable by which a job was given GPUs; NULL when it was given none. */
const char *hel_granted_gpus(void);

#endif
