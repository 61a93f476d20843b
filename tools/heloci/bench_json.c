/* See bench_json.h. */
#include "tools/heloci/bench_json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096, NO_MEMORY = 71, NO_FILE = 74, DIGITS = 9 };

void json_put(json_t **object, const char *key, json_t *value)
{
    if (*object && json_object_set_new(*object, key, value) == 0)
        return;
    if (!*object)
        json_decref(value);
    json_decref(*object);
    *object = NULL;
}

void json_add(json_t **array, json_t *value)
{
    if (*array && json_array_append_new(*array, value) == 0)
        return;
    if (!*array)
        json_decref(value);
    json_decref(*array);
    *array = NULL;
}

json_t *json_number(double value)
{
    if (!isfinite(value))
        return json_null();
    if (value == floor(value) && fabs(value) < 0x1p53)
        return json_integer((json_int_t)value); /* all digits */
    return json_real(value);
}

json_t *json_count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

double json_get(const json_t *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

const char *json_word(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : otherwise;
}

int json_write(const json_t *value, const char *path, char *why, size_t room)
{
    char part[PATH_BYTES];
    snprintf(part, sizeof part, "%s.part", path);
    if (!value) {
        snprintf(why, room, "%s: no memory", path);
        return NO_MEMORY;
    }
    FILE *f = fopen(part, "w");
    int bad = !f;
    if (f) {
        bad = json_dumpf(value, f, JSON_INDENT(2) | JSON_REAL_PRECISION(DIGITS)) != 0;
        bad |= fputc('\n', f) == EOF;
        bad |= fclose(f) != 0;
    }
    bad = bad || rename(part, path) != 0;
    if (!bad)
        return 0;
    snprintf(why, room, "%s: %s", path, strerror(errno));
    (void)remove(part);
    return NO_FILE;
}

json_t *json_read(const char *path, char *why, size_t room)
{
    json_error_t error;
    json_t *value = json_load_file(path, 0, &error);
    if (!value)
        snprintf(why, room, "%s: line %d: %s", path, error.line, error.text);
    return value;
}
