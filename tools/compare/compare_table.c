/* The table, one block a peer. */
#include <math.h>
#include <string.h>

#include "tools/compare/compare.h"

void compare_time_text(char out[24], double ns)
{
    static const char *const unit[] = {"ns", "us", "ms", "s"};
    int u = 0;
    while (u < 3 && ns >= 999.5) {
        ns /= 1000;
        u++;
    }
    snprintf(out, 24, "%.*f %s", ns < 9.995 ? 2 : ns < 99.95 ? 1 : 0, ns, unit[u]);
}

static void pair(char out[48], int digits, double a, double b, const char *mark)
{
    if (a == 0 && b == 0)
        snprintf(out, 48, "-");
    else
        snprintf(out, 48, "%.*f/%.*f%s", digits, a, digits, b, mark);
}

static void print_row(FILE *to, const compare_row *r)
{
    const compare_entry *a = r->ours, *b = r->theirs;
    const int switches = a->key_switches > 0 || b->key_switches > 0;
    char q[48], dnum[48], precision[48], threads[64], times[2][24];
    pair(q, 0, a->log_q, b->log_q, "");
    pair(precision, 1, a->precision_bits, b->precision_bits, "");
    pair(dnum, 0, switches ? a->dnum : 0, switches ? b->dnum : 0, a->dnum != b->dnum ? "*" : "");
    snprintf(threads, sizeof threads, "%.0f%s%.8s", a->threads, a->threads > 1 ? " " : "",
             a->threads > 1 ? a->mode : "");
    compare_time_text(times[0], a->ns);
    compare_time_text(times[1], b->ns);
    fprintf(to, "%-18.18s %7.0f %-7s %9s %6s %11s %8s%s %8s%s %7.2f  %s | %s\n", a->op, a->n,
            threads, q, dnum, precision, times[0], a->per_bit > 0 ? "/bit" : "    ", times[1],
            a->per_bit > 0 ? "/bit" : "    ", r->ratio, a->preset, b->preset);
}

static void print_peer(FILE *to, const compare_result *result, const compare_set *set, size_t peer)
{
    const compare_row *least = NULL, *most = NULL;
    size_t rows = 0;
    int digits = 0;
    for (size_t i = 0; i < result->rows; i++) {
        const compare_row *r = &result->row[i];
        if (r->peer != peer)
            continue;
        if (!rows++)
            fprintf(to, "\n%s / %s\n%-18s %7s %-7s %9s %6s %11s %12s %12s %7s  %s\n",
                    set[0].library, set[peer].library, "operation", "N", "threads", "log2 Q",
                    "dnum", "precision", "ours    ", "theirs    ", "ratio", "parameters");
        print_row(to, r);
        digits |= (r->ours->key_switches > 0 || r->theirs->key_switches > 0) &&
                  r->ours->dnum != r->theirs->dnum;
        if (!least || r->ratio < least->ratio)
            least = r;
        if (!most || r->ratio > most->ratio)
            most = r;
    }
    if (rows)
        fprintf(to, "%zu rows; ratios from %.2f (%s, N = %.0f) to %.2f (%s, N = %.0f)\n", rows,
                least->ratio, least->ours->op, least->ours->n, most->ratio, most->ours->op,
                most->ours->n);
    if (digits)
        fputs("* unequal numbers of key-switching digits, accepted by --any-dnum\n", to);
}

int compare_table(FILE *to, const compare_result *result, const compare_set *set,
                  const compare_options *o)
{
    static const char *const clock[] = {"best repetition, wall clock", "median, wall clock",
                                        "best repetition, processor time for one thread"};
    if (result->rows)
        fprintf(to,
                "Time of one operation (%s); ratio = theirs / ours, above 1: ours is faster.\n"
                "Pairs are ours/theirs; of several admissible entries of theirs, the fastest.\n",
                clock[o->time]);
    for (size_t peer = 1; peer < o->files; peer++)
        print_peer(to, result, set, peer);
    return fflush(to) != 0 || ferror(to) ? EXIT_IO : 0;
}
