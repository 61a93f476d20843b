/*
 * A device whose kernels the simulator runs, with memory that has red zones.
 *
 * Where the options' order is SIM_RANDOM its queues are late: work runs when a call has to wait for
 * it, in an order among queues that only events restrict, so that a missing wait is a wrong result
 * for some seed. Otherwise every call is done when it returns. Work that is queued keeps addresses:
 * memory that is released before it has run ends the program with a text, as do a written red zone
 * and memory, queues, events or graphs left at the end.
 */
#ifndef HEL_TESTS_SIM_DEVICE_H
#define HEL_TESTS_SIM_DEVICE_H

#include "host/backend/device.h"
#include "tests/sim/sim.h"

#define SIM_SHARED_HOPPER ((size_t)227 * 1024) /* sm_90, which has clusters of 8 blocks */
#define SIM_SHARED_ADA    ((size_t)99 * 1024)  /* sm_86, sm_89: none */

/* Blocks run as the options say (random ones with a new seed each launch). */
hel_device *sim_device_create(const sim_options *options, size_t shared_max);
void sim_device_set_late(hel_device *device, int late);
/* Bytes of memory that it has; 0: 4 GiB. */
void sim_device_set_memory(hel_device *device, uint64_t bytes);

/* ---- faults ---- */

/* The n-th call of the device from now on fails, 1 = the next; 0 = none. */
void sim_device_fail_nth(hel_device *device, uint64_t nth);
/* The n-th launch from now on (one that changes no memory passes the fate on) leaves one bit wrong
 * in a word that it wrote; 0 = none. */
void sim_device_corrupt_nth(hel_device *device, uint64_t nth);
/* All further calls fail; memory, queues, events and graphs can still be freed. */
void sim_device_lose(hel_device *device);

/* ---- counts ---- */

uint64_t sim_device_calls(const hel_device *device);
uint64_t sim_device_launches(const hel_device *device); /* that were asked for or recorded */
/* Blocks of memory that are allocated, the host's included */
uint64_t sim_device_allocations(const hel_device *device);

#endif
