/*
 * libheloci_sim.so: the simulated device by name, for whole programs. The environment sets it up:
 *   HELOCI_SIM_SEED=n     order of blocks, threads and queues (1)
 *   HELOCI_SIM_CORRUPT=n  the n-th launch of each device that is opened leaves a wrong bit
 *   HELOCI_SIM_FAIL=n     its n-th call fails
 *   HELOCI_SIM_MEMORY=n   bytes that a device has
 *   HELOCI_SIM_DEVICES=n  how many there are (1)
 *   HELOCI_SIM_SHARED=n   bytes of shared memory of a block
 *   HELOCI_SIM_PCI=a,b    their places on the bus, by number ("0000:3b:00.0,,0000:86:00.0"; none)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/device_library.h"
#include "tests/sim/sim_device.h"

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

/* The n-th word of the list. */
static void set_pci(hel_device *d, uint32_t n)
{
    const char *at = getenv("HELOCI_SIM_PCI");
    for (; at && n > 0; n--) {
        at = strchr(at, ',');
        at += at != NULL;
    }
    snprintf(d->pci, sizeof d->pci, "%.*s", at ? (int)strcspn(at, ",") : 0, at ? at : "");
}

void hel_device_about(char *text, size_t room)
{
    snprintf(text, room, "simulator");
}

uint32_t hel_device_count(char *text, size_t room)
{
    const uint64_t count = setting("HELOCI_SIM_DEVICES", 1);
    if (!count)
        snprintf(text, room, "HELOCI_SIM_DEVICES is 0");
    return (uint32_t)count;
}

hel_device *hel_device_open(uint32_t ordinal, const hel_device_build *build, char *text,
                            size_t room)
{
    const hel_device_build own = HEL_DEVICE_BUILD;
    const sim_options options = {SIM_RANDOM, setting("HELOCI_SIM_SEED", 1) + ordinal};
    const char *differs = hel_device_build_differs(&own, build);
    if (differs) {
        snprintf(text, room, "%s", differs);
        return NULL;
    }
    hel_device *d =
        sim_device_create(&options, (size_t)setting("HELOCI_SIM_SHARED", SIM_SHARED_HOPPER));
    set_pci(d, ordinal);
    sim_device_set_memory(d, setting("HELOCI_SIM_MEMORY", 0));
    sim_device_corrupt_nth(d, setting("HELOCI_SIM_CORRUPT", 0));
    sim_device_fail_nth(d, setting("HELOCI_SIM_FAIL", 0));
    return d;
}
