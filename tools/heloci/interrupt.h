/* SIGINT and SIGTERM as a flag that the running step sees at its next progress report. */
#ifndef HELOCI_TOOL_INTERRUPT_H
#define HELOCI_TOOL_INTERRUPT_H

#include <sys/types.h>

void interrupt_install(void);
/* The signal that came, or 0. */
int interrupted(void);
/* A child that shall get a SIGTERM when one of the two arrives here; 0 = none. */
void interrupt_forward_to(pid_t child);

#endif
