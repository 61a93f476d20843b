/*
 * Benchmark files. An entry that names no operation ("op") is some other benchmark's and passed
 * over; one that does must state everything that decides whether it may be compared.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/compare/compare.h"

/* Where a complaint points to. */
typedef struct place {
    const char *path, *name;
} place;

static int bad(const place *at, const char *rule, const char *key)
{
    fprintf(stderr, "heloci-compare: %s: entry '%s': %s '%s'\n", at->path, at->name, rule, key);
    return EXIT_DATA;
}

/* Copies text for terminals: control characters become '?'. Returns 0 when it does not fit. */
static int plain_text(char *out, size_t room, const char *text)
{
    size_t i = 0;
    for (; text[i] && i + 1 < room; i++)
        out[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    out[i] = 0;
    return text[i] == 0;
}

static int read_text(const place *at, const json_t *from, const char *key, int needed,
                     char out[COMPARE_NAME])
{
    const json_t *value = json_object_get(from, key);
    out[0] = 0;
    if (!value)
        return needed ? bad(at, "it does not state", key) : 0;
    if (!json_is_string(value) || !plain_text(out, COMPARE_NAME, json_string_value(value)))
        return bad(at, "not a text of at most 47 bytes:", key);
    return 0;
}

/* A finite number, above 0 where it is needed. */
static int read_number(const place *at, const json_t *from, const char *key, int needed,
                       double *out)
{
    const json_t *value = json_object_get(from, key);
    *out = 0;
    if (!value)
        return needed ? bad(at, "it does not state", key) : 0;
    *out = json_number_value(value);
    if (!json_is_number(value) || !isfinite(*out) || *out < 0 || (needed && !(*out > 0)))
        return bad(at, "not a number above 0:", key);
    return 0;
}

static int read_time(const place *at, const json_t *from, const compare_options *o,
                     compare_entry *e)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    const char *key = "real_time";
    char unit[COMPARE_NAME];
    double operations = 0, scale = 0;
    int rc = read_text(at, from, "time_unit", 1, unit);
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(unit, units[i].name) == 0)
            scale = units[i].ns;
    if (!(scale > 0))
        return bad(at, "not ns, us, ms or s:", "time_unit");
    if (o->time == TIME_MEDIAN)
        key = "median_time";
    else if (o->time == TIME_CPU && e->threads == 1)
        key = "cpu_time";
    rc = read_number(at, from, key, 1, &e->ns);
    if (!rc)
        rc = read_number(at, from, "operations", 0, &operations);
    if (rc)
        return rc;
    e->ns *= scale / (operations > 0 ? operations : 1);
    if (e->per_bit > 0)
        e->ns /= e->log_q;
    return 0;
}

static int read_entry(const place *at, const json_t *from, const compare_options *o,
                      compare_entry *e)
{
    const struct {
        const char *key;
        double *value;
        int needed; /* 1: always; 2: unless times are per bit; 3: where keys are switched */
    } numbers[] = {
        {"per_bit", &e->per_bit, 0},
        {"key_switches", &e->key_switches, 0},
        {"n", &e->n, 1},
        {"threads", &e->threads, 1},
        {"batch", &e->batch, 0},
        {"log_q", &e->log_q, 1},
        {"log_qp", &e->log_qp, 2},
        {"log_bound", &e->log_bound, 2},
        {"dnum", &e->dnum, 3},
        {"precision_bits", &e->precision_bits, 0},
    };
    int rc = read_text(at, from, "op", 1, e->op);
    if (!rc)
        rc = read_text(at, from, "preset", 0, e->preset);
    if (!rc)
        rc = read_text(at, from, "mode", 0, e->mode);
    for (size_t i = 0; !rc && i < sizeof numbers / sizeof *numbers; i++) {
        const int needed = numbers[i].needed;
        rc = read_number(at, from, numbers[i].key,
                         needed == 1 || (needed == 2 && e->per_bit == 0) ||
                             (needed == 3 && e->key_switches > 0),
                         numbers[i].value);
    }
    if (rc)
        return rc;
    if (e->batch == 0)
        e->batch = 1;
    if (e->log_qp > 0 && e->log_qp < e->log_q)
        return bad(at, "log2(QP) is below log2(Q):", "log_qp");
    return read_time(at, from, o, e);
}

static int wanted(const compare_entry *e, const compare_options *o)
{
    const size_t length = strlen(e->op);
    if (o->threads && e->threads != o->threads)
        return 0;
    for (const char *at = o->only; at && *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && strncmp(at, e->op, length) == 0)
            return 1;
    return o->only == NULL;
}

static int read_entries(compare_set *set, const char *path, const json_t *list,
                        const compare_options *o)
{
    const size_t count = json_array_size(list);
    size_t stated = 0;
    set->entry = calloc(count + 1, sizeof *set->entry);
    if (!set->entry) {
        fputs("heloci-compare: out of memory\n", stderr);
        return EXIT_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *from = json_array_get(list, i);
        const char *type = json_string_value(json_object_get(from, "run_type"));
        char name[2 * COMPARE_NAME], number[32];
        snprintf(number, sizeof number, "number %zu", i);
        const char *said = json_string_value(json_object_get(from, "name"));
        plain_text(name, sizeof name, said ? said : number);
        if (!json_is_object(from)) {
            fprintf(stderr, "heloci-compare: %s: entry %zu is not an object\n", path, i);
            return EXIT_DATA;
        }
        if (!json_object_get(from, "op") || (type && strcmp(type, "aggregate") == 0))
            continue;
        stated++;
        const place at = {path, name};
        compare_entry *e = &set->entry[set->count];
        const int rc = read_entry(&at, from, o, e);
        if (rc)
            return rc;
        set->count += (size_t)wanted(e, o);
    }
    if (!stated) {
        fprintf(stderr,
                "heloci-compare: %s: no entry states its operation and parameters (\"op\", \"n\", "
                "\"log_q\", ...)\n",
                path);
        return EXIT_DATA;
    }
    return 0;
}

static int read_document(compare_set *set, const char *path, const json_t *root,
                         const compare_options *o)
{
    const json_t *context = json_object_get(root, "context");
    const json_t *list = json_object_get(root, "benchmarks");
    char name[COMPARE_NAME], version[COMPARE_NAME];
    const char *library = json_string_value(json_object_get(context, "library"));
    const char *number = json_string_value(json_object_get(context, "library_version"));
    if (!json_is_array(list) || !json_is_object(context)) {
        fprintf(stderr,
                "heloci-compare: %s: not a benchmark file: it needs the members \"context\" and "
                "\"benchmarks\"\n",
                path);
        return EXIT_DATA;
    }
    if (!library) {
        fprintf(stderr, "heloci-compare: %s: its context does not name the \"library\"\n", path);
        return EXIT_DATA;
    }
    plain_text(name, sizeof name, library);
    plain_text(version, sizeof version, number ? number : "");
    snprintf(set->library, sizeof set->library, "%s%s%s", name, *version ? " " : "", version);
    return read_entries(set, path, list, o);
}

int compare_read(compare_set *set, const char *path, const compare_options *o)
{
    json_error_t error;
    memset(set, 0, sizeof *set);
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "heloci-compare: %s: %s\n", path, strerror(errno));
        return EXIT_IO;
    }
    json_t *root = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    const int unreadable = ferror(file);
    fclose(file);
    if (!root) {
        char text[sizeof error.text];
        plain_text(text, sizeof text, error.text);
        if (unreadable)
            fprintf(stderr, "heloci-compare: %s: it cannot be read\n", path);
        else
            fprintf(stderr, "heloci-compare: %s: line %d, column %d: %s\n", path, error.line,
                    error.column, text);
        return unreadable ? EXIT_IO : EXIT_DATA;
    }
    const int rc = read_document(set, path, root, o);
    json_decref(root);
    return rc;
}
