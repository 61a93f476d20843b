/* Mistakes in paths that can be named before a step begins. */
#ifndef HELOCI_TOOL_PATHS_H
#define HELOCI_TOOL_PATHS_H

#include "tools/heloci/options.h"

/* --bfile given as a file rather than a prefix, and output folders that are not there. Returns 0,
 * or an exit code after one line on stderr. */
int paths_check(const options *o);

#endif
