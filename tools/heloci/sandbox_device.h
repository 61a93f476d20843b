/*
 * What a sandbox has to leave open so that the scan can reach a device: the backend's library with
 * all that it loads, and an NVIDIA driver's device files. Nothing where the CPU computes.
 */
#ifndef HELOCI_TOOL_SANDBOX_DEVICE_H
#define HELOCI_TOOL_SANDBOX_DEVICE_H

typedef enum sandbox_device {
    SANDBOX_CPU,    /* no device, or none that can be used */
    SANDBOX_CUDA,   /* a driver's device files, beside the libraries */
    SANDBOX_LIBRARY /* libraries alone: the simulator */
} sandbox_device;

/* Opens and closes the device that --backend and --device name, in a process that is about to end
 * or to become another program: dl_iterate_phdr() then lists what the scan will load. What cannot
 * be opened is SANDBOX_CPU: the scan itself will say why. */
sandbox_device sandbox_device_open(const char *backend, unsigned device);
/* Adds the Landlock rules for what is no library. 0, or -1 with errno. */
int sandbox_device_allow(sandbox_device device, int ruleset);
/* 1: this process may open the device files. */
int sandbox_device_usable(sandbox_device device);
/* 1: "NAME=value" sets up such a device. */
int sandbox_device_variable(sandbox_device device, const char *variable);

/* Before hours of work: a device that is asked for by name must open. In a process of its own, so
 * that none of its memory is held. 0, or an exit code after a line on stderr. */
int sandbox_device_check(const char *backend, unsigned device);

#endif
