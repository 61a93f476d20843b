/* Base conversion of every twin against integers written out, and the twins against each other. */
#include <string.h>

#include <criterion/criterion.h>

#include "host/base/mem.h"
#include "tests/ref/ref_convert.h"
#include "tests/ref/ref_ring.h"

#define LIMBS  90
#define WORDS  (2 * HEL_CONVERT_BLOCK + 48)
#define TWINS  3
#define GUARD  0xdeadbeefu
#define SAMPLE 24 /* coefficients of a case that are compared with the definition */

/* The same list of primes under every twin. */
typedef struct fixture {
    uint32_t twins;
    hel_engine *engine[TWINS];
    hel_ring *ring[TWINS];
    ref_random r;
} fixture;

static void start(fixture *f, uint64_t stream, int chain)
{
    uint32_t primes[LIMBS];
    f->r = ref_random_start(stream);
    if (!chain)
        ref_mixed_primes(&f->r, 10, primes, LIMBS);
    for (f->twins = 0; ref_twin(f->twins) != HEL_SIMD_AUTO; f->twins++)
        f->ring[f->twins] =
            chain ? ref_ring(&f->engine[f->twins], ref_twin(f->twins), 10, HEL_PRIMES_MAX)
                  : ref_ring_from(&f->engine[f->twins], ref_twin(f->twins), 10, primes, LIMBS);
}

static void end(fixture *f)
{
    for (uint32_t t = 0; t < f->twins; t++)
        ref_ring_end(f->engine[t], f->ring[t]);
}

/* `count` different limbs below `bound` in random order. */
static void choose(ref_random *r, uint32_t *limbs, uint32_t count, uint32_t bound)
{
    for (uint32_t i = 0; i < count; i++) {
        limbs[i] = ref_random_below(r, bound);
        for (uint32_t k = 0; k < i; k++)
            if (limbs[k] == limbs[i]) {
                i--;
                break;
            }
    }
}

/* One conversion: in (WORDS words each) through every twin; want keeps the first twin's words. */
typedef struct conversion {
    uint32_t m, count, from[HEL_CONVERT_SOURCES], to[HEL_LIMBS_LIMIT];
    uint64_t factor[HEL_CONVERT_SOURCES];
    int factors;
    uint32_t *in[HEL_CONVERT_SOURCES], *want[HEL_LIMBS_LIMIT]; /* want: NULL is not wanted */
} conversion;

static void release(conversion *x)
{
    for (uint32_t k = 0; k < x->m; k++)
        free(x->in[k]);
    for (uint32_t t = 0; t < x->count; t++)
        free(x->want[t]);
}

static void convert_all(fixture *f, conversion *x, size_t n)
{
    for (uint32_t twin = 0; twin < f->twins; twin++) {
        hel_conversion *c;
        uint32_t *out[HEL_LIMBS_LIMIT];
        for (uint32_t t = 0; t < x->count; t++) {
            out[t] = x->want[t] ? ref_words(WORDS + 1) : NULL;
            for (size_t i = 0; out[t] && i <= WORDS; i++)
                out[t][i] = GUARD;
        }
        cr_assert_eq(hel_conversion_create(f->engine[twin], &c, f->ring[twin], x->from, x->m, x->to,
                                           x->count, x->factors ? x->factor : NULL),
                     HEL_OK);
        hel_convert(f->ring[twin], c, (const uint32_t *const *)x->in, out, n);
        for (uint32_t t = 0; t < x->count; t++) {
            if (!out[t])
                continue;
            for (size_t i = n; i <= WORDS; i++)
                cr_assert_eq(out[t][i], GUARD, "%s wrote word %zu of %zu", f->ring[twin]->ops->name,
                             i, n);
            if (twin == 0)
                memcpy(x->want[t], out[t], n * sizeof *out[t]);
            cr_assert_arr_eq(out[t], x->want[t], n * sizeof *out[t],
                             "%s, %u sources, %u targets, n %zu, target %u",
                             f->ring[twin]->ops->name, x->m, x->count, n, t);
            free(out[t]);
        }
        hel_conversion_free(c);
    }
}

/* The first twin's words against the definition, at random places and both ends. */
static void check_definition(fixture *f, const conversion *x, size_t n, size_t samples)
{
    ref_sources s;
    uint32_t q[HEL_CONVERT_SOURCES], a[HEL_CONVERT_SOURCES];
    for (uint32_t k = 0; k < x->m; k++)
        q[k] = f->ring[0]->limb[x->from[k]].q;
    ref_sources_start(&s, q, x->m, x->factors ? x->factor : NULL);
    for (size_t p = 0; p < samples; p++) {
        size_t i = p == 0 ? 0 : p == 1 ? n - 1 : ref_random_below(&f->r, (uint32_t)n);
        for (uint32_t k = 0; k < x->m; k++)
            a[k] = x->in[k][i];
        ref_big value = ref_convert(&s, a);
        cr_assert(ref_convert_holds(&s, a, &value), "%u sources, word %zu", x->m, i);
        for (uint32_t t = 0; t < x->count; t++)
            if (x->want[t]) {
                uint32_t to = f->ring[0]->limb[x->to[t]].q;
                cr_assert_eq(x->want[t][i], ref_big_mod(&value, to),
                             "%u sources to prime %u, word %zu: got %u, want %u", x->m, to, i,
                             x->want[t][i], ref_big_mod(&value, to));
            }
    }
}

static void shape(fixture *f, conversion *x, uint32_t m, uint32_t count, int factors)
{
    const uint32_t limbs = f->ring[0]->count;
    *x = (conversion){.m = m, .count = count, .factors = factors};
    choose(&f->r, x->from, m, limbs);
    for (uint32_t t = 0; t < count; t++) { /* sources among them, and some twice */
        x->to[t] = ref_random_below(&f->r, limbs);
        x->want[t] = ref_random_below(&f->r, 5) ? ref_words(WORDS) : NULL;
    }
    for (uint32_t k = 0; k < m; k++) {
        x->in[k] = ref_words(WORDS);
        ref_fill(&f->r, x->in[k], WORDS, f->ring[0]->limb[x->from[k]].q);
        x->factor[k] = k % 3 ? ref_random_u64(&f->r) : k % 2 ? 0 : UINT64_MAX;
    }
}

static const uint32_t counts[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 14, 15,
                                  16, 17, 23, 24, 25, 31, 32, 33, 48, 61, 62, 63};
#define COUNTS (sizeof counts / sizeof *counts)
static const size_t sizes[] = {16,   32, 48, 64, 240, HEL_CONVERT_BLOCK, HEL_CONVERT_BLOCK + 16,
                               WORDS};

Test(convert, definition)
{
    fixture f;
    start(&f, 1, 0);
    for (size_t run = 0; run < ref_scaled(144); run++) {
        conversion x;
        const uint32_t m = run % 3 < 2 ? counts[run / 3 % COUNTS] : 1 + ref_random_below(&f.r, 63);
        const uint32_t count = run % 7 == 0 ? HEL_LIMBS_LIMIT : 1 + ref_random_below(&f.r, 21);
        const size_t n = sizes[run % 8];
        shape(&f, &x, m, count, run % 2);
        convert_all(&f, &x, n);
        check_definition(&f, &x, n, SAMPLE);
        release(&x);
    }
    end(&f);
}

/* Nothing wanted, nothing to do. */
Test(convert, empty)
{
    fixture f;
    conversion x;
    start(&f, 2, 0);
    shape(&f, &x, 5, 9, 0);
    convert_all(&f, &x, 0);
    for (uint32_t t = 0; t < x.count; t++) {
        free(x.want[t]);
        x.want[t] = NULL;
    }
    convert_all(&f, &x, 64);
    release(&x);
    end(&f);
}

/* Digits at their largest, q_k - 1 everywhere: sums of 64 bits come closest to overflow. All primes
 * of the chain have 30 bits. The targets are many, so that some have large weights. */
Test(convert, largest_sums)
{
    fixture f;
    start(&f, 3, 1);
    for (uint32_t i = 0; i < 3 * COUNTS; i++)
        for (int top = 0; top < 3; top++) {
            conversion x;
            shape(&f, &x, counts[i % COUNTS], HEL_LIMBS_LIMIT, 0);
            for (uint32_t k = 0; k < x.m; k++) {
                const uint32_t q = f.ring[0]->limb[x.from[k]].q;
                uint32_t part = 1; /* -Q/q_k: its digit is q_k - 1 */
                for (uint32_t j = 0; j < x.m; j++)
                    if (j != k)
                        part = (uint32_t)((uint64_t)part * f.ring[0]->limb[x.from[j]].q % q);
                for (size_t w = 0; w < 32; w++)
                    x.in[k][w] = top == 0 ? q - part : top == 1 ? q - 1 : 0;
            }
            convert_all(&f, &x, 32);
            check_definition(&f, &x, 32, 2);
            release(&x);
        }
    end(&f);
}

/* Integers far below Q/2 convert exactly, whatever the number of sources. */
Test(convert, small_integers)
{
    fixture f;
    start(&f, 4, 0);
    for (uint32_t i = 0; i < COUNTS; i++) {
        conversion x;
        shape(&f, &x, counts[i], 10, 0);
        for (size_t w = 0; w < WORDS; w++) {
            int32_t v = (int32_t)ref_random_below(&f.r, 100001) - 50000;
            for (uint32_t k = 0; k < x.m; k++)
                x.in[k][w] = ref_mod(v, f.ring[0]->limb[x.from[k]].q);
            x.in[0][w] = ref_mod(v, f.ring[0]->limb[x.from[0]].q);
        }
        convert_all(&f, &x, WORDS);
        for (uint32_t t = 0; t < x.count; t++)
            for (size_t w = 0; x.want[t] && w < WORDS; w++) {
                const uint32_t q0 = f.ring[0]->limb[x.from[0]].q;
                cr_assert_eq(x.want[t][w],
                             ref_mod(ref_centre(x.in[0][w], q0), f.ring[0]->limb[x.to[t]].q));
            }
        release(&x);
    }
    end(&f);
}

Test(convert, refuses_what_it_cannot_do)
{
    fixture f;
    hel_conversion *c;
    uint32_t from[64], to[HEL_LIMBS_LIMIT + 1];
    start(&f, 5, 0);
    for (uint32_t i = 0; i < 64; i++)
        from[i] = i;
    for (uint32_t i = 0; i <= HEL_LIMBS_LIMIT; i++)
        to[i] = i % LIMBS;
    const struct {
        uint32_t m, count, source, target;
    } bad[] = {{0, 1, 0, 0},     {64, 1, 0, 0},    {2, 0, 0, 0}, {2, HEL_LIMBS_LIMIT + 1, 0, 0},
               {2, 1, LIMBS, 0}, {2, 1, 0, LIMBS}, {2, 1, 1, 0}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        from[0] = bad[k].source;
        to[0] = bad[k].target;
        cr_assert_eq(hel_conversion_create(f.engine[0], &c, f.ring[0], from, bad[k].m, to,
                                           bad[k].count, NULL),
                     HEL_E_USAGE, "case %zu", k);
        cr_assert_null(c);
    }
    from[0] = to[0] = 0;
    const uint64_t before = hel_mem_in_use();
    for (uint64_t nth = 1; nth <= 2; nth++) {
        hel_mem_fail_nth(nth);
        cr_assert_eq(hel_conversion_create(f.engine[0], &c, f.ring[0], from, 3, to, 5, NULL),
                     HEL_E_MEMORY);
        cr_assert_null(c);
        cr_assert_eq(hel_mem_in_use(), before);
    }
    hel_mem_fail_nth(0);
    cr_assert_eq(
        hel_conversion_create(f.engine[0], &c, f.ring[0], from, 63, to, HEL_LIMBS_LIMIT, NULL),
        HEL_OK);
    hel_conversion_free(c);
    hel_conversion_free(NULL);
    cr_assert_eq(hel_mem_in_use(), before);
    end(&f);
}

/* One source without a factor has a path of its own in the vector twins: every residue about the
 * half, where v changes, to targets that are large enough for it and to others. */
Test(convert, one_source_about_the_half)
{
    for (int chain = 0; chain < 2; chain++) {
        fixture f;
        start(&f, 20 + (uint64_t)chain, chain);
        for (uint32_t from = 0; from < 12; from++) {
            const uint32_t q = f.ring[0]->limb[from].q, n = 256;
            conversion x = {.m = 1, .count = 6, .from = {from}};
            x.in[0] = ref_words(WORDS);
            for (uint32_t i = 0; i < WORDS; i++)
                x.in[0][i] = i < 240 ? q / 2 - 120 + i : i % 2 ? q - 1 - i % 16 : i % 16;
            for (int wanted = 0; wanted < 2; wanted++) {
                for (uint32_t t = 0; t < x.count; t++) {
                    x.to[t] = t == 0 ? from : (from + 7 * t) % f.ring[0]->count;
                    /* those that are too small are left out once, for the path's sake */
                    const int small = f.ring[0]->limb[x.to[t]].q < q / 2 + 128;
                    x.want[t] = wanted || !small ? ref_words(WORDS) : NULL;
                }
                convert_all(&f, &x, n);
                for (uint32_t i = 0; i < n; i++) {
                    ref_sources s;
                    ref_sources_start(&s, &q, 1, NULL);
                    const ref_big value = ref_convert(&s, &x.in[0][i]);
                    for (uint32_t t = 0; t < x.count; t++)
                        if (x.want[t])
                            cr_assert_eq(x.want[t][i],
                                         ref_big_mod(&value, f.ring[0]->limb[x.to[t]].q),
                                         "prime %u, word %u", q, i);
                }
                for (uint32_t t = 0; t < x.count; t++)
                    free(x.want[t]);
            }
            free(x.in[0]);
        }
        end(&f);
    }
}
