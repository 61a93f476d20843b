/*
 * One block of base conversion (convert.h), for any vector width. The including file has included a
 * simd_*.h and defines TWIN and GROUP.
 *
 * Cost in vector instructions per register of coefficients, m sources: 16 per source for its digit,
 * and per target 4 m + 2 for the sums and 9 to 13 for Montgomery's reduction; above 16 sources 4
 * more for every 8. With 14 sources and many targets that is 5.1 per pair of source and target and
 * 2.4 multiplications, against 4 and 2 that no order of the work avoids.
 */
#include "host/ring/convert.h"
#include "host/ring/reduce_vec.h"

#define INLINE      static inline __attribute__((always_inline))
#define DIGIT_WORDS 4096 /* 16 KiB of the first-level cache */

/* Digits of `count` (a constant) registers of coefficients from place i: y of every source, then v,
 * each a row of `row` words. */
INLINE void digits(const hel_conversion *c, const uint32_t *const *in, size_t i, uint32_t *y,
                   size_t row, uint32_t count)
{
    const vec half = v_set64((uint64_t)1 << 25);
    vec even[4], odd[4];
    HEL_UNROLL
    for (uint32_t r = 0; r < count; r++)
        even[r] = odd[r] = half;
    for (uint32_t k = 0; k < c->from_count; k++, y += row) {
        const hel_limb *l = c->from[k];
        const vec q = v_set1(l->q), w = v_set1(c->y[k]), ws = v_set1(c->y_shoup[k]);
        const vec fraction = v_set1(c->fraction[k]), shift = v_set64(l->bits + 5);
        HEL_UNROLL
        for (uint32_t r = 0; r < count; r++) {
            vec x = v_fold(v_shoup(v_load(in[k] + i + r * LANES), w, ws, q), q);
            v_store(y + r * LANES, x);
            even[r] = v_add64(even[r], v_right64(v_mul(x, fraction), shift));
            odd[r] = v_add64(odd[r], v_right64(v_mul(v_odd(x), fraction), shift));
        }
    }
    HEL_UNROLL
    for (uint32_t r = 0; r < count; r++)
        v_store(y + r * LANES, v_right32_by(v_merge_low(even[r], odd[r]), 26));
}

/* 9, 11 above 4 sources, 13 above 8: sums of `m` products (or of more, folded below 2^34 q) -> the
 * sum / 2^32 mod q, as hel_mod_redc does. The upper word is below m q / 4. */
INLINE vec redc(vec even, vec odd, vec q, vec word_inv, uint32_t m)
{
    vec he = v_mul(v_mul(even, word_inv), q), ho = v_mul(v_mul(odd, word_inv), q);
    vec high = v_merge_high(even, odd);
    if (m > 8)
        high = v_fold(high, v_add(q, q));
    high = v_unwrap(v_sub(high, v_merge_high(he, ho)), q);
    return m > 4 ? v_fold(high, q) : high;
}

/* Adds `terms` rows of digits from y on times the rows of weights from w on. */
INLINE void add_rows(vec *even, vec *odd, const uint32_t *y, size_t row, const uint32_t *w,
                     size_t stride, uint32_t terms, uint32_t count)
{
    for (; terms > 0; terms--, y += row, w += stride) {
        const vec x = v_load(y), x_odd = v_odd(x);
        HEL_UNROLL
        for (uint32_t t = 0; t < count; t++) {
            const vec wt = v_set1(w[t]);
            even[t] = v_add64(even[t], v_mul(x, wt));
            odd[t] = v_add64(odd[t], v_mul(x_odd, wt));
        }
    }
}

/* Digits of `count` coefficients in rows of `row` words; `at` is the first one's place. */
typedef struct digit_rows {
    const uint32_t *y;
    size_t row, at, count;
} digit_rows;

/* Targets first .. first + count - 1, count a constant. */
INLINE void targets(const hel_conversion *c, uint32_t *const *out, const digit_rows *d,
                    uint32_t first, uint32_t count)
{
    const uint32_t m = c->from_count;
    const size_t stride = c->to_count, row = d->row;
    for (size_t i = 0; i < d->count; i += LANES) {
        const uint32_t *y = d->y + i, *w = c->weight + first;
        const vec x = v_load(y + m * row), x_odd = v_odd(x);
        vec even[GROUP], odd[GROUP];
        HEL_UNROLL
        for (uint32_t t = 0; t < count; t++) {
            const vec wt = v_set1(w[m * stride + t]);
            even[t] = v_mul(x, wt);
            odd[t] = v_mul(x_odd, wt);
        }
        add_rows(even, odd, y, row, w, stride, m < 16 ? m : 16, count);
        for (uint32_t k = 16; k < m; k += 8) { /* make room for eight more */
            HEL_UNROLL
            for (uint32_t t = 0; t < count; t++) {
                const vec top = v_sum_top(c->to[first + t]->q);
                even[t] = v_fold(even[t], top);
                odd[t] = v_fold(odd[t], top);
            }
            add_rows(even, odd, y + k * row, row, w + k * stride, stride, m - k < 8 ? m - k : 8,
                     count);
        }
        HEL_UNROLL
        for (uint32_t t = 0; t < count; t++) {
            const hel_limb *l = c->to[first + t];
            v_store(out[first + t] + d->at + i,
                    redc(even[t], odd[t], v_set1(l->q), v_set1(l->word_inv), m));
        }
    }
}

static void group_targets(const hel_conversion *c, uint32_t *const *out, const digit_rows *d,
                          uint32_t first, uint32_t count)
{
    switch (count) {
    case 1:
        targets(c, out, d, first, 1);
        break;
    case 2:
        targets(c, out, d, first, 2);
        break;
    case 3:
        targets(c, out, d, first, 3);
        break;
    case 4:
        targets(c, out, d, first, 4);
        break;
#if GROUP == 8
    case 5:
        targets(c, out, d, first, 5);
        break;
    case 6:
        targets(c, out, d, first, 6);
        break;
    case 7:
        targets(c, out, d, first, 7);
        break;
    case 8:
        targets(c, out, d, first, 8);
        break;
#endif
    default:
        break;
    }
}

/* Every run of wanted targets in groups of equal size, but for one. */
static void all_targets(const hel_conversion *c, uint32_t *const *out, const digit_rows *d)
{
    for (uint32_t t = 0, end; t < c->to_count; t = end) {
        for (end = t; end < c->to_count && out[end];)
            end++;
        for (uint32_t left = (end - t + GROUP - 1) / GROUP; left > 0; left--) {
            const uint32_t size = (end - t + left - 1) / left;
            group_targets(c, out, d, t, size);
            t += size;
        }
        end += end < c->to_count; /* past the one that is not wanted */
    }
}

/* From one source with y = a, where every wanted target is above what y - v q can be: v is 1 from
 * the smallest y on whose fraction rounds up, so that a comparison and a wrap are all there is. 4 a
 * target instead of some 30. Returns 0 where that does not hold. */
static int one_source(const hel_conversion *c, const uint32_t *const *in, uint32_t *const *out,
                      size_t n)
{
    const uint64_t one = (uint64_t)1 << (c->from[0]->bits + 30);
    const uint32_t q = c->from[0]->q;
    const uint32_t first = (uint32_t)((one + c->fraction[0] - 1) / c->fraction[0]);
    if (c->from_count != 1 || c->y[0] != 1)
        return 0;
    for (uint32_t t = 0; t < c->to_count; t++)
        if (out[t] && (c->to[t]->q < first || c->to[t]->q <= q - first))
            return 0;
    const vec p = v_set1(q), last = v_set1(first - 1);
    for (uint32_t t = 0; t < c->to_count; t++) {
        const vec to = v_set1(c->to[t]->q);
        for (size_t i = 0; out[t] && i < n; i += LANES)
            v_store(out[t] + i, v_unwrap(v_centre(v_load(in[0] + i), last, p), to));
    }
    return 1;
}

void TWIN(convert)(const hel_conversion *c, const uint32_t *const *in, uint32_t *const *out,
                   size_t n)
{
    uint32_t y[DIGIT_WORDS] __attribute__((aligned(64)));
    if (one_source(c, in, out, n))
        return;
    digit_rows d = {.y = y, .row = DIGIT_WORDS / (c->from_count + 1) / LANES * LANES};
    for (; d.at < n; d.at += d.row) {
        size_t i = 0;
        d.count = n - d.at < d.row ? n - d.at : d.row;
        for (; i + 4 * LANES <= d.count; i += 4 * LANES)
            digits(c, in, d.at + i, y + i, d.row, 4);
        for (; i < d.count; i += LANES)
            digits(c, in, d.at + i, y + i, d.row, 1);
        all_targets(c, out, &d);
    }
}
