/*
 * Finds top loci in one pass and constant memory: a list of the best variants, far enough apart. A
 * variant better than its neighbours in the list replaces them. What falls off the end cannot come
 * back, so the list is kept four times as long as what is shown.
 */
#include "tools/heloci/top_hits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COL_CHROM, COL_POS, COL_ID, COL_ALLELE, COL_BETA, COL_SE, COL_LP, COL_P, COLS, FIELDS = 64 };

static const char *const names[COLS][4] = {
    [COL_CHROM] = {"#CHROM", "CHROM"},
    [COL_POS] = {"POS", "GENPOS"},
    [COL_ID] = {"ID"},
    [COL_ALLELE] = {"A1", "ALLELE1"},
    [COL_BETA] = {"BETA", "LOG(OR)"},
    [COL_SE] = {"SE", "LOG(OR)_SE"},
    [COL_LP] = {"LOG10P", "LOG10_P"},
    [COL_P] = {"P"},
};

typedef struct hit_list {
    unsigned count, most;
    uint64_t window;
    top_hit hit[4 * TOP_HITS_MOST];
} hit_list;

static int split(char *line, char *field[FIELDS])
{
    int count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " \t\r\n", &rest); word && count < FIELDS;
         word = strtok_r(NULL, " \t\r\n", &rest))
        field[count++] = word;
    return count;
}

static int read_header(char *line, int column[COLS])
{
    char *field[FIELDS];
    int count = split(line, field);
    for (int c = 0; c < COLS; c++) {
        column[c] = -1;
        for (int f = 0; f < count; f++)
            for (int k = 0; k < 4 && names[c][k]; k++)
                if (strcmp(field[f], names[c][k]) == 0)
                    column[c] = f;
    }
    return column[COL_CHROM] >= 0 && column[COL_POS] >= 0 && column[COL_ID] >= 0 &&
           (column[COL_LP] >= 0 || column[COL_P] >= 0);
}

static double number(char **field, int count, int column)
{
    if (column < 0 || column >= count)
        return NAN;
    char *end;
    double value = strtod(field[column], &end);
    return *end || end == field[column] ? NAN : value;
}

static int near(const hit_list *list, const top_hit *a, const top_hit *b)
{
    uint64_t gap = a->pos > b->pos ? a->pos - b->pos : b->pos - a->pos;
    return gap <= list->window && strcmp(a->chrom, b->chrom) == 0;
}

static void offer(hit_list *list, const top_hit *hit)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < list->count; i++)
        if (near(list, hit, &list->hit[i]) && list->hit[i].log10p >= hit->log10p)
            return;
    for (unsigned i = 0; i < list->count; i++)
        if (!near(list, hit, &list->hit[i]))
            list->hit[kept++] = list->hit[i];
    list->count = kept;
    unsigned at = kept;
    while (at > 0 && list->hit[at - 1].log10p < hit->log10p)
        at--;
    if (at >= list->most)
        return;
    if (kept == list->most)
        kept--;
    memmove(&list->hit[at + 1], &list->hit[at], (kept - at) * sizeof *hit);
    list->hit[at] = *hit;
    list->count = kept + 1;
}

static void read_row(hit_list *list, char *line, const int column[COLS])
{
    char *field[FIELDS];
    int count = split(line, field);
    if (count <= column[COL_CHROM] || count <= column[COL_POS] || count <= column[COL_ID])
        return;
    top_hit hit = {0};
    hit.log10p = number(field, count, column[COL_LP]);
    if (isnan(hit.log10p))
        hit.log10p = -log10(number(field, count, column[COL_P]));
    if (!isfinite(hit.log10p))
        return;
    snprintf(hit.chrom, sizeof hit.chrom, "%s", field[column[COL_CHROM]]);
    snprintf(hit.id, sizeof hit.id, "%s", field[column[COL_ID]]);
    if (column[COL_ALLELE] >= 0 && column[COL_ALLELE] < count)
        snprintf(hit.allele, sizeof hit.allele, "%s", field[column[COL_ALLELE]]);
    hit.pos = strtoull(field[column[COL_POS]], NULL, 10);
    hit.beta = number(field, count, column[COL_BETA]);
    hit.se = number(field, count, column[COL_SE]);
    offer(list, &hit);
}

int top_hits_read(top_hits *out, const char *path, unsigned wanted, uint64_t window)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    hit_list *list = calloc(1, sizeof *list);
    char *line = NULL;
    size_t room = 0;
    int column[COLS], header = 0;
    out->wanted = wanted > TOP_HITS_MOST ? TOP_HITS_MOST : wanted;
    out->count = 0;
    if (list) {
        list->most = 4 * out->wanted;
        list->window = window;
        while (getline(&line, &room, file) > 0) {
            if (line[0] == '#' && line[1] == '#')
                continue;
            if (header)
                read_row(list, line, column);
            else if (!(header = read_header(line, column)))
                break;
        }
        out->count = list->count < out->wanted ? list->count : out->wanted;
        memcpy(out->hit, list->hit, out->count * sizeof out->hit[0]);
    }
    free(line);
    free(list);
    fclose(file);
    return header ? 0 : -1;
}

void top_hits_print(const top_hits *hits, unsigned apart, FILE *out)
{
    if (hits->count)
        fprintf(out, "  strongest variants more than %u Mb apart (the page's loci: 500 kb)\n",
                apart);
    if (hits->count)
        fprintf(out, "  %-5s %11s  %-16s %-6s %11s %10s %9s\n", "chr", "position", "variant", "A1",
                "beta", "se", "-log10 p");
    for (unsigned i = 0; i < hits->count; i++) {
        const top_hit *h = &hits->hit[i];
        fprintf(out, "  %-5s %11llu  %-16s %-6s %11.5g %10.4g %9.2f\n", h->chrom,
                (unsigned long long)h->pos, h->id, h->allele, h->beta, h->se, h->log10p);
    }
}
