/*
 * Named sets: what each asks the builder for. The builder is deterministic, so that a name means
 * the same primes everywhere; the tests pin the digests.
 *
 * Sets for comparison have the log2(Q) of what SEAL and OpenFHE are usually measured with, or a
 * little more, and a log2(QP) within the same bound, in as few primes below 2^30 as hold it. Depth
 * times scale differs between libraries (theirs: one prime of 40 or 50 bits a level behind a first
 * one of 60), so that these sets keep each scale at least theirs:
 *   cmp13  theirs Q = 140: 60 + 2 x 40, scales 2^40. Here 2 levels too, 2^40 and 2^50.
 *   cmp14  theirs Q = 260 .. 300: 60 + 5 or 6 x 40, or 49 + 5 x 48. Here 5 levels, 2^50 and 2^40 by
 *          turns: every prime has 30 bits.
 *   cmp15  theirs Q = 610: 60 + 11 x 50. Here 10 levels of 2^55: pairs of 27.5 bits, not of 25.
 *   cmp16  theirs Q = 1160: 60 + 22 x 50. Here 20 levels of 2^55.
 */
#include <string.h>

#include "host/ckks/ckks_params_private.h"

typedef struct named_set {
    const char *name;
    uint32_t log_n, depth, scale_bits, dnum, message_bits;
    hel_scale_plan plan; /* even = 0: the builder's own */
} named_set;

static const named_set sets[] = {
    {"n12", 12, 1, 30, 3, 0, {0, 0, 0}},
    {"n13", 13, 2, 40, 3, 0, {0, 0, 0}},
    {"n14", 14, 5, 45, 3, 0, {0, 0, 0}},
    {"n15", 15, 11, 50, 3, 0, {0, 0, 0}},
    {"n16", 16, 26, 50, 4, 0, {0, 0, 0}},
    {"n17", 17, 50, 55, 4, 0, {0, 0, 0}},
    {"cmp13", 13, 2, 40, 3, 18, {40, 50, 0.125}},
    {"cmp14", 14, 5, 50, 3, 18, {50, 40, 0.125}},
    {"cmp15", 15, 10, 55, 3, 3, {55.12, 55.12, 0.125}},
    {"cmp16", 16, 20, 55, 3, 3, {55.1, 55.1, 0.125}},
    {"cmp16d4", 16, 20, 55, 4, 3, {55.1, 55.1, 0.125}},
};

#define SETS (sizeof sets / sizeof *sets)

static const char *const descriptions[SETS] = {
    "general use: one product, 16 bits of precision",
    "general use: 2 levels of 2^40",
    "general use: 5 levels of 2^45",
    "general use: 11 levels of 2^50",
    "general use: 26 levels of 2^50, 4 digits",
    "general use: 50 levels of 2^55, 4 digits",
    "comparison, log2(Q) 149 (others 140), log2(QP) 209 (200): 2 levels, 2^40 and 2^50",
    "comparison, log2(Q) 299 (260..300), log2(QP) 419 (360..410): 5 levels, 2^50, 2^40 by turns",
    "comparison, log2(Q) 610 (others 610), log2(QP) 850 (851): 10 levels of 2^55",
    "comparison, log2(Q) 1161 (others 1160), log2(QP) 1551 (1580): 20 levels of 2^55",
    "cmp16 with 4 digits: log2(Q) 1161 (others 1160), log2(QP) 1491 (1580)",
};

const char *hel_ckks_params_name(size_t i, const char **description)
{
    if (description)
        *description = i < SETS ? descriptions[i] : NULL;
    return i < SETS ? sets[i].name : NULL;
}

static hel_status unknown(hel_engine *engine, const char *name)
{
    char list[128] = "";
    for (size_t i = 0; i < SETS; i++) {
        if (i)
            strncat(list, ", ", sizeof list - strlen(list) - 1);
        strncat(list, sets[i].name, sizeof list - strlen(list) - 1);
    }
    return hel_fail(engine, HEL_E_USAGE, "parameters: there is no set '%.32s'; there are %s", name,
                    list);
}

hel_status hel_ckks_params_named(hel_engine *engine, const char *name, hel_ckks_params *out)
{
    if (engine)
        hel_error_clear(engine);
    memset(out, 0, sizeof *out);
    HEL_REQUIRE(engine, name != NULL, HEL_E_USAGE, "parameters: no name is given");
    for (size_t i = 0; i < SETS; i++) {
        const named_set *s = &sets[i];
        if (strcmp(s->name, name) != 0)
            continue;
        hel_ckks_request request = HEL_CKKS_REQUEST_INIT;
        request.log_n = s->log_n;
        request.depth = s->depth;
        request.scale_bits = s->scale_bits;
        request.dnum = s->dnum;
        request.message_bits = s->message_bits;
        return hel_ckks_build_plan(engine, &request, s->plan.even > 0 ? &s->plan : NULL, out);
    }
    return unknown(engine, name);
}
