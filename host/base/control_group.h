/*
 * How much memory and processor time this process may have: the machine's, and the limits of the
 * control groups that it is in (Slurm, containers, systemd).
 *
 * Version 2: memory.max and cpu.max of the process' group and of every group above it, as far up as
 * the mount shows. Version 1: memory.limit_in_bytes, cpu.cfs_quota_us and cpu.cfs_period_us. The
 * groups are named by /proc/self/cgroup, their folders by /proc/self/mountinfo, so that mounts at
 * unusual places, containers that see a part of the tree, and both versions side by side are found.
 * What cannot be read limits nothing.
 */
#ifndef HEL_BASE_CONTROL_GROUP_H
#define HEL_BASE_CONTROL_GROUP_H

#include <stdint.h>

#define HEL_GROUP_PATH 256
#define HEL_UNLIMITED  UINT64_MAX

typedef struct hel_group_limits {
    uint64_t physical;                /* bytes of the machine's memory; 0: unknown */
    uint64_t memory;                  /* the smallest limit, in bytes */
    double processors;                /* the smallest quota, in processors; 0: none */
    char memory_file[HEL_GROUP_PATH]; /* what sets them; "" where nothing does */
    char processors_file[HEL_GROUP_PATH];
} hel_group_limits;

/* root: where proc and sys are looked up; "" is the system's own. */
void hel_group_limits_read(hel_group_limits *out, const char *root);

/* The budget of an engine that is told none: half of what the process may have. */
uint64_t hel_default_memory(const hel_group_limits *limits);

#endif
