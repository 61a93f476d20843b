/* Values as Slurm writes them. Each function returns 1, or 0 for a text that is none. */
#ifndef HELOCI_TOOL_JOB_VALUE_H
#define HELOCI_TOOL_JOB_VALUE_H

#include <stddef.h>
#include <stdint.h>

/* "90" (minutes), "90:00", "1:30:00", "1-12", "1-12:30" or "1-12:30:00": seconds, above 0. */
int value_time(const char *text, uint64_t *seconds);
/* "16G" and the like, K, M, G or T; bytes. A number without a unit counts MiB. */
int value_size(const char *text, uint64_t *bytes);
/* "2", "a100" or "a100:2": a number of GPUs, and their type, "" for any. */
int value_gpus(const char *text, uint64_t *count, char *type, size_t room);
/* Letters, digits and the characters of `more`; not empty, and no option (it does not begin with a
 * dash). */
int value_word(const char *text, const char *more);
/* One line without control characters; may be empty. */
int value_line(const char *text);

#endif
