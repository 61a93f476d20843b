/*
 * The scan's inner loop: genotype ciphertexts (a0 from the rows, a1 made from its stream) times
 * weight ciphertexts (z0, z1), summed over the samples of a tile, as host/backend/tensor.h defines
 * it for 16 positions.
 *
 * A warp has 32 neighbouring positions of one limb, B variant blocks and up to C columns, whose
 * 3 B C sums of 64 bits stay in registers for the whole tile. The warps of a block of threads are
 * the columns of the same positions; together they make the words a0, a1, a0 + a1 of a few samples
 * in shared memory while they use those of the samples before. Three products a step (Karatsuba):
 *   d0 = a0 z0, d2 = a1 z1, d1 = (a0 + a1)(z0 + z1) - d0 - d2, the two sums folded below q.
 *
 * Every 16 samples a sum becomes its lower word plus f times its upper word, f = 2^32 mod q. With
 * x = q / 2^30 < 1, 16 products and such a rest are below (16 x^2 + 4 f / 2^30) 2^60 + 2^32, and
 * f < q; for x > 4/5, f = 4 (2^30 - q). Either way it is below 2^64: (16 x^2 + 4 x <= 13.5 for
 * x <= 4/5, else 16 - 16 x (1 - x)) 2^60 + 2^32.
 *
 * Bound: the multiplier. Counts of instructions and bytes: bench/ladders/scan.
 */
#include "kernels/scan.h"

#include "kernels/chacha.h"

#define SUMS    32 /* B C, at most */
#define COLUMNS 6  /* C, at most */
#define QUAD    4u /* variant blocks whose words lie together: 16 bytes */
#define RUN     16u
#define BETWEEN 16u /* samples between reductions; a multiple of every stage */

#define QUAD_WORDS    (RUN * QUAD)
#define KIND_WORDS(b) (RUN * (b)) /* a0, a1, a0 + a1: [quad][position][4] each */

/* A block of threads' place. */
typedef struct place {
    k_scan_limb m;
    uint32_t limb, first;   /* position */
    uint32_t block, blocks; /* variant blocks: first of the call, count */
} place;

K_DEVICE place place_of(const k_scan *a, uint32_t b)
{
    place p;
    p.m = a->limb[K_BLOCK_Z];
    p.limb = K_BLOCK_Z;
    p.first = K_BLOCK_Y * 32 * a->strips;
    p.block = a->first_block + K_BLOCK_X * b;
    p.blocks = K_MIN(b, a->blocks - p.block);
    return p;
}

/* ---- making a run: 16 positions of one sample and variant block ---- */

/* a1 beside an a0 that is there; volatile, or a0 would stay in a register from its coming on. */
K_DEVICE void put(uint32_t *at, const place *p, uint32_t b, uint32_t a1)
{
    const uint32_t a0 = *(volatile uint32_t *)at;
    at[KIND_WORDS(b)] = a1;
    at[2 * KIND_WORDS(b)] = k_fold(a0 + a1, p->m.minus_q);
}

/* Words that the first try left at q or more get later ones. */
K_DEVICE void settle(const k_scan *a, const place *p, uint32_t b, uint32_t *at, uint32_t counter,
                     uint32_t *nonce)
{
    uint32_t open = 1, x[16];
    for (uint32_t attempt = 1; open && attempt < 256; attempt++) {
        nonce[2]++;
        k_chacha_block(a->key, counter, nonce, x);
        open = 0;
        K_UNROLL
        for (uint32_t i = 0; i < RUN; i++) {
            const uint32_t v = x[i] & p->m.mask;
            if (at[i * QUAD + KIND_WORDS(b)] < p->m.q)
                continue;
            if (v < p->m.q)
                put(at + i * QUAD, p, b, v);
            else
                open = 1;
        }
    }
}

K_DEVICE void make_run(const k_scan *a, const place *p, uint32_t b, uint32_t *at, uint32_t sample,
                       uint32_t block, uint32_t position)
{
    const size_t inside = ((size_t)p->limb << a->ring.log_n) + position;
    const size_t words = (size_t)a->limbs << a->ring.log_n;
    const uint64_t poly = sample * a->stride + block, object = a->object + poly;
    const k_quad *row = (const k_quad *)(a->rows + poly * words + inside);
    k_quad *kept = (k_quad *)(a->uniform + ((uint64_t)sample * a->blocks + block) * words + inside);
    uint32_t x[16], most = 0;
    uint32_t nonce[3] = {(uint32_t)object, (uint32_t)(object >> 32),
                         a->domain << 24 | p->limb << 8};
    K_UNROLL
    for (uint32_t i = 0; i < RUN / 4; i++) {
        const k_quad v = row[i];
        at[4 * i * QUAD] = v.x;
        at[(4 * i + 1) * QUAD] = v.y;
        at[(4 * i + 2) * QUAD] = v.z;
        at[(4 * i + 3) * QUAD] = v.w;
    }
    if (a->mode == K_SCAN_READ) {
        K_UNROLL
        for (uint32_t i = 0; i < RUN / 4; i++) {
            const k_quad v = kept[i];
            x[4 * i] = v.x;
            x[4 * i + 1] = v.y;
            x[4 * i + 2] = v.z;
            x[4 * i + 3] = v.w;
        }
    } else {
        k_chacha_block(a->key, position / RUN, nonce, x);
    }
    K_UNROLL
    for (uint32_t i = 0; i < RUN; i++) {
        x[i] &= p->m.mask;
        most = x[i] > most ? x[i] : most;
        put(at + i * QUAD, p, b, x[i]);
    }
    if (most >= p->m.q)
        settle(a, p, b, at, position / RUN, nonce);
    if (a->mode == K_SCAN_KEEP)
        for (uint32_t i = 0; i < RUN / 4; i++) {
            const uint32_t *v = at + 4 * i * QUAD + KIND_WORDS(b);
            kept[i] = (k_quad){v[0], v[QUAD], v[2 * QUAD], v[3 * QUAD]};
        }
}

/* The runs of the samples from `first` on, 32 a turn of a warp: eight neighbours in shared memory
 * by four variant blocks, which store to 32 banks. Turns go round the warps from stage to stage. */
K_DEVICE void make_stage(const k_scan *a, const place *p, uint32_t b, uint32_t *shared,
                         uint32_t first, uint32_t stage)
{
    const uint32_t lane = K_THREAD & 31, warp = K_THREAD / 32, warps = K_THREADS / 32;
    const uint32_t runs = 2 * a->strips, turns = a->stage * runs / 8 * (b / QUAD);
    const uint32_t shift = stage * turns % warps;
    for (uint32_t turn = warp >= shift ? warp - shift : warp + warps - shift; turn < turns;
         turn += warps) {
        const uint32_t quad = turn % (b / QUAD), run = turn / (b / QUAD) * 8 + lane / QUAD;
        const uint32_t sample = first + run / runs, position = p->first + run % runs * RUN;
        const uint32_t block = quad * QUAD + lane % QUAD;
        uint32_t *at = shared + run * K_SCAN_RUN_WORDS(b) + quad * QUAD_WORDS + lane % QUAD;
        if (sample >= a->samples)
            continue;
        if (block < p->blocks) {
            make_run(a, p, b, at, sample, p->block + block, position);
        } else {
            K_UNROLL
            for (uint32_t i = 0; i < RUN; i++) {
                at[i * QUAD] = 0;
                put(at + i * QUAD, p, b, 0);
            }
        }
    }
}

/* ---- using them ---- */

K_DEVICE void load_weights(uint32_t *z0, uint32_t *z1, const uint32_t *z, const uint32_t *offset,
                           size_t words, uint32_t columns)
{
    K_UNROLL
    for (uint32_t c = 0; c < columns; c++) {
        const uint32_t *at = (const uint32_t *)((const uint8_t *)z + offset[c]);
        z0[c] = K_LOAD(at);
        z1[c] = K_LOAD(at + words);
    }
}

K_DEVICE void multiply4(uint64_t *sum, k_quad x, uint32_t z)
{
    sum[0] += (uint64_t)x.x * z;
    sum[3] += (uint64_t)x.y * z;
    sum[6] += (uint64_t)x.z * z;
    sum[9] += (uint64_t)x.w * z;
}

/* The sums pass through shared memory: taken apart in registers, they would no longer be kept in
 * pairs, and every product would move them. */
K_DEVICE void reduce_sums(uint64_t *sum, uint32_t count, uint32_t fold, uint32_t *shared)
{
    volatile uint64_t *slot = (volatile uint64_t *)shared + K_THREAD;
    K_UNROLL
    for (uint32_t i = 0; i < 3 * count; i += K_SCAN_SLOTS) {
        K_UNROLL
        for (uint32_t j = 0; j < K_SCAN_SLOTS; j++)
            slot[j * K_SCAN_THREADS] = sum[i + j];
        K_UNROLL
        for (uint32_t j = 0; j < K_SCAN_SLOTS; j++) {
            const uint64_t v = slot[j * K_SCAN_THREADS];
            sum[i + j] = (uint64_t)(uint32_t)(v >> 32) * fold + (uint32_t)v;
        }
    }
}

/* `count` samples for a warp of exactly `columns` columns, whose weights lie table[c] bytes from z
 * on. Those of the next sample are loaded when a column is done with. */
K_DEVICE void use_samples(const k_scan *a, const place *p, uint64_t *sum, uint32_t b,
                          const uint32_t *at, uint32_t count, const uint32_t *z,
                          const uint32_t *table, uint32_t *slots, uint32_t reduce, uint32_t columns)
{
    const size_t words = (size_t)a->limbs << a->ring.log_n, step = 2 * words * a->held;
    uint32_t offset[COLUMNS], z0[COLUMNS], z1[COLUMNS];
    K_UNROLL
    for (uint32_t c = 0; c < columns; c++)
        offset[c] = table[c];
    load_weights(z0, z1, z, offset, words, columns);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t zs[COLUMNS];
        z += i + 1 < count ? step : 0;
        K_UNROLL
        for (uint32_t c = 0; c < columns; c++)
            zs[c] = k_fold(z0[c] + z1[c], p->m.minus_q);
        K_UNROLL
        for (uint32_t quad = 0; quad < b / QUAD; quad++) {
            const k_quad *word = (const k_quad *)(at + quad * QUAD_WORDS);
            const k_quad x0 = word[0], x1 = word[KIND_WORDS(b) / 4], xs = word[KIND_WORDS(b) / 2];
            K_UNROLL
            for (uint32_t c = 0; c < columns; c++) {
                uint64_t *s = sum + 3 * (c * b + quad * QUAD);
                multiply4(s, x0, z0[c]);
                multiply4(s + 1, xs, zs[c]);
                multiply4(s + 2, x1, z1[c]);
                if (quad == b / QUAD - 1)
                    load_weights(z0 + c, z1 + c, z, offset + c, words, 1);
            }
        }
        at += 2 * a->strips * K_SCAN_RUN_WORDS(b);
    }
    if (reduce)
        reduce_sums(sum, b * columns, p->m.fold, slots);
}

/* The sums join the accumulators. */
K_DEVICE void finish(const k_scan *a, const place *p, const uint64_t *sum, uint32_t position,
                     uint32_t first_column, uint32_t mine, uint32_t b, uint32_t columns)
{
    const k_limb *l = a->ring.limb + p->limb;
    const size_t words = (size_t)a->limbs << a->ring.log_n;
    const size_t inside = ((size_t)p->limb << a->ring.log_n) + position;
    K_UNROLL
    for (uint32_t c = 0; c < columns; c++) {
        const uint32_t output = c < mine ? a->output[first_column + c] : 0;
        K_UNROLL
        for (uint32_t i = 0; i < b; i++) {
            uint32_t *out =
                a->sums + ((uint64_t)(p->block + i) * a->outputs + output) * 3 * words + inside;
            uint32_t d[3];
            if (c >= mine || i >= p->blocks)
                continue;
            K_UNROLL
            for (uint32_t k = 0; k < 3; k++)
                d[k] = hel_mod_reduce_sum(sum[3 * (c * b + i) + k], l->q, l->barrett, l->bits,
                                          l->pow34);
            d[1] = hel_mod_sub(hel_mod_sub(d[1], d[0], l->q), d[2], l->q);
            K_UNROLL
            for (uint32_t k = 0; k < 3; k++)
                out[k * words] = hel_mod_add(out[k * words], d[k], l->q);
        }
    }
}

/* The loop that fits a warp's number of columns. */
#define USE(n)                                                                                     \
    if (table[K_SCAN_TABLE - 1] == n && n <= columns)                                              \
    use_samples(a, p, sum, b, at, count, z, table, slots, reduce, n)

K_DEVICE void use_stage(const k_scan *a, const place *p, uint64_t *sum, uint32_t b,
                        uint32_t columns, const uint32_t *shared, uint32_t first, uint32_t strip,
                        const uint32_t *table, uint32_t *slots)
{
    const uint32_t reduce = (first + a->stage) % BETWEEN == 0;
    const uint32_t lane = K_THREAD & 31, count = K_MIN(a->stage, a->samples - first);
    const uint32_t *at =
        shared + (2 * strip + lane / RUN) * K_SCAN_RUN_WORDS(b) + lane % RUN * QUAD;
    const uint32_t *z = a->weights +
                        (((size_t)first * a->held * 2 * a->limbs + p->limb) << a->ring.log_n) +
                        p->first + strip * 32 + lane;
    USE(1);
    USE(2);
    USE(3);
    USE(4);
    USE(5);
    USE(6);
}

/* What a thread needs for its weights lies in shared memory, for it would not fit into registers
 * while runs are made. */
K_DEVICE void scan(const k_scan *a, uint32_t b, uint32_t columns, uint32_t *shared)
{
    const place p = place_of(a, b);
    const uint32_t warp = K_THREAD / 32, lane = K_THREAD & 31;
    /* the columns of neighbouring strips go round the four schedulers */
    const uint32_t strip = warp / a->groups, group = (warp + strip) % a->groups;
    const uint32_t first_column = group * a->columns / a->groups;
    const uint32_t mine = (group + 1) * a->columns / a->groups - first_column;
    const uint32_t stage_words = a->stage * 2 * a->strips * K_SCAN_RUN_WORDS(b);
    uint32_t *slots = shared + 2 * stage_words;
    uint32_t *table = slots + 2 * K_SCAN_SLOTS * K_SCAN_THREADS + K_SCAN_TABLE * warp;
    uint64_t sum[3 * SUMS];
    K_UNROLL
    for (uint32_t i = 0; i < 3 * b * columns; i++)
        sum[i] = 0;
    if (lane < mine)
        table[lane] = a->column[first_column + lane] * 8 * (a->limbs << a->ring.log_n);
    if (lane == K_SCAN_TABLE - 1)
        table[lane] = mine;
    make_stage(a, &p, b, shared, 0, 0);
    K_SYNC();
    for (uint32_t first = 0, t = 0; first < a->samples; first += a->stage, t++) {
        if (first + a->stage < a->samples)
            make_stage(a, &p, b, shared + (~t & 1) * stage_words, first + a->stage, t + 1);
        use_stage(a, &p, sum, b, columns, shared + (t & 1) * stage_words, first, strip, table,
                  slots);
        K_SYNC();
    }
    finish(a, &p, sum, p.first + strip * 32 + lane, first_column, mine, b, columns);
}

K_KERNEL(k_scan_8, k_scan, K_SCAN_THREADS)
{
    K_SHARED(shared);
    scan(&A, 8, K_SCAN_COLUMNS_8, shared);
}

K_KERNEL(k_scan_4, k_scan, K_SCAN_THREADS)
{
    K_SHARED(shared);
    scan(&A, 4, K_SCAN_COLUMNS_4, shared);
}
