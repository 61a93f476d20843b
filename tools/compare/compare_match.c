/*
 * Which entries may stand side by side. Two entries belong together when operation, ring dimension,
 * threads, the way the threads work and batch are the same; they are equal when neither library
 * does less: Q of ours is at least theirs but for the tolerance, both QP keep the stricter of both
 * libraries' bounds, and key switching works with as many digits.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/compare/compare.h"

/* The rules in the order of their checks: how far a pair came. */
typedef enum rule {
    RULE_N,
    RULE_THREADS,
    RULE_MODE,
    RULE_BATCH,
    RULE_KIND,
    RULE_LOG_Q,
    RULE_LOG_QP,
    RULE_DNUM,
    RULE_NONE
} rule;

static rule broken_rule(const compare_entry *a, const compare_entry *b, const compare_options *o)
{
    const double bound = a->log_bound < b->log_bound ? a->log_bound : b->log_bound;
    if (a->n != b->n)
        return RULE_N;
    if (a->threads != b->threads)
        return RULE_THREADS;
    if (strcmp(a->mode, b->mode) != 0)
        return RULE_MODE;
    if (a->batch != b->batch)
        return RULE_BATCH;
    if ((a->per_bit > 0) != (b->per_bit > 0))
        return RULE_KIND;
    if (a->per_bit > 0)
        return RULE_NONE;
    if (a->log_q < b->log_q - o->q_tolerance)
        return RULE_LOG_Q;
    if (a->log_qp > bound || b->log_qp > bound)
        return RULE_LOG_QP;
    if ((a->key_switches > 0 || b->key_switches > 0) && a->dnum != b->dnum && !o->any_dnum)
        return RULE_DNUM;
    return RULE_NONE;
}

/* One sentence without the operation, so that a reason is told once for all of a preset's. */
static void explain(char text[COMPARE_TEXT], rule broken, const compare_entry *a,
                    const compare_entry *b, const char *library, const compare_options *o)
{
    char why[COMPARE_TEXT / 2] = "";
    const double bound = a->log_bound < b->log_bound ? a->log_bound : b->log_bound;
    switch (broken) {
    case RULE_N:
        snprintf(why, sizeof why, "N = %.0f against N = %.0f", a->n, b->n);
        break;
    case RULE_THREADS:
        snprintf(why, sizeof why, "%.0f threads against %.0f", a->threads, b->threads);
        break;
    case RULE_MODE:
        snprintf(why, sizeof why, "threads work as '%.32s' against '%.32s'", a->mode, b->mode);
        break;
    case RULE_BATCH:
        snprintf(why, sizeof why, "a batch of %.0f against %.0f", a->batch, b->batch);
        break;
    case RULE_KIND:
        snprintf(why, sizeof why, "times per bit against times of an operation");
        break;
    case RULE_LOG_Q:
        snprintf(why, sizeof why, "log2(Q) = %.1f is more than %g bits below %.1f", a->log_q,
                 o->q_tolerance, b->log_q);
        break;
    case RULE_LOG_QP:
        snprintf(why, sizeof why, "log2(QP) = %.1f and %.1f: not both within the bound of %g",
                 a->log_qp, b->log_qp, bound);
        break;
    case RULE_DNUM:
        snprintf(why, sizeof why, "dnum = %g against %g (--any-dnum accepts it)", a->dnum, b->dnum);
        break;
    case RULE_NONE:
        break;
    }
    snprintf(text, COMPARE_TEXT, "%.40s against %.40s %.40s: %.100s", a->preset, library, b->preset,
             why);
}

static void refuse(compare_result *result, const char text[COMPARE_TEXT], int unequal)
{
    size_t i = 0;
    while (i < result->refusals && strcmp(result->refusal[i].text, text) != 0)
        i++;
    if (i == result->refusals)
        memcpy(result->refusal[result->refusals++].text, text, COMPARE_TEXT);
    result->refusal[i].count++;
    result->refusal[i].unequal = unequal;
}

/* Finds the fastest equal entry; where there is none, refuses the one that came furthest. */
static void match(compare_result *result, const compare_entry *ours, const compare_set *set,
                  size_t peer, const compare_options *o)
{
    const compare_entry *best = NULL, *closest = NULL;
    rule furthest = RULE_N;
    for (size_t i = 0; i < set[peer].count; i++) {
        const compare_entry *theirs = &set[peer].entry[i];
        if (strcmp(ours->op, theirs->op) != 0)
            continue;
        const rule broken = broken_rule(ours, theirs, o);
        if (broken == RULE_NONE) {
            if (!best || theirs->ns < best->ns)
                best = theirs;
        } else if (!closest || broken > furthest) {
            closest = theirs;
            furthest = broken;
        }
    }
    if (best) {
        result->row[result->rows++] = (compare_row){ours, best, peer, best->ns / ours->ns};
    } else if (closest) {
        char text[COMPARE_TEXT];
        explain(text, furthest, ours, closest, set[peer].library, o);
        refuse(result, text, furthest >= RULE_LOG_Q);
    }
}

int compare_match(compare_result *result, const compare_set *set, const compare_options *o)
{
    const size_t most = set[0].count * (o->files - 1) + 1;
    memset(result, 0, sizeof *result);
    result->row = calloc(most, sizeof *result->row);
    result->refusal = calloc(most, sizeof *result->refusal);
    if (!result->row || !result->refusal) {
        fputs("heloci-compare: out of memory\n", stderr);
        return EXIT_MEMORY;
    }
    for (size_t peer = 1; peer < o->files; peer++)
        for (size_t i = 0; i < set[0].count; i++)
            match(result, &set[0].entry[i], set, peer, o);
    return 0;
}

void compare_result_free(compare_result *result)
{
    free(result->row);
    free(result->refusal);
}
