/* What `heloci run` checks before it draws a key. */
#ifndef HELOCI_TOOL_PREFLIGHT_H
#define HELOCI_TOOL_PREFLIGHT_H

#include "tools/heloci/event_log.h"

/* Options against each other, every input file, and the null models, fitted in clear: whatever a
 * later step would refuse. Returns 0 or an exit code, reason printed and, of the models, logged. */
int preflight(const options *o, event_log *log);

#endif
