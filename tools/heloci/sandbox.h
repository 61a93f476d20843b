/*
 * What the scan step of `heloci run` is allowed to see. The step plays the compute centre on the
 * owner's machine, so the kernel, not good will, keeps it away from the key:
 *
 *   Landlock  (Linux 5.13 and later) only the centre's folder, the program and its libraries, a few
 *             files of the system, and the device files of a GPU that is to compute can be opened;
 *             no TCP, no signals to other processes
 *   user      when started by root: the step runs as nobody
 *   always    an empty environment but for a short list, no inherited descriptor, no new privileges
 *
 * Reference: linux Documentation/userspace-api/landlock.rst.
 */
#ifndef HELOCI_TOOL_SANDBOX_H
#define HELOCI_TOOL_SANDBOX_H

#include <sys/types.h>

#include "tools/heloci/sandbox_device.h"

typedef struct sandbox_plan {
    const char *folder;    /* the one place to read and write; becomes the working directory */
    const char *forbidden; /* a file that must not open once the sandbox is shut; absolute */
    int program;           /* descriptor of the executable */
    const char *backend;   /* of the scan; device: which of its devices */
    unsigned device;
    int drop_user; /* 1 = become uid, gid */
    uid_t uid;
    gid_t gid;
} sandbox_plan;

typedef struct sandbox_report {
    int landlock; /* its ABI version; 0 = this kernel has none */
    int user_dropped;
    sandbox_device device; /* what was left open */
    int denied;            /* 1 = opening `forbidden` was refused */
    int failure;           /* errno of a step that failed, 0 = none */
    char failed[24];       /* which */
} sandbox_report;

/* In the owner's process, as root: hands the folder and its files to nobody and finds out, in a
 * process of its own, whether nobody can run this program. Leaves drop_user = 0 when not. */
void sandbox_plan_user(sandbox_plan *plan);
/* Afterwards: the folder and its files belong to this process' user again. */
void sandbox_take_back(const sandbox_plan *plan);

/* In the child, before exec. Fills *report; 0, or -1 when a barrier that should stand does not. */
int sandbox_enter(const sandbox_plan *plan, sandbox_report *report);

/* The environment that the step gets: pointers into `environ`; most >= 2. */
void sandbox_environment(char **out, unsigned most, sandbox_device device);

#endif
