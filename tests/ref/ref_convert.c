/* Long integers in schoolbook steps: see ref_convert.h. */
#include <string.h>

#include "tests/ref/ref_convert.h"
#include "tests/ref/ref_ring.h"

/* |x| += |y| small */
static void add_product(ref_big *x, const ref_big *y, uint32_t small)
{
    uint64_t carry = 0;
    for (int i = 0; i < REF_BIG_WORDS; i++) {
        carry += (uint64_t)y->word[i] * small + x->word[i];
        x->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static ref_big times(const ref_big *x, uint32_t small)
{
    ref_big y = {0};
    add_product(&y, x, small);
    return y;
}

static int compare(const ref_big *x, const ref_big *y)
{
    for (int i = REF_BIG_WORDS; i-- > 0;)
        if (x->word[i] != y->word[i])
            return x->word[i] < y->word[i] ? -1 : 1;
    return 0;
}

/* x - y, both positive */
static ref_big difference(const ref_big *x, const ref_big *y)
{
    ref_big d = {0};
    int64_t borrow = 0;
    d.negative = compare(x, y) < 0;
    for (int i = 0; i < REF_BIG_WORDS; i++) {
        borrow += (int64_t)(d.negative ? y : x)->word[i] - (d.negative ? x : y)->word[i];
        d.word[i] = (uint32_t)borrow;
        borrow = borrow < 0 ? -1 : 0;
    }
    return d;
}

uint32_t ref_big_mod(const ref_big *x, uint32_t q)
{
    uint64_t rest = 0;
    for (int i = REF_BIG_WORDS; i-- > 0;)
        rest = (rest << 32 | x->word[i]) % q;
    return ref_mod(x->negative ? -(__int128)rest : (__int128)rest, q);
}

void ref_sources_start(ref_sources *s, const uint32_t *q, uint32_t count, const uint64_t *factor)
{
    memset(s, 0, sizeof *s);
    s->count = count;
    s->product.word[0] = 1;
    for (uint32_t k = 0; k < count; k++) {
        s->q[k] = q[k];
        s->factor[k] = factor ? factor[k] : 1;
        s->product = times(&s->product, q[k]);
        s->part[k].word[0] = 1;
        for (uint32_t j = 0; j < count; j++)
            if (j != k)
                s->part[k] = times(&s->part[k], q[j]);
        s->inverse[k] = ref_inverse(ref_big_mod(&s->part[k], q[k]), q[k]);
    }
}

/* a f modulo source k */
static uint32_t scaled(const ref_sources *s, const uint32_t *a, uint32_t k)
{
    return (uint32_t)((unsigned __int128)a[k] * s->factor[k] % s->q[k]);
}

ref_big ref_convert(const ref_sources *s, const uint32_t *a)
{
    ref_big sum = {0}, whole;
    uint64_t fractions = 0;
    for (uint32_t k = 0; k < s->count; k++) {
        uint32_t bits = 0, y = (uint32_t)((uint64_t)scaled(s, a, k) * s->inverse[k] % s->q[k]);
        while ((uint64_t)1 << bits <= s->q[k])
            bits++;
        uint64_t r = ((uint64_t)1 << (31 + bits)) / s->q[k];
        fractions += (uint64_t)((unsigned __int128)y * r >> (bits + 5));
        add_product(&sum, &s->part[k], y);
    }
    whole = times(&s->product, (uint32_t)((fractions + (1u << 25)) >> 26));
    return difference(&sum, &whole);
}

int ref_convert_holds(const ref_sources *s, const uint32_t *a, const ref_big *x)
{
    const ref_big left = times(x, 10u << 26),
                  right = times(&s->product, (5u << 26) + 11 * s->count);
    for (uint32_t k = 0; k < s->count; k++)
        if (ref_big_mod(x, s->q[k]) != scaled(s, a, k))
            return 0;
    return compare(&left, &right) <= 0;
}
