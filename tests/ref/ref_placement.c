#include "tests/ref/ref_placement.h"

#include <string.h>

typedef struct cost {
    uint64_t processors, cores, uneven;
} cost;

static cost cost_of(const ref_place *place, const uint32_t *there, uint32_t nodes)
{
    cost c = {0};
    for (uint32_t i = 0; i < nodes; i++) {
        for (uint32_t w = 0; w < there[i]; w++) {
            c.processors += w / place[i].processors;
            c.cores += w >= place[i].cores && w < place[i].processors;
        }
        c.uneven += (uint64_t)there[i] * there[i];
    }
    return c;
}

static int is_less(cost a, cost b)
{
    if (a.processors != b.processors)
        return a.processors < b.processors;
    if (a.cores != b.cores)
        return a.cores < b.cores;
    return a.uneven < b.uneven;
}

typedef struct search {
    const ref_place *place;
    uint32_t nodes, there[REF_NODES], best[REF_NODES];
    cost least;
    int found;
} search;

/* More on earlier nodes comes first, and later ones must be better to win. */
static void try_all(search *s, uint32_t node, uint32_t left)
{
    if (node == s->nodes) {
        const cost c = cost_of(s->place, s->there, s->nodes);
        if (left == 0 && (!s->found || is_less(c, s->least))) {
            memcpy(s->best, s->there, sizeof s->best);
            s->least = c;
            s->found = 1;
        }
        return;
    }
    for (uint32_t w = s->place[node].processors ? left + 1 : 1; w-- > 0;) {
        s->there[node] = w;
        try_all(s, node + 1, left - w);
    }
    s->there[node] = 0;
}

void ref_spread(uint32_t out[REF_NODES], const ref_place *place, uint32_t nodes, uint32_t workers)
{
    search s = {.place = place, .nodes = nodes};
    try_all(&s, 0, workers);
    memcpy(out, s.best, sizeof s.best);
}
