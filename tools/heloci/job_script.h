/*
 * The two batch scripts of a job: an array that scans, one shard a task, and what merges the
 * shards. A script depends on the description alone. Whatever the description says, each of its
 * values reaches the program as it is and nothing else is executed, the lines of "setup" apart.
 */
#ifndef HELOCI_TOOL_JOB_SCRIPT_H
#define HELOCI_TOOL_JOB_SCRIPT_H

#include "tools/heloci/job_file.h"

void script_scan(FILE *out, const job *j);
void script_merge(FILE *out, const job *j);

#endif
