/* See bench_rates.h. */
#include "tools/heloci/bench_rates.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BAD_DATA = 65 };

typedef struct field {
    const char *name;
    size_t offset;
    int needed; /* 1: a number above 0; 0: one that may be missing, from 0 on */
} field;

#define FIELD(name, needed)                                                                        \
    {                                                                                              \
#name, offsetof(bench_rates, name), needed                                                 \
    }

static const field fields[] = {
    FIELD(cores, 1),       FIELD(start, 0),   FIELD(spread, 0),  FIELD(weight, 1),
    FIELD(ciphertext, 0),  FIELD(row, 1),     FIELD(product, 1), FIELD(sum, 0),
    FIELD(read, 0),        FIELD(copy, 0),    FIELD(write, 0),   FIELD(memory, 1),
    FIELD(keygen, 0),      FIELD(encrypt, 0), FIELD(null, 0),    FIELD(decrypt, 0),
    FIELD(postprocess, 0),
};

json_t *bench_rates_json(const bench_rates *rates)
{
    json_t *o = json_object();
    json_put(&o, "name", text_json(rates->name));
    json_put(&o, "measured", json_boolean(rates->measured));
    json_put(&o, "device", json_boolean(rates->device));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        double value;
        memcpy(&value, (const char *)rates + fields[i].offset, sizeof value);
        json_put(&o, fields[i].name, json_number(value));
    }
    return o;
}

static int read_one(const char *path, const char *backend, const json_t *o, bench_rates *out,
                    char *why, size_t room)
{
    *out = (bench_rates){.measured = json_is_true(json_object_get(o, "measured")),
                         .device = json_is_true(json_object_get(o, "device"))};
    snprintf(out->backend, sizeof out->backend, "%s", backend);
    snprintf(out->name, sizeof out->name, "%s", json_word(o, "name", backend));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const field *f = &fields[i];
        const double value = json_get(o, f->name, f->needed ? -1 : 0);
        if (!(value >= 0) || (f->needed && value == 0) || value > 1e18) {
            snprintf(why, room, "%s: rates.%s.%s: the rule is a number %s 0", path, backend,
                     f->name, f->needed ? "above" : "from");
            return BAD_DATA;
        }
        memcpy((char *)out + f->offset, &value, sizeof value);
    }
    return 0;
}

int bench_rates_read(const char *path, bench_rates out[RATES_MOST], uint32_t *count, char *why,
                     size_t room)
{
    json_t *root = json_read(path, why, room), *all = json_object_get(root, "rates"), *one;
    const char *backend;
    int rc = root ? 0 : BAD_DATA;
    *count = 0;
    if (rc == 0 && (!json_is_object(all) || json_object_size(all) == 0)) {
        snprintf(why, room, "%s: holds no \"rates\"", path);
        rc = BAD_DATA;
    }
    json_object_foreach(all, backend, one)
    {
        if (rc == 0 && *count == RATES_MOST) {
            snprintf(why, room, "%s: more than %d sets of rates", path, RATES_MOST);
            rc = BAD_DATA;
        }
        if (rc == 0)
            rc = read_one(path, backend, one, &out[(*count)++], why, room);
    }
    json_decref(root);
    return rc;
}
