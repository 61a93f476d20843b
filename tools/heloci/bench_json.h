/*
 * JSON of the benchmark. A value that could not be made (no memory) is NULL, and spoils whatever it
 * is put into, so that it is enough to look at the whole.
 */
#ifndef HELOCI_TOOL_BENCH_JSON_H
#define HELOCI_TOOL_BENCH_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/heloci/text_json.h"

/* Takes the value over. */
void json_put(json_t **object, const char *key, json_t *value);
void json_add(json_t **array, json_t *value);

json_t *json_number(double value); /* null where it is not finite, an integer where it is whole */
json_t *json_count(uint64_t value);

/* A number of an object, or `otherwise` where there is none. */
double json_get(const json_t *object, const char *key, double otherwise);
const char *json_word(const json_t *object, const char *key, const char *otherwise);

/* Writes a file that appears whole or not at all; the value is the caller's still. 0, or an exit
 * code with the reason. */
int json_write(const json_t *value, const char *path, char *why, size_t room);
/* Reads one; NULL with the reason. */
json_t *json_read(const char *path, char *why, size_t room);

#endif
