/* Other programs, as a shell would start them. */
#ifndef HELOCI_TOOL_RUN_COMMAND_H
#define HELOCI_TOOL_RUN_COMMAND_H

#include <stddef.h>

enum { COMMAND_ABSENT = -1, COMMAND_FAILED = -2 };

/* Runs argv (up to a NULL; argv[0] is looked up in PATH) in a folder, NULL = here, with its
 * standard output in out[0..bytes), cut where it does not fit, and errors where they are.
 * Returns its exit code, 128 + N after signal N; COMMAND_ABSENT when there is no such program,
 * COMMAND_FAILED when it could not be started or read, errno set. */
int run_command(const char *const *argv, const char *folder, char *out, size_t bytes);
/* The same; its errors are among the output. */
int run_command_all(const char *const *argv, const char *folder, char *out, size_t bytes);

#endif
