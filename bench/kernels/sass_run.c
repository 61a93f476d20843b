/* Follows one thread through a kernel. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench/kernels/sass_private.h"

enum { STEPS_MAX = 4000000 };

typedef struct word {
    uint32_t x;
    int known;
} word;

typedef struct run {
    const sass_thread *thread;
    word r[256], u[64];
    word p[16]; /* x: 0 or 1 */
    size_t at;
} run;

/* ---- operands ---- */

static word known(uint32_t x)
{
    return (word){x, 1};
}

static word bank(const run *m, const sass_operand *o, uint32_t part)
{
    const sass_thread *t = m->thread;
    uint32_t x, offset = o->value + 4 * part;
    if (o->index != 255) {
        if (!m->r[o->index].known)
            return (word){0, 0};
        offset += m->r[o->index].x;
    }
    if (o->uniform != 63) {
        if (!m->u[o->uniform].known)
            return (word){0, 0};
        offset += m->u[o->uniform].x;
    }
    if (offset >= t->args_offset && offset - t->args_offset + sizeof x <= t->args_bytes) {
        memcpy(&x, (const char *)t->args + (offset - t->args_offset), sizeof x);
        return known(x);
    }
    if (offset == 0)
        return known(t->threads);
    if (offset == 0x140) /* what a cluster's barrier asks */
        return known(t->cluster != 0);
    if (offset >= 12 && offset < 24 && offset % 4 == 0)
        return known(t->grid[(offset - 12) / 4]);
    return (word){0, 0};
}

static word special_value(const run *m, uint32_t what)
{
    switch ((sass_special)what) {
    case SASS_TID:
        return known(m->thread->thread);
    case SASS_CTAID_X:
    case SASS_CTAID_Y:
    case SASS_CTAID_Z:
        return known(m->thread->block[what - SASS_CTAID_X]);
    case SASS_CLUSTER_RANK:
        return known(m->thread->cluster ? m->thread->block[0] % m->thread->cluster : 0);
    case SASS_UNKNOWN_SPECIAL:
        break;
    }
    return (word){0, 0};
}

/* Word `part` (0: low) of an operand, without its sign. */
static word raw(const run *m, const sass_operand *o, uint32_t part)
{
    switch (o->kind) {
    case SASS_REGISTER:
        return o->index == 255 ? known(0) : m->r[o->index + part];
    case SASS_UNIFORM:
        return o->index == 63 ? known(0) : m->u[o->index + part];
    case SASS_PREDICATE: {
        word w = m->p[o->index];
        w.x ^= o->inverted;
        return w;
    }
    case SASS_IMMEDIATE:
        return known(part ? 0 : o->value);
    case SASS_CONSTANT:
        return bank(m, o, part);
    case SASS_SPECIAL:
        return special_value(m, o->value);
    case SASS_NONE:
    case SASS_MEMORY:
    case SASS_LABEL:
        break;
    }
    return (word){0, 0};
}

static word value(const run *m, const sass_operand *o)
{
    word w = raw(m, o, 0);
    if (o->inverted && o->kind != SASS_PREDICATE)
        w.x = ~w.x;
    if (o->negative)
        w.x = 0u - w.x;
    return w;
}

static void set(run *m, const sass_operand *o, uint32_t part, word w)
{
    if (o->kind == SASS_REGISTER && o->index + part < 255)
        m->r[o->index + part] = w;
    else if (o->kind == SASS_UNIFORM && o->index + part < 63)
        m->u[o->index + part] = w;
    else if (o->kind == SASS_PREDICATE && o->index % 8 != 7)
        m->p[o->index] = w;
}

static uint32_t width(const sass_instruction *i)
{
    return sass_has(i, ".128") ? 4 : sass_has(i, ".64") || sass_has(i, ".WIDE") ? 2 : 1;
}

/* The operand behind the destination and carries that are written. */
static uint32_t sources(const sass_instruction *i)
{
    uint32_t k = 1;
    while (k < i->count && i->o[k].kind == SASS_PREDICATE)
        k++;
    return k;
}

static void forget(run *m, const sass_instruction *i)
{
    if (i->count == 0)
        return;
    for (uint32_t part = 0; part < (i->class == SASS_FLOAT ? 2u : width(i)); part++)
        set(m, &i->o[0], part, (word){0, 0});
    for (uint32_t k = 1; k < sources(i); k++)
        set(m, &i->o[k], 0, (word){0, 0});
}

/* ---- arithmetic ---- */

/* Sums in 33 bits and more: a negated operand is 2^32 less it, so that carries come out right. */
static void add(run *m, const sass_instruction *i)
{
    const uint32_t first = sources(i);
    uint64_t sum = 0;
    int all = 1;
    for (uint32_t k = first; k < i->count; k++) {
        const sass_operand *o = &i->o[k];
        if (o->kind == SASS_PREDICATE) { /* a carry in, only with .X */
            if (sass_has(i, ".X") && o->index % 8 != 7) {
                const word w = raw(m, o, 0);
                all &= w.known;
                sum += w.x;
            }
            continue;
        }
        const word w = raw(m, o, 0);
        all &= w.known;
        sum += o->negative ? ((uint64_t)1 << 32) - w.x : o->inverted ? (uint32_t)~w.x : w.x;
    }
    for (uint32_t k = 1; k < first; k++)
        set(m, &i->o[k], 0, (word){(uint32_t)(sum >> 32) & 1, all});
    set(m, &i->o[0], 0, (word){(uint32_t)sum, all});
}

static void multiply(run *m, const sass_instruction *i)
{
    const uint32_t k = sources(i);
    const word a = value(m, &i->o[k]), b = value(m, &i->o[k + 1]);
    word c = value(m, &i->o[k + 2]);
    if (sass_has(i, ".X") && k + 3 < i->count) {
        const word in = raw(m, &i->o[k + 3], 0);
        c.x += in.x;
        c.known &= in.known;
    }
    /* a product with zero is known whatever the other factor is */
    const int zero = (a.known && a.x == 0) || (b.known && b.x == 0);
    set(m, &i->o[0], 0,
        (word){zero ? c.x : a.x * b.x + c.x, c.known && (zero || (a.known && b.known))});
}

static void multiply_wide(run *m, const sass_instruction *i, int high_only)
{
    const uint32_t k = sources(i);
    const word a = value(m, &i->o[k]), b = value(m, &i->o[k + 1]);
    const word low = raw(m, &i->o[k + 2], 0), high = raw(m, &i->o[k + 2], 1);
    uint64_t x;
    if (sass_has(i, ".U32"))
        x = (uint64_t)a.x * b.x;
    else
        x = (uint64_t)((int64_t)(int32_t)a.x * (int32_t)b.x);
    x += (uint64_t)high.x << 32 | low.x;
    const int all = a.known && b.known && low.known && high.known;
    if (!high_only)
        set(m, &i->o[0], 0, (word){(uint32_t)x, all});
    set(m, &i->o[0], !high_only, (word){(uint32_t)(x >> 32), all});
}

static void shift(run *m, const sass_instruction *i, int left)
{
    const word low = value(m, &i->o[1]), by = value(m, &i->o[2]), high = value(m, &i->o[3]);
    const uint32_t n = by.x & 255;
    word out = {0, low.known && by.known && high.known};
    if (left)
        out.x = n < 32 ? low.x << n : 0;
    else if (!sass_has(i, ".HI"))
        out.x = (uint32_t)(((uint64_t)high.x << 32 | low.x) >> (n < 63 ? n : 63));
    else if (sass_has(i, ".S32"))
        out.x = (uint32_t)((int32_t)high.x >> (n < 31 ? n : 31));
    else
        out.x = n < 32 ? high.x >> n : 0;
    if (left && i->o[3].kind == SASS_REGISTER && i->o[3].index != 255)
        out.known = 0; /* a funnel */
    set(m, &i->o[0], 0, out);
}

/* a << n + b, with its carry; .HI.X: (high:a) << n, upper word, + b + carry */
static void lea(run *m, const sass_instruction *i, int high)
{
    const uint32_t k = sources(i);
    const word a = value(m, &i->o[k]), b = value(m, &i->o[k + 1]);
    if (!high) {
        const word n = value(m, &i->o[k + 2]);
        const uint64_t sum = (uint64_t)(uint32_t)(a.x << (n.x & 31)) + b.x;
        const int all = a.known && b.known && n.known;
        if (k > 1)
            set(m, &i->o[1], 0, (word){(uint32_t)(sum >> 32), all});
        set(m, &i->o[0], 0, (word){(uint32_t)sum, all});
        return;
    }
    const word c = value(m, &i->o[k + 2]), n = value(m, &i->o[k + 3]);
    const word in = k + 4 < i->count ? raw(m, &i->o[k + 4], 0) : (word){0, 0};
    const uint64_t x = ((uint64_t)c.x << 32 | a.x) << (n.x & 31);
    set(m, &i->o[0], 0,
        (word){(uint32_t)(x >> 32) + b.x + in.x,
               a.known && b.known && c.known && n.known && in.known});
}

static void logic(run *m, const sass_instruction *i)
{
    const uint32_t k = i->o[0].kind == SASS_PREDICATE ? 2 : 1; /* a predicate of the result first */
    const word a = value(m, &i->o[k]), b = value(m, &i->o[k + 1]), c = value(m, &i->o[k + 2]);
    const uint32_t table = i->o[k + 3].value;
    uint32_t x = 0, unknown = 0;
    for (uint32_t bit = 0; bit < 32; bit++) {
        uint32_t seen = 0; /* which results the unknown inputs allow */
        for (uint32_t t = 0; t < 8; t++)
            if ((!a.known || (a.x >> bit & 1) == (t >> 2 & 1)) &&
                (!b.known || (b.x >> bit & 1) == (t >> 1 & 1)) &&
                (!c.known || (c.x >> bit & 1) == (t & 1)))
                seen |= 1u << (table >> t & 1);
        x |= (seen >> 1 & 1) << bit;
        unknown |= (uint32_t)(seen == 3) << bit;
    }
    if (k == 2)
        set(m, &i->o[0], 0, (word){x != 0, unknown == 0});
    set(m, &i->o[k - 1], 0, (word){x, unknown == 0});
}

static void compare(run *m, const sass_instruction *i)
{
    const word a = value(m, &i->o[2]), b = value(m, &i->o[3]), with = raw(m, &i->o[4], 0);
    const int is_unsigned = sass_has(i, ".U32");
    const int64_t x = is_unsigned ? (int64_t)a.x : (int32_t)a.x;
    const int64_t y = is_unsigned ? (int64_t)b.x : (int32_t)b.x;
    uint32_t truth = sass_has(i, ".LT")   ? x < y
                     : sass_has(i, ".LE") ? x <= y
                     : sass_has(i, ".GT") ? x > y
                     : sass_has(i, ".GE") ? x >= y
                     : sass_has(i, ".EQ") ? x == y
                                          : x != y;
    int all = a.known && b.known;
    if (sass_has(i, ".EX")) { /* upper words: equal ones leave it to the lower */
        const word low = raw(m, &i->o[5], 0);
        if (sass_has(i, ".EQ"))
            truth &= low.x;
        else if (sass_has(i, ".NE"))
            truth |= low.x;
        else if (x == y)
            truth = low.x;
        all = all && low.known;
    }
    const int or = sass_has(i, ".OR");
    for (uint32_t k = 0; k < 2; k++) {
        const uint32_t t = k ? !truth : truth;
        word out = { or ? t | with.x : t & with.x, all && with.known};
        if (with.known && with.x == (uint32_t) or) /* decides alone */
            out = known(with.x);
        set(m, &i->o[k], 0, out);
    }
}

/* PLOP3: two predicates by tables of three */
static void combine(run *m, const sass_instruction *i)
{
    uint32_t at = 0, all = i->count >= 7;
    for (uint32_t k = 2; all && k < 5; k++) {
        const word w = raw(m, &i->o[k], 0);
        at = 2 * at + w.x;
        all &= (uint32_t)w.known;
    }
    for (uint32_t k = 0; k < 2; k++)
        set(m, &i->o[k], 0, (word){all ? i->o[5 + k].value >> at & 1 : 0, (int)all});
}

/* The smaller of two words if the predicate says so; VIADDMNMX adds its first two before. */
static void extreme(run *m, const sass_instruction *i)
{
    const uint32_t k = sass_is(i, "VIADDMNMX") ? 2 : 1;
    const word b = value(m, &i->o[k + 1]), min = raw(m, &i->o[k + 2], 0);
    word a = value(m, &i->o[1]);
    if (k == 2) {
        const word more = value(m, &i->o[2]);
        a.x += more.x;
        a.known &= more.known;
    }
    const int less = sass_has(i, ".U32") ? a.x < b.x : (int32_t)a.x < (int32_t)b.x;
    set(m, &i->o[0], 0, (word){less == (int)min.x ? a.x : b.x, a.known && b.known && min.known});
}

/* What divisions by a variable begin with: the reciprocal's estimate, corrected afterwards. */
static void estimate(run *m, const sass_instruction *i)
{
    word w = value(m, &i->o[1]);
    float x;
    memcpy(&x, &w.x, sizeof x);
    if (i->action == DO_TO_FLOAT) {
        x = (float)w.x;
        if ((double)x < (double)w.x)
            x = nextafterf(x, INFINITY);
    } else if (i->action == DO_RECIPROCAL) {
        x = 1.0f / x;
    } else {
        w.x = x < 0 ? 0 : x >= 4294967296.0f ? UINT32_MAX : (uint32_t)x;
    }
    if (i->action != DO_FROM_FLOAT)
        memcpy(&w.x, &x, sizeof x);
    set(m, &i->o[0], 0, w);
}

/* -0 x 0 + (two constants in half precision): how some constants are loaded. */
static void halves(run *m, const sass_instruction *i)
{
    uint32_t x = 0;
    if (i->count != 5 || i->o[1].index != 255 || i->o[2].index != 255) {
        forget(m, i);
        return;
    }
    for (uint32_t k = 3; k < 5; k++) {
        float f;
        int exponent;
        memcpy(&f, &i->o[k].value, sizeof f);
        const float fraction = frexpf(f, &exponent); /* in [1/2, 1) */
        uint32_t half = 0;
        if (i->o[k].value != 0 && exponent > -14)
            half = (uint32_t)(exponent + 14) << 10 | ((uint32_t)(fraction * 2048) & 1023);
        else if (i->o[k].value != 0) /* subnormal: units of 2^-24 */
            half = (uint32_t)(f * 16777216.0f);
        x = x << 16 | half | (uint32_t)i->o[k].negative << 15;
    }
    set(m, &i->o[0], 0, known(x));
}

/* ---- memory ---- */

static uint32_t access_bytes(const sass_instruction *i)
{
    if (sass_has(i, ".U8") || sass_has(i, ".S8"))
        return 1;
    return sass_has(i, ".U16") || sass_has(i, ".S16") ? 2 : 4 * width(i);
}

/* Reads what the process has there; unknown where it has nothing. */
static void load(run *m, const sass_instruction *i)
{
    const sass_operand *o = &i->o[i->count - 1];
    const uint32_t bytes = access_bytes(i);
    uint32_t got[4] = {0};
    forget(m, i);
    if (o->kind != SASS_MEMORY || o->index == 255)
        return;
    const word low = m->r[o->index], high = m->r[o->index + 1];
    if (!low.known || !high.known)
        return;
    uint64_t address = (uint64_t)high.x << 32 | low.x;
    if (o->uniform != 63) {
        if (!m->u[o->uniform].known || !m->u[o->uniform + 1].known)
            return;
        address += (uint64_t)m->u[o->uniform + 1].x << 32 | m->u[o->uniform].x;
    }
    address += (uint64_t)(int64_t)(int32_t)o->value;
    void *source;
    memcpy(&source, &address, sizeof source);
    const struct iovec to = {got, bytes}, from = {source, bytes};
    if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)bytes)
        return;
    for (uint32_t part = 0; part < (bytes + 3) / 4; part++)
        set(m, &i->o[0], part, known(got[part]));
}

/* ---- the thread ---- */

static void step(run *m, const sass_instruction *i)
{
    switch (i->action) {
    case DO_MOVE:
        set(m, &i->o[0], 0, value(m, &i->o[i->count > 1 ? sources(i) : 0]));
        break;
    case DO_ZERO:
        for (uint32_t part = 0; part < (sass_has(i, ".32") ? 1u : 2u); part++)
            set(m, &i->o[0], part, known(0));
        break;
    case DO_CONSTANT:
        for (uint32_t part = 0; part < width(i); part++)
            set(m, &i->o[0], part, raw(m, &i->o[1], part));
        break;
    case DO_ADD:
        add(m, i);
        break;
    case DO_MULTIPLY:
        multiply(m, i);
        break;
    case DO_MULTIPLY_HIGH:
    case DO_MULTIPLY_WIDE:
        multiply_wide(m, i, i->action == DO_MULTIPLY_HIGH);
        break;
    case DO_SHIFT_LEFT:
    case DO_SHIFT_RIGHT:
        shift(m, i, i->action == DO_SHIFT_LEFT);
        break;
    case DO_LEA:
    case DO_LEA_HIGH:
        lea(m, i, i->action == DO_LEA_HIGH);
        break;
    case DO_LOGIC:
        logic(m, i);
        break;
    case DO_COMPARE:
        compare(m, i);
        break;
    case DO_COMBINE:
        combine(m, i);
        break;
    case DO_SELECT: {
        const word which = raw(m, &i->o[3], 0);
        const word w = value(m, &i->o[which.x ? 1 : 2]);
        set(m, &i->o[0], 0, (word){w.x, w.known && which.known});
        break;
    }
    case DO_EXTREME:
        extreme(m, i);
        break;
    case DO_TO_FLOAT:
    case DO_RECIPROCAL:
    case DO_FROM_FLOAT:
        estimate(m, i);
        break;
    case DO_HALVES:
        halves(m, i);
        break;
    case DO_LOAD:
        load(m, i);
        break;
    case DO_UNKNOWN:
        forget(m, i);
        break;
    default:
        break;
    }
}

void sass_run(const sass_kernel *kernel, const sass_thread *thread, sass_count *count)
{
    run *m = calloc(1, sizeof *m);
    if (!m)
        abort();
    m->thread = thread;
    m->p[7] = m->p[15] = known(1);
    for (uint32_t steps = 0; m->at < kernel->count; steps++) {
        const sass_instruction *i = &kernel->code[m->at++];
        if (steps == STEPS_MAX || i->action == DO_STOP) {
            count->stopped = 1;
            break;
        }
        if (sass_is(i, "NOP"))
            continue;
        count->n[i->class]++;
        count->total++;
        word guard = m->p[i->guard];
        guard.x ^= i->guard_not;
        if (i->action == DO_BRANCH || i->action == DO_EXIT) {
            /* BRA.DIV and the like have a predicate among their operands */
            for (uint32_t k = 0; k < i->count; k++)
                if (i->o[k].kind == SASS_PREDICATE) {
                    const word more = raw(m, &i->o[k], 0);
                    guard.x &= more.x;
                    guard.known &= more.known;
                }
            count->guesses += !guard.known;
            if (!guard.known || !guard.x)
                continue;
            if (i->action == DO_EXIT)
                break;
            const sass_operand *label = NULL;
            for (uint32_t k = 0; k < i->count; k++)
                if (i->o[k].kind == SASS_LABEL)
                    label = &i->o[k];
            if (!label) {
                count->stopped = 1;
                break;
            }
            m->at = label->value;
            continue;
        }
        if (guard.known && !guard.x)
            continue;
        /* LD and ST reach the shared memory of a cluster's blocks */
        if (i->class == SASS_LOAD && !sass_is(i, "LD"))
            count->load_bytes += access_bytes(i);
        if (i->class == SASS_STORE && !sass_is(i, "ST"))
            count->store_bytes += access_bytes(i);
        if (guard.known)
            step(m, i);
        else
            forget(m, i);
    }
    free(m);
}
