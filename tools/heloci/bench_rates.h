/* Rates of the model (bench_model.h) as JSON: what OUT.json holds and --rates reads. */
#ifndef HELOCI_TOOL_BENCH_RATES_H
#define HELOCI_TOOL_BENCH_RATES_H

#include "tools/heloci/bench_json.h"
#include "tools/heloci/bench_model.h"

enum { RATES_MOST = 8 };

json_t *bench_rates_json(const bench_rates *rates);

/* Reads all sets of rates in a file: {"rates": {"cpu": {"name": ..., "measured": true, "weight":
 * ..., ...}, ...}}. 0, or an exit code with file, set and rule. */
int bench_rates_read(const char *path, bench_rates out[RATES_MOST], uint32_t *count, char *why,
                     size_t room);

#endif
