/* A device whose kernels the simulator runs, with memory that has red zones. */
#ifndef HEL_TESTS_SIM_DEVICE_H
#define HEL_TESTS_SIM_DEVICE_H

#include "host/backend/device.h"
#include "tests/sim/sim.h"

/* Blocks run as the options say (random ones with a new seed each launch). fail_nth: the n-th call
 * of the device from now on fails, 1 = the next; 0 = none. */
#define SIM_SHARED_HOPPER ((size_t)227 * 1024) /* sm_90 */
#define SIM_SHARED_ADA    ((size_t)99 * 1024)  /* sm_86, sm_89 */
hel_device *sim_device_create(const sim_options *options, size_t shared_max);
void sim_device_fail_nth(hel_device *device, uint64_t nth);
uint64_t sim_device_calls(const hel_device *device);
uint64_t sim_device_launches(const hel_device *device);
/* Allocations that are still there; red zones that were written over end the process. */
uint64_t sim_device_allocations(const hel_device *device);

#endif
