/*
 * The argument of --shard: which part of how many this process computes. A pure function of its
 * text and, for "auto", of what Slurm put into the environment.
 */
#ifndef HELOCI_TOOL_SHARD_OPTION_H
#define HELOCI_TOOL_SHARD_OPTION_H

#include <stddef.h>
#include <stdint.h>

enum { SHARD_MOST = 1000000 };

/* A getenv with an argument: the value of a variable, or NULL. */
typedef const char *(*shard_getenv)(void *arg, const char *name);

/* Reads "I/N", shard I of N counted from 1, or "auto": the place of this process in a Slurm array
 * (SLURM_ARRAY_TASK_ID among _MIN to _MAX, which must have no gaps and begin with 0 or 1), times
 * its rank among the tasks of its srun. What does not name one shard beyond doubt is refused: an
 * array that was submitted in part, a batch script that is not one of its job's tasks.
 *
 * Returns 0 with 1 <= *index <= *count <= SHARD_MOST; or 64 with the reason, and what to write
 * instead, in why[0..bytes). */
int shard_option_read(const char *text, shard_getenv get, void *arg, uint32_t *index,
                      uint32_t *count, char *why, size_t bytes);

#endif
