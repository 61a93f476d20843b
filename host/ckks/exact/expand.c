/* The expansion tree over one packed ciphertext: preparation to a given depth, then groups. */
#include <stdatomic.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/ckks/exact/expand_private.h"

struct hel_expander {
    const hel_scheme *scheme;
    const hel_eval_keys *keys;
    uint32_t count, step; /* nodes are those before this step */
    uint32_t nodes;
    uint32_t *node; /* nodes x hel_node_words */
    atomic_uint_least64_t switches;
};

/* Leaves under a node before `step`. */
static uint32_t leaves(const hel_scheme *scheme, uint32_t step)
{
    return scheme->n >> hel_step_level(scheme->params.log_n, step);
}

/* First step at or below depth `split`; the last step is always left to the groups. */
static uint32_t split_step(const hel_scheme *scheme, uint32_t split)
{
    uint32_t step = 0, last = hel_tree_steps(scheme->params.log_n) - 1;
    while (step < last && hel_step_level(scheme->params.log_n, step) < split)
        step++;
    return step;
}

static uint32_t nodes_before(const hel_scheme *scheme, uint32_t step, uint32_t count)
{
    uint32_t size = leaves(scheme, step);
    return (count + size - 1) / size;
}

static uint32_t step_switches(const hel_scheme *scheme, uint32_t step)
{
    return (1u << hel_step_levels(scheme->params.log_n, step)) - 1;
}

/* ---- the first steps, level by level over the engine's threads ---- */

typedef struct grow_job {
    hel_expander *x;
    uint32_t step;
    const uint32_t *from;
    uint32_t *to, to_nodes;
    uint32_t *scratch;
    size_t scratch_words; /* per worker: the step's, and nodes for children without a weight */
} grow_job;

static hel_status grow_node(void *arg, size_t index, uint32_t worker)
{
    const grow_job *job = arg;
    const hel_scheme *scheme = job->x->scheme;
    const size_t words = hel_node_words(scheme);
    uint32_t *scratch = job->scratch + worker * job->scratch_words;
    uint32_t children = step_switches(scheme, job->step) + 1, *child[4];
    for (uint32_t k = 0; k < children; k++) {
        size_t at = index * children + k;
        child[k] =
            at < job->to_nodes ? job->to + at * words : scratch + job->scratch_words - k * words;
    }
    hel_expand_step(scheme, job->x->keys, job->step, job->from + index * words, child, scratch);
    atomic_fetch_add(&job->x->switches, children - 1);
    return HEL_OK;
}

static hel_status grow(hel_engine *engine, hel_expander *x, uint32_t step, uint32_t *scratch,
                       size_t scratch_words)
{
    const size_t words = hel_node_words(x->scheme);
    grow_job job = {
        x,       step,         x->node, NULL, nodes_before(x->scheme, step + 1, x->count),
        scratch, scratch_words};
    HEL_TRY(hel_malloc(engine, &job.to, job.to_nodes, words * sizeof *job.to));
    hel_status status = hel_parallel(engine, x->nodes, grow_node, &job);
    if (status != HEL_OK) {
        hel_free(job.to);
        return status;
    }
    hel_free(x->node);
    x->node = job.to;
    x->nodes = job.to_nodes;
    return HEL_OK;
}

/* The packed ciphertext as a node: P c0, and c1 in coefficient form. */
static hel_status make_root(hel_engine *engine, hel_expander *x, const uint32_t *c0,
                            const uint8_t *seed, uint64_t object)
{
    const hel_scheme *scheme = x->scheme;
    const size_t n = scheme->n;
    const uint32_t expand = scheme->params.expand_limbs;
    uint32_t *c1;
    uint8_t *bytes = NULL;
    hel_chacha *chacha = NULL;
    HEL_TRY(hel_calloc(engine, &x->node, 1, hel_node_words(scheme) * sizeof *x->node));
    x->nodes = 1;
    c1 = x->node + scheme->total * n;
    hel_status status = hel_malloc(engine, &bytes, n, 4);
    if (status == HEL_OK)
        status = hel_chacha_create(engine, &chacha, seed);
    if (status == HEL_OK)
        status = hel_expand_uniform(scheme, chacha, HEL_DOMAIN_WEIGHT_A, object, expand, c1, bytes);
    hel_chacha_free(chacha);
    hel_free(bytes);
    HEL_TRY(status);
    for (uint32_t i = 0; i < expand; i++) {
        scheme->ring->ops->mul_scalar(&scheme->ring->limb[i], x->node + i * n, c0 + i * n,
                                      hel_special_product(scheme, i), n);
        hel_ntt_inverse(scheme->ring, i, c1 + i * n);
    }
    return HEL_OK;
}

hel_status hel_expander_create(hel_engine *engine, hel_expander **out, const hel_scheme *scheme,
                               const hel_eval_keys *keys, const uint32_t *c0,
                               const uint8_t seed[HEL_SEED_BYTES], uint64_t object, uint32_t count,
                               uint32_t split)
{
    const size_t words = hel_step_scratch_words(scheme) + 3 * hel_node_words(scheme);
    const uint32_t to = split_step(scheme, split);
    hel_expander *x;
    uint32_t *scratch = NULL;
    hel_status status;
    *out = NULL;
    HEL_REQUIRE(engine, count >= 1 && count <= scheme->n, HEL_E_USAGE,
                "expansion: %u weights in one ciphertext, the rule is 1 to %u", count, scheme->n);
    HEL_TRY(hel_calloc(engine, &x, 1, sizeof *x));
    x->scheme = scheme;
    x->keys = keys;
    x->count = count;
    x->step = to;
    HEL_TRY_GOTO(make_root(engine, x, c0, seed, object), fail);
    if (to > 0)
        HEL_TRY_GOTO(
            hel_malloc(engine, &scratch, hel_engine_threads(engine), words * sizeof *scratch),
            fail);
    for (uint32_t step = 0; step < to; step++)
        HEL_TRY_GOTO(grow(engine, x, step, scratch, words), fail);
    hel_free(scratch);
    *out = x;
    return HEL_OK;
fail:
    hel_free(scratch);
    hel_expander_free(x);
    return status;
}

void hel_expander_free(hel_expander *x)
{
    if (!x)
        return;
    hel_free(x->node);
    hel_free(x);
}

uint32_t hel_expander_groups(const hel_expander *x)
{
    return x->nodes;
}

uint32_t hel_expander_group_size(const hel_expander *x)
{
    return leaves(x->scheme, x->step);
}

uint64_t hel_expander_switches(const hel_expander *x)
{
    return atomic_load(&x->switches);
}

size_t hel_expander_bytes(const hel_scheme *scheme, uint32_t split)
{
    /* the nodes of the last step kept and, while they grow, those of the step before */
    uint32_t step = split_step(scheme, split);
    size_t nodes = nodes_before(scheme, step, scheme->n);
    if (step > 0)
        nodes += nodes_before(scheme, step - 1, scheme->n);
    return nodes * hel_node_words(scheme) * sizeof(uint32_t);
}

uint64_t hel_expander_cost(const hel_scheme *scheme, uint32_t count)
{
    uint64_t cost = 0;
    for (uint32_t step = 0; step < hel_tree_steps(scheme->params.log_n); step++)
        cost += (uint64_t)nodes_before(scheme, step, count) * step_switches(scheme, step);
    return cost;
}

/* ---- groups, depth first ---- */

size_t hel_expander_scratch_words(const hel_expander *x)
{
    const hel_scheme *scheme = x->scheme;
    const uint32_t last = hel_tree_steps(scheme->params.log_n) - 1;
    return hel_step_scratch_words(scheme) + 8 * hel_leaf_words(scheme) +
           4 * (last - x->step) * hel_node_words(scheme);
}

typedef struct walk {
    const hel_expander *x;
    uint32_t *step_scratch, *z;
    hel_leaf_fn leaf;
    void *arg;
    uint64_t switches;
} walk;

/* The subtree of `node` before `step`, whose first leaf is t; stack: four nodes per step left. */
static void descend(walk *w, uint32_t step, uint32_t t, const uint32_t *node, uint32_t *stack)
{
    const hel_scheme *scheme = w->x->scheme;
    const uint32_t last = hel_tree_steps(scheme->params.log_n) - 1;
    const size_t words = hel_node_words(scheme), leaf = hel_leaf_words(scheme);
    w->switches += step_switches(scheme, step);
    if (step == last) {
        uint32_t count = hel_min_u32(w->x->count - t, 4);
        hel_expand_leaves(scheme, w->x->keys, node, w->z, w->step_scratch);
        for (uint32_t k = 0; k < count; k++)
            w->leaf(w->arg, t + k, w->z + 2 * k * leaf, w->z + (2 * k + 1) * leaf);
        return;
    }
    uint32_t *child[4];
    for (uint32_t k = 0; k < 4; k++)
        child[k] = stack + k * words;
    hel_expand_step(scheme, w->x->keys, step, node, child, w->step_scratch);
    for (uint32_t k = 0; k <= step_switches(scheme, step); k++) {
        uint32_t first = t + k * leaves(scheme, step + 1);
        if (first < w->x->count)
            descend(w, step + 1, first, child[k], stack + 4 * words);
    }
}

void hel_expander_run(const hel_expander *x, uint32_t group, uint32_t *scratch, hel_leaf_fn leaf,
                      void *arg)
{
    walk w = {x, scratch, scratch + hel_step_scratch_words(x->scheme), leaf, arg, 0};
    uint32_t *stack = w.z + 8 * hel_leaf_words(x->scheme);
    descend(&w, x->step, group * leaves(x->scheme, x->step),
            x->node + group * hel_node_words(x->scheme), stack);
    atomic_fetch_add(&((hel_expander *)(uintptr_t)x)->switches, w.switches);
}
