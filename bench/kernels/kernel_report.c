/* The page bench/kernels.md: predictions for an H200 beside empty columns. */
#include "bench/kernels/kernel_report.h"

#include <stdlib.h>
#include <string.h>

/* An H200: instructions of a lane per second; those with a real product; bytes from memory. */
static const double issue_rate = 33.45e12, multiply_rate = 16.7e12, byte_rate = 4.3e12;

int budgets_read(budgets *b, const char *path)
{
    FILE *f = fopen(path, "r");
    budget row;
    if (!f) {
        perror(path);
        return -1;
    }
    while (fscanf(f, "%95s %u %u %u", row.name, &row.registers, &row.threads, &row.blocks) == 4) {
        budget *grown = realloc(b->row, (b->count + 1) * sizeof *grown);
        if (!grown)
            abort();
        b->row = grown;
        b->row[b->count++] = row;
    }
    fclose(f);
    return 0;
}

const budget *budget_of(const budgets *b, const char *name)
{
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->row[i].name, name) == 0)
            return &b->row[i];
    return NULL;
}

static double products(const double *n)
{
    return n[SASS_MULTIPLY] + n[SASS_WIDE];
}

static double max3(double a, double b, double c)
{
    const double m = a > b ? a : b;
    return m > c ? m : c;
}

static int is_transform(const operation_count *r)
{
    return strncmp(r->name, "ntt_", 4) == 0;
}

static double butterflies(const operation_count *r)
{
    return r->limbs * (double)(1u << r->shape.log_n) / 2 * r->shape.log_n;
}

static void transforms(FILE *f, const budgets *b, const operation_count *results, size_t count)
{
    fputs("## Transforms\n\n"
          "Per butterfly: instructions issued by the whole kernel, and those with a real product. "
          "Bytes per limb: words in and out once per pass (memory), and with the factors, 8 bytes "
          "each, that come from the second-level cache. ns per limb, at the rates above: by "
          "issue, by products, by memory; the prediction is the largest.\n\n"
          "| N | direction | launches | registers | instructions / butterfly | products | KiB "
          "memory | KiB with factors | ns issue | ns products | ns memory | ns at least | ns "
          "measured |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
          f);
    for (size_t i = 0; i < count; i++) {
        const operation_count *r = &results[i];
        if (!is_transform(r))
            continue;
        const double n = (double)(1u << r->shape.log_n), bytes = 8 * n * r->launches;
        const double issue = 1e9 * r->sum.total / r->limbs / issue_rate;
        const double multiply = 1e9 * products(r->sum.n) / r->limbs / multiply_rate;
        const double memory = 1e9 * bytes / byte_rate;
        const budget *row = budget_of(b, r->kernel);
        fprintf(f,
                "| 2^%u | %s | %u | %u | **%.2f** | %.2f | %.0f | %.0f | %.1f | %.1f | %.1f | "
                "%.1f | |\n",
                r->shape.log_n, r->name + 4, r->launches, row ? row->registers : 0,
                r->sum.total / butterflies(r), products(r->sum.n) / butterflies(r), bytes / 1024,
                (bytes + 8 * n) / 1024, issue, multiply, memory, max3(issue, multiply, memory));
    }
    fputs("| 2^16 | Cheddar 1.0, 32-bit words | 2 | 30-40 | 16.5 | | 1024 | | 259 | | 244 | "
          "259 | |\n\n"
          "Cheddar's row: its two kernels at N = 2^16, compiled unmodified by the same compiler, "
          "instructions as they stand (its tables are made smaller by products on the fly). The "
          "butterfly alone takes six instructions, bringing results to [0, q) two a word.\n\n",
          f);
}

/* Bytes that must be moved: what is read and written, and the key once per batch. */
static double compulsory(const operation_count *r)
{
    const shape *s = &r->shape;
    const double l = s->q_count, all = l + s->p_count;
    const double digits = (s->q_count + s->digit_limbs - 1) / s->digit_limbs;
    const double key = 2 * digits * all / s->batch, row = 4.0 * (double)(1u << s->log_n);
    if (strcmp(r->name, "rotate") == 0)
        return row * (4 * l + key);
    if (strcmp(r->name, "rotate_hoisted") == 0)
        return row * (3 * l + digits * all + key);
    if (strcmp(r->name, "decompose") == 0)
        return row * (l + digits * all);
    if (strcmp(r->name, "multiply_relinearize") == 0)
        return row * (6 * l + key);
    return row * (4 * l - 2);
}

static void operations(FILE *f, const operation_count *results, size_t count)
{
    fputs(
        "## Operations\n\n"
        "Launches of one operation on a whole batch; the rest is per ciphertext. Requested: "
        "bytes that threads ask global memory for, caches included. Compulsory: inputs, outputs "
        "and the key once per batch. A guess is a branch that could not be followed (it is "
        "then taken not to be taken).\n\n"
        "| operation | N | q + p limbs, digits | batch | launches | instructions / butterfly | MB "
        "requested | MB compulsory | us issue | us products | us compulsory | us at least | us "
        "measured | guesses |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
        f);
    for (size_t i = 0; i < count; i++) {
        const operation_count *r = &results[i];
        const shape *s = &r->shape;
        if (is_transform(r))
            continue;
        const double items = s->batch, bytes = compulsory(r);
        const double issue = 1e6 * r->sum.total / items / issue_rate;
        const double multiply = 1e6 * products(r->sum.n) / items / multiply_rate;
        const double memory = 1e6 * bytes / byte_rate;
        fprintf(f,
                "| %s | 2^%u | %u + %u, %u | %u | **%u** | %.1f | %.1f | %.1f | %.2f | %.2f | %.2f "
                "| %.2f | | %llu%s |\n",
                r->name, s->log_n, s->q_count, s->p_count,
                (s->q_count + s->digit_limbs - 1) / s->digit_limbs, s->batch, r->launches,
                r->sum.total / butterflies(r),
                1e-6 * (r->sum.load_bytes + r->sum.store_bytes) / items, 1e-6 * bytes, issue,
                multiply, memory, max3(issue, multiply, memory), (unsigned long long)r->sum.guesses,
                r->sum.stopped ? ", not followed" : "");
    }
    fputs("| rotate, Cheddar 1.0 | 2^16 | 48 + 12, 4 | 1 | 31 | | | 176 | | | 41 | | | |\n"
          "| rotate, WarpDrive (paper) | 2^16 | | 16 | 11 | | | | | | | | | |\n\n"
          "Butterflies are those of the limb transforms an operation needs; conversions and "
          "inner products are counted on top of them.\n\n",
          f);
}

static void kernels(FILE *f, const sass_code *code, const budgets *b)
{
    static const sass_class shown[] = {
        SASS_MULTIPLY, SASS_WIDE,   SASS_ADD_MIN, SASS_ADD,         SASS_LOGIC,
        SASS_MOVE,     SASS_LOAD,   SASS_STORE,   SASS_LOAD_SHARED, SASS_STORE_SHARED,
        SASS_BARRIER,  SASS_BRANCH, SASS_FLOAT};
    const sass_kernel *k;
    fputs("## Kernels\n\nAs they stand in the machine code (loops once). Blocks: how many of them "
          "the register budget lets run on one multiprocessor (kernels/budgets.txt).\n\n"
          "| kernel | threads | blocks | registers | instructions |",
          f);
    for (size_t c = 0; c < sizeof shown / sizeof *shown; c++)
        fprintf(f, " %s |", sass_class_names[shown[c]]);
    fputs("\n|---|---|---|---|---|", f);
    for (size_t c = 0; c < sizeof shown / sizeof *shown; c++)
        fputs("---|", f);
    fputs("\n", f);
    for (size_t i = 0; (k = sass_at(code, i)) != NULL; i++) {
        const sass_count count = sass_static(k);
        const budget *row = budget_of(b, sass_name(k));
        fprintf(f, "| %s | %u | %u | %u | %llu |", sass_name(k), row ? row->threads : 0,
                row ? row->blocks : 0, row ? row->registers : 0, (unsigned long long)count.total);
        for (size_t c = 0; c < sizeof shown / sizeof *shown; c++)
            fprintf(f, " %llu |", (unsigned long long)count.n[shown[c]]);
        fputs("\n", f);
    }
}

void report_markdown(FILE *f, const sass_code *code, const budgets *b,
                     const operation_count *results, size_t count)
{
    fprintf(f,
            "# Kernels on sm_90, counted without a GPU\n\n"
            "Written by `tools/kernel-report`. Instructions are counted by following threads "
            "through the machine code with the arguments of real launches (bench/kernels/sass.h): "
            "loops count as often as they run. No column is a measurement but those that say so, "
            "and those are empty until a GPU has filled them.\n\n"
            "Predictions are for an H200: %.2f T instructions of a lane per second, %.1f T of "
            "them with a product, %.1f TB/s; what is largest decides. They leave out latencies, "
            "launches (2 to 3 us each unless in a graph) and the second-level cache's rate.\n\n",
            1e-12 * issue_rate, 1e-12 * multiply_rate, 1e-12 * byte_rate);
    transforms(f, b, results, count);
    operations(f, results, count);
    kernels(f, code, b);
}
