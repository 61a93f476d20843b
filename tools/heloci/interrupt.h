/* SIGINT, SIGTERM and SIGUSR1 as a flag that the running step sees at its next progress report. */
#ifndef HELOCI_TOOL_INTERRUPT_H
#define HELOCI_TOOL_INTERRUPT_H

#include <sys/types.h>

void interrupt_install(void);
/* The signal that came, or 0. */
int interrupted(void);
/* What a progress callback returns: 0; after one signal HEL_PROGRESS_DRAIN, stop where it can go
 * on; after a second one HEL_PROGRESS_STOP. */
int interrupt_wish(void);
/* A child that shall get a SIGTERM when one of them arrives here; 0 = none. Where it is heloci
 * itself, one that reaches it directly too counts once. */
void interrupt_forward_to(pid_t child);

#endif
