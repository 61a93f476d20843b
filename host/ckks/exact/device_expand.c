/*
 * The oblivious expansion on a device: the tree of expand.c, `wide` nodes at a time and depth first
 * over such slices. Launches of a slice: the digits of c1, lifted and transformed; the step, all
 * limbs of all children; inverse transforms of what is rounded; and the division by P, or, for
 * leaves, the lift of all dropped limbs, which is transformed and finishes the leaf.
 *
 * Predicted for an H200 at N = 8192, 4 + 2 limbs, digits of 2; per node of the last step, which is
 * 4 weights or 4 key switches:
 *                      bytes a word   million instructions
 *   digits, 12 rows          80              7.4
 *   step                    264              8.6
 *   inverse, 24 rows        192             13.0
 *   leaves, 24 rows         288             18.1
 *   steps above, a third    230             11.4
 * in all 18 transforms, 2.2 MB and 14.6 M instructions a weight: 500 ns at 4.3 TB/s and 440 ns at
 * 33.45 T/s, less where a slice is still in the second cache; 1.5 to 2 M key switches a second. A
 * ciphertext of 8192 weights takes 112 launches, 3 % of its 4 to 5 ms if a microsecond passes
 * between two kernels: not recorded as a graph, which would save about half of that.
 */
#include "host/ckks/exact/device_tree.h"

typedef struct walk {
    uint32_t begin, end; /* leaves wanted */
    k_leaves leaves;
} walk;

static size_t node_words(const hel_device_scan *x)
{
    return 2 * (size_t)x->scheme->total * x->scheme->n;
}

/* ---- one step of `count` nodes ---- */

/* work = the digits of c1, lifted to all limbs, NTT form */
static hel_status lift_nodes(hel_device_scan *x, const uint32_t *nodes, uint32_t count)
{
    const hel_scheme *scheme = x->scheme;
    const hel_params *p = &scheme->params;
    const size_t rows = (size_t)scheme->total * scheme->n;
    k_lift args = {.in = nodes + rows,
                   .in_stride = 2 * rows,
                   .advance = p->digit_limbs,
                   .count = p->digit_limbs,
                   .end = p->expand_limbs,
                   .targets = scheme->total,
                   .out = x->tree->work,
                   .out_step = rows,
                   .out_stride = scheme->digits * rows};
    hel_device_lift_start(x, &args);
    return hel_device_lift(x, &args, scheme->digits, count);
}

/* out = [node][child][2][total][N] */
static hel_status step_nodes(hel_device_scan *x, uint32_t step, const uint32_t *nodes,
                             uint32_t count, uint32_t *out)
{
    const hel_scheme *scheme = x->scheme;
    const hel_device_tree *t = x->tree;
    const uint32_t log_n = scheme->params.log_n, key = hel_step_key(log_n, step);
    const uint32_t levels = hel_step_levels(log_n, step);
    k_step_args args = {.ring = hel_dev_ring(x->basis),
                        .node = nodes,
                        .digit = t->work,
                        .key = t->keys + t->key_at[step],
                        .key_words = hel_packed_words(scheme, step),
                        .big = t->big,
                        .out = out,
                        .limbs = scheme->total,
                        .own_limbs = scheme->params.expand_limbs,
                        .digit_limbs = scheme->params.digit_limbs,
                        .digits = scheme->digits,
                        .levels = levels,
                        .nodes = count,
                        .g = {1, 1, 1}};
    for (uint32_t k = 0; k + 1 < 1u << levels; k++) {
        args.g[k] = x->keys->exponent[key + k];
        args.shift[k] = step + 1 < t->steps ? hel_device_shift(x, key + k) : NULL;
    }
    const uint32_t grid[3] = {scheme->n / K_WORD_THREADS * scheme->total, 1,
                              (count + K_STEP_NODES - 1) / K_STEP_NODES};
    const k_id two = step + 1 < t->steps ? K_ID_k_step_shifted : K_ID_k_step_leaves;
    return hel_dev_launch(x->stream, levels == 2 && scheme->digits == 2 ? two : K_ID_k_step_any,
                          grid, K_WORD_THREADS, 0, &args, sizeof args);
}

/* The c1 halves of children first .. first + count - 1: coefficient form, divided by P. */
static hel_status divide_children(hel_device_scan *x, uint32_t *children, uint32_t count)
{
    const hel_scheme *scheme = x->scheme;
    const hel_params *p = &scheme->params;
    const size_t rows = (size_t)scheme->total * scheme->n;
    HEL_TRY(hel_device_transform(x, children + rows, 2 * rows, count, scheme->total, 1));
    if (!p->special_limbs)
        return HEL_OK;
    k_lift args = {.in = children + rows,
                   .in_stride = 2 * rows,
                   .first = p->expand_limbs,
                   .count = p->special_limbs,
                   .end = scheme->total,
                   .targets = p->expand_limbs,
                   .out = children + rows,
                   .out_stride = 2 * rows,
                   .scale = x->tree->special};
    hel_device_lift_start(x, &args);
    return hel_device_divide(x, &args, count);
}

/* ---- leaves ---- */

/* The weights of `count` nodes before the last step, the first of which is node `index`. */
static hel_status finish_leaves(hel_device_scan *x, const walk *w, uint32_t index, uint32_t count)
{
    const hel_scheme *scheme = x->scheme;
    const uint32_t scan = scheme->params.scan_limbs, drops = scheme->total - scan;
    const size_t n = scheme->n, rows = scheme->total * n;
    uint32_t *halves = x->tree->level[x->tree->steps];
    k_lift args = {.in = halves,
                   .in_step = rows,
                   .in_stride = 8 * rows,
                   .first = scan,
                   .count = drops,
                   .end = scheme->total,
                   .targets = scan,
                   .out = drops ? x->tree->work : NULL,
                   .out_step = scan * n,
                   .out_stride = 8 * scan * n,
                   .scale = x->tree->factor,
                   .leaves = w->leaves};
    args.leaves.node = index;
    hel_device_lift_start(x, &args);
    if (drops) {
        const hel_view v = {halves + scan * n, 8 * count, drops, drops, rows};
        HEL_TRY(x->stream->ops->ntt_inverse(x->stream, x->tree->dropped, v));
    }
    if (hel_device_lift_fused(x, drops))
        return hel_device_lift_rows(x, &args, 1, 8, count);
    if (drops)
        HEL_TRY(hel_device_lift(x, &args, 8, count));
    return hel_device_lift_words(x, K_ID_k_leaf_words, &args, 8, count);
}

/* ---- the tree ---- */

/* All leaves wanted under nodes index .. index + count - 1 before a step. */
static hel_status descend(hel_device_scan *x, const walk *w, uint32_t step, uint32_t index,
                          uint32_t count, const uint32_t *nodes)
{
    const hel_device_tree *t = x->tree;
    const uint32_t log_n = x->scheme->params.log_n, children = 1u << hel_step_levels(log_n, step);
    const uint32_t below = hel_step_level(log_n, step) + hel_step_levels(log_n, step);
    const uint32_t size = x->scheme->n >> below; /* leaves of a child */
    const uint32_t first = w->begin / size, end = (w->end + size - 1) / size;
    const size_t words = node_words(x);
    for (uint32_t i = 0; i < count; i += t->wide) {
        const uint32_t slice = hel_min_u32(count - i, t->wide), base = (index + i) * children;
        HEL_TRY(lift_nodes(x, nodes + i * words, slice));
        HEL_TRY(step_nodes(x, step, nodes + i * words, slice, t->level[step + 1]));
        if (step + 1 == t->steps) {
            HEL_TRY(finish_leaves(x, w, index + i, slice));
            continue;
        }
        const uint32_t from = first > base ? first : base;
        const uint32_t to = hel_min_u32(end, base + slice * children);
        uint32_t *child = t->level[step + 1] + (from - base) * words;
        HEL_TRY(divide_children(x, child, to - from));
        HEL_TRY(descend(x, w, step + 1, from, to - from, child));
    }
    return HEL_OK;
}

/* The packed ciphertext as a node: P c0, and c1 in coefficient form. */
static hel_status make_root(hel_device_scan *x, const uint32_t *c0,
                            const uint8_t seed[HEL_SEED_BYTES], uint64_t object)
{
    const hel_scheme *scheme = x->scheme;
    const hel_backend_ops *ops = x->stream->ops;
    const uint32_t expand = scheme->params.expand_limbs;
    const size_t words = (size_t)expand * scheme->n;
    uint32_t *root = x->tree->level[0], big[HEL_LIMBS_MAX];
    const hel_view half0 = {root, 1, expand, expand, words};
    const hel_view half1 = {root + (size_t)scheme->total * scheme->n, 1, expand, expand, words};
    for (uint32_t i = 0; i < expand; i++)
        big[i] = hel_special_product(scheme, i);
    HEL_TRY(ops->upload(x->stream, root, c0, words * sizeof *c0));
    HEL_TRY(ops->mul_scalar(x->stream, x->basis, half0, half0, big));
    HEL_TRY(ops->uniform(x->stream, x->basis, half1, seed, HEL_DOMAIN_WEIGHT_A, object));
    return ops->ntt_inverse(x->stream, x->basis, half1);
}

hel_status hel_device_scan_expand(hel_device_scan *x, const uint32_t *c0,
                                  const uint8_t seed[HEL_SEED_BYTES], uint64_t object,
                                  uint32_t weights, uint32_t first, uint32_t count,
                                  uint32_t first_place)
{
    const hel_device_scan_shape *s = &x->shape;
    const uint64_t begin = (uint64_t)first * s->segment,
                   most = begin + (uint64_t)count * s->segment;
    const uint64_t end = most < weights ? most : weights;
    const uint64_t places = (uint64_t)(s->samples / s->segment) * s->columns;
    HEL_REQUIRE(x->engine, x->tree, HEL_E_USAGE, "scan on a device: made without keys");
    HEL_REQUIRE(x->engine, weights <= x->scheme->n, HEL_E_USAGE,
                "expansion: %u weights in one ciphertext, the rule is 1 to %u", weights,
                x->scheme->n);
    HEL_REQUIRE(x->engine, count <= places && first_place <= places - count, HEL_E_USAGE,
                "expansion: %u groups from place %u on, the tile holds %llu", count, first_place,
                (unsigned long long)places);
    if (begin >= end)
        return HEL_OK;
    const walk w = {.begin = (uint32_t)begin,
                    .end = (uint32_t)end,
                    .leaves = {.weights = x->weights,
                               .segment = s->segment,
                               .columns = s->columns,
                               .first_group = first,
                               .first_place = first_place,
                               .begin = (uint32_t)begin,
                               .end = (uint32_t)end}};
    HEL_TRY(hel_device_clock_begin(x, HEL_DEVICE_EXPAND));
    HEL_TRY(make_root(x, c0, seed, object));
    HEL_TRY(descend(x, &w, 0, 0, 1, x->tree->level[0]));
    return hel_device_clock_end(x, HEL_DEVICE_EXPAND);
}
