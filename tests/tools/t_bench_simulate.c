/* Simulated cohorts: the same files for the same seed, and what they are said to hold. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "tests/base/test_dir.h"
#include "tools/heloci/bench_simulate.h"

static const char *const names[] = {"cohort.bed", "cohort.bim", "cohort.fam", "cohort.pheno",
                                    "cohort.covar"};
enum { FILES = sizeof names / sizeof *names };

static void make(test_dir *dir, const bench_size *size, uint64_t seed)
{
    char why[512] = "";
    test_dir_make(dir);
    cr_assert_eq(bench_simulate(size, seed, dir->path, why, sizeof why), 0, "%s", why);
}

static uint8_t *load(const test_dir *dir, const char *name, size_t *bytes)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir->path, name);
    return test_read_file(path, bytes);
}

static int same(const test_dir *a, const test_dir *b, const char *name)
{
    size_t first, second;
    uint8_t *x = load(a, name, &first), *y = load(b, name, &second);
    const int equal = first == second && memcmp(x, y, first) == 0;
    free(x);
    free(y);
    return equal;
}

Test(bench_simulate, a_seed_is_a_cohort)
{
    bench_size size = bench_sizes[0];
    size.variants = 333;
    size.samples = 101; /* not a multiple of four */
    test_dir a, b, other;
    make(&a, &size, 42);
    make(&b, &size, 42);
    make(&other, &size, 43);
    for (int i = 0; i < FILES; i++)
        cr_expect(same(&a, &b, names[i]), "%s differs", names[i]);
    cr_expect_not(same(&a, &other, "cohort.bed"));
    cr_expect_not(same(&a, &other, "cohort.pheno"));
    cr_expect_not(same(&a, &other, "cohort.covar"));
    test_dir_remove(&a);
    test_dir_remove(&b);
    test_dir_remove(&other);
}

/* What these files say never changes for a seed, on whatever machine: the benchmark's results name
 * the seed only. */
Test(bench_simulate, known_bytes)
{
    bench_size size = bench_sizes[0];
    test_dir dir;
    size_t bytes;
    size.samples = 8;
    size.variants = 4;
    make(&dir, &size, 1);
    uint8_t *bed = load(&dir, "cohort.bed", &bytes);
    cr_assert_eq(bytes, 3 + 4 * 2);
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum = sum * 257 + bed[i];
    cr_expect_eq(sum, 225262828328222908u, "%llu", (unsigned long long)sum);
    free(bed);
    test_dir_remove(&dir);
}

/* Copies of A1, 3 = missing. */
static int call_of(const uint8_t *bed, uint32_t samples, uint32_t variant, uint32_t sample)
{
    static const int copies[4] = {2, 3, 1, 0};
    const uint8_t *row = bed + 3 + (size_t)variant * ((samples + 3) / 4);
    return copies[row[sample / 4] >> 2 * (sample % 4) & 3];
}

Test(bench_simulate, genotypes_are_as_described)
{
    bench_size size = bench_sizes[1];
    test_dir dir;
    size_t bytes;
    size.variants = 3200;
    size.samples = 1000;
    make(&dir, &size, 7);
    uint8_t *bed = load(&dir, "cohort.bed", &bytes);
    cr_assert_eq(bytes, 3 + (size_t)size.variants * 250);
    cr_expect_eq(memcmp(bed, "\x6c\x1b\x01", 3), 0);
    uint64_t missing[2] = {0}, rare = 0, frequent = 0, linked = 0, neighbours = 0;
    for (uint32_t j = 0; j < size.variants; j++) {
        uint32_t copies = 0, called = 0, equal = 0;
        for (uint32_t i = 0; i < size.samples; i++) {
            const int c = call_of(bed, size.samples, j, i);
            missing[j % 2] += c == 3;
            copies += c == 3 ? 0 : (uint32_t)c;
            called += c != 3;
            equal += j % 16 && c == call_of(bed, size.samples, j - 1, i);
        }
        const double p = copies / (2.0 * called);
        rare += p < 0.02 || p > 0.98;
        frequent += p > 0.5;
        neighbours += j % 16 != 0;
        linked += j % 16 && equal > 0.6 * size.samples;
    }
    cr_expect_eq(missing[0], 0);
    cr_expect(fabs((double)missing[1] / (size.variants / 2.0 * size.samples) - size.missing) <
              0.002);
    cr_expect(rare > size.variants / 20 && rare < size.variants / 4, "%llu",
              (unsigned long long)rare);
    cr_expect(frequent > size.variants / 10 && frequent < size.variants / 3, "%llu",
              (unsigned long long)frequent);
    cr_expect_eq(linked, neighbours);
    free(bed);
    test_dir_remove(&dir);
}

/* Words of a line of a table. */
static uint32_t split(char *line, char *word[64])
{
    uint32_t count = 0;
    char *rest = NULL;
    for (char *w = strtok_r(line, "\t", &rest); w && count < 64; w = strtok_r(NULL, "\t", &rest))
        word[count++] = w;
    return count;
}

Test(bench_simulate, tables_are_as_described)
{
    bench_size size = bench_sizes[1];
    test_dir dir;
    size_t bytes;
    char *word[64], *rest = NULL;
    uint32_t row = 0, cases = 0, controls = 0, lost = 0, populations[4] = {0};
    double mean = 0, square = 0;
    size.variants = 64;
    size.quantitative = 2;
    make(&dir, &size, 9);
    char *text = (char *)load(&dir, "cohort.pheno", &bytes);
    text[bytes - 1] = 0;
    for (char *line = strtok_r(text, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest), row++) {
        cr_assert_eq(split(line, word), 5);
        if (row == 0) {
            cr_expect(strcmp(word[2], "Q1") == 0 && strcmp(word[3], "Q2") == 0 &&
                      strcmp(word[4], "B1") == 0);
            continue;
        }
        cr_assert(word[0][0] == 'p' && word[0][1] >= '1' && word[0][1] <= '3');
        populations[word[0][1] - '0']++;
        mean += strtod(word[2], NULL) / size.samples;
        square += strtod(word[2], NULL) * strtod(word[2], NULL) / size.samples;
        cases += strcmp(word[4], "2") == 0;
        controls += strcmp(word[4], "1") == 0;
        lost += strcmp(word[4], "NA") == 0;
    }
    cr_expect_eq(row, size.samples + 1);
    cr_expect_eq(cases + controls + lost, size.samples);
    cr_expect(lost > 0 && lost < size.samples / 20);
    cr_expect(cases > size.samples / 4 && cases < size.samples * 35 / 100, "%u", cases);
    cr_expect(populations[1] > populations[2] && populations[2] > populations[3] &&
              populations[3] > size.samples / 10);
    cr_expect(fabs(mean) < 1e-6 && fabs(square - 1) < 1e-6);
    free(text);
    text = (char *)load(&dir, "cohort.covar", &bytes);
    text[strcspn(text, "\n")] = 0;
    cr_assert_eq(split(text, word), 2 + size.covariates);
    cr_expect(strcmp(word[2], "PC1") == 0 && strcmp(word[5], "SEX") == 0 &&
              strcmp(word[11], "C10") == 0);
    free(text);
    test_dir_remove(&dir);
}

/* Sizes from 1 variant on; every causal variant is there once, also where there are hardly any. */
Test(bench_simulate, corners)
{
    bench_size size = bench_sizes[0];
    size.samples = 64;
    for (uint32_t variants = 1; variants < 5; variants++) {
        test_dir dir;
        size_t bytes;
        size.variants = variants;
        make(&dir, &size, variants);
        free(load(&dir, "cohort.bed", &bytes));
        cr_expect_eq(bytes, 3 + variants * 16);
        test_dir_remove(&dir);
    }
}

Test(bench_simulate, a_folder_that_is_not_there)
{
    char why[512] = "";
    cr_expect_eq(bench_simulate(&bench_sizes[0], 1, "/nonexistent/folder", why, sizeof why), 74);
    cr_expect(strstr(why, "/nonexistent/folder/cohort.bed") != NULL, "%s", why);
}
