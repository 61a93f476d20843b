/* The device check's groups, options and reports: see check.h.
 *
 *   device_check --backend NAME [--device N] [--seed S] [--scale X] [--json FILE] [--filter TEXT]
 *                [--log-n-max N] [--list]
 *
 * Exit code: 0 all equal, 1 a difference or a failing call, 64 usage, 69 no such backend here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heloci/version.h"
#include "tests/device/check.h"
#include "tests/device/device_open.h"

static const uint64_t multipliers[] = {
    1, 3, 1, 0xffffffffffffffffu, 1, 1 << 20, 5, 1, 7, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 11};

/* One limb, one digit, one prime a digit, digits of unequal size, more special primes than others,
 * more than 12 limbs; every N. */
static const check_shape shapes[] = {
    {10, 1, 1, 1, 1, NULL},         {10, 2, 1, 1, 1, multipliers},  {11, 3, 1, 2, 2, multipliers},
    {12, 5, 2, 2, 2, NULL},         {13, 6, 2, 2, 2, multipliers},  {14, 4, 2, 2, 2, NULL},
    {15, 3, 1, 3, 1, multipliers},  {16, 2, 1, 1, 1, NULL},         {17, 2, 1, 2, 1, NULL},
    {10, 20, 8, 7, 2, multipliers}, {11, 5, 10, 5, 3, NULL},        {10, 6, 3, 6, 2, multipliers},
    {12, 9, 1, 1, 2, multipliers},  {10, 7, 2, 3, 2, NULL},         {13, 12, 4, 4, 2, NULL},
    {12, 12, 3, 12, 3, NULL},       {14, 12, 4, 4, 2, multipliers}, {15, 12, 4, 4, 2, NULL},
    {16, 6, 2, 2, 2, multipliers},  {17, 4, 2, 2, 1, NULL},         {11, 40, 6, 6, 2, NULL},
};

enum { SHAPES = sizeof shapes / sizeof *shapes, SHAPES_SMALL = 11 };

typedef struct entry {
    const char *name, *what;
    void (*run)(check_world *w);
    int once; /* without a basis */
} entry;

static const entry entries[] = {
    {"memory", "copies with strides, wiping", check_memory_moves, 0},
    {"ntt", "forward and inverse transforms", check_transforms, 0},
    {"elementwise", "add, sub, mul, mul_add, mul_scalar, add_scalar", check_elementwise, 0},
    {"products", "tensor, dot", check_products, 0},
    {"automorph", "X -> X^g in NTT form", check_automorphisms, 0},
    {"rescale", "division by the last primes", check_rescale, 0},
    {"decompose", "digits", check_decompose, 0},
    {"key_inner", "inner products with keys, permuted", check_inner, 0},
    {"mod_down", "division by P", check_mod_down, 0},
    {"mod_up", "multiplication by P", check_mod_up, 0},
    {"key_switch", "key switch, fused and composed", check_key_switch, 0},
    {"switch_digits", "key switch of shared digits", check_shared_digits, 0},
    {"record", "recordings that are run again", check_recording, 0},
    {"sample", "uniform and small polynomials", check_sampling, 0},
    {"slots", "encode and decode to 2^-45", check_slots, 0},
    {"ckks", "whole CKKS jobs", check_ckks, 1},
    {"scan", "expansion, accumulation, outputs of the scan", check_scan, 1},
};

enum { GROUPS = sizeof entries / sizeof *entries };

static int usage(void)
{
    fprintf(stderr, "usage: device_check --backend NAME [--device N] [--seed S] [--scale X] "
                    "[--json FILE] [--filter TEXT] [--log-n-max N] [--list]\n");
    return 64;
}

static int read_options(int argc, char **argv, check_options *o, int *list)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--list") == 0) {
            *list = 1;
            continue;
        }
        if (i + 1 == argc)
            return 0;
        const char *value = argv[++i];
        if (strcmp(name, "--backend") == 0)
            o->backend = value;
        else if (strcmp(name, "--device") == 0)
            o->device = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(name, "--seed") == 0)
            o->seed = strtoull(value, NULL, 0);
        else if (strcmp(name, "--scale") == 0)
            o->scale = strtod(value, NULL);
        else if (strcmp(name, "--json") == 0)
            o->json = value;
        else if (strcmp(name, "--filter") == 0)
            o->filter = value;
        else if (strcmp(name, "--log-n-max") == 0)
            o->log_n_max = (uint32_t)strtoul(value, NULL, 10);
        else
            return 0;
    }
    return o->scale > 0 && o->log_n_max >= HEL_LOG_N_MIN;
}

static int wanted(const check_options *o, const char *name)
{
    return !o->filter || strstr(name, o->filter) != NULL;
}

/* The random numbers of a group in a world do not depend on what ran before. */
static ref_random random_of(uint64_t seed, uint64_t group, uint64_t shape)
{
    ref_random r;
    uint64_t x = seed + group * 0xd1342543de82ef95u + shape * 0x2545f4914f6cdd1du;
    for (int i = 0; i < 4; i++)
        r.s[i] = ref_splitmix(&x);
    return r;
}

static void run_group(check_world *w, check_group *group, const entry *e, uint64_t g, uint64_t k)
{
    const double start = check_now();
    w->group = group;
    w->random = random_of(w->options->seed, g, k);
    e->run(w);
    group->seconds += check_now() - start;
}

static void run_all(check_world *w, check_group *groups, check_group *setup)
{
    const uint32_t count = w->options->scale < 0.05 ? SHAPES_SMALL : SHAPES;
    w->room = w->options->scale < 0.3 ? (size_t)1 << 17 : (size_t)1 << 23;
    for (uint32_t k = 0; k < count; k++) {
        int any = 0;
        for (uint32_t g = 0; g < GROUPS; g++)
            any |= !entries[g].once && wanted(w->options, entries[g].name);
        if (!any || shapes[k].log_n > w->options->log_n_max)
            continue;
        w->group = setup;
        const double start = check_now();
        const int ready = check_world_start(w, &shapes[k]);
        setup->seconds += check_now() - start;
        if (!ready)
            continue;
        for (uint32_t g = 0; g < GROUPS; g++)
            if (!entries[g].once && wanted(w->options, entries[g].name))
                run_group(w, &groups[g], &entries[g], g, k);
        check_world_end(w);
    }
    for (uint32_t g = 0; g < GROUPS; g++)
        if (entries[g].once && wanted(w->options, entries[g].name))
            run_group(w, &groups[g], &entries[g], g, 0);
}

/* Everything that the cases took has been given back. */
static void check_leaks(check_world *w, check_group *setup)
{
    w->group = setup;
    for (int k = 0; k < 2; k++) {
        check_env *e = &w->env[k];
        uint64_t now = 0, most = 0;
        check_begin(w, "memory that is left at the end");
        if (e->ops->uses)
            CHECK_CALL(e, e->ops->uses(e->s, &now, &most));
        if (now)
            check_fail(w, "%s: %llu bytes", e->name, (unsigned long long)now);
        check_end(w);
    }
}

/* ---- reports ---- */

static void print_text(FILE *f, const char *text)
{
    fputc('"', f);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', f);
        fputc((unsigned char)*text < 0x20 ? ' ' : *text, f);
    }
    fputc('"', f);
}

static const char *verdict(const check_group *g)
{
    return g->failures ? "FAILED" : g->cases ? "equal" : "not tested";
}

static int write_json(const check_options *o, const check_group *groups, uint32_t count)
{
    FILE *f = fopen(o->json, "w");
    uint64_t cases = 0, failures = 0;
    if (!f)
        return 0;
    fprintf(f, "{\n  \"program\": \"device_check\", \"library_version\": \"%s\",\n", hel_version());
    fprintf(f, "  \"backend\": ");
    print_text(f, o->backend);
    fprintf(f, ", \"device\": %u, \"device_text\": ", o->device);
    print_text(f, o->device_text);
    fprintf(f, ",\n  \"seed\": %llu, \"scale\": %g,\n  \"groups\": [", (unsigned long long)o->seed,
            o->scale);
    for (uint32_t i = 0; i < count; i++) {
        const check_group *g = &groups[i];
        fprintf(f, "%s\n    {\"name\": \"%s\", \"cases\": %llu, \"failures\": %llu, ", i ? "," : "",
                g->name, (unsigned long long)g->cases, (unsigned long long)g->failures);
        fprintf(f, "\"seconds\": %.3f, \"verdict\": \"%s\", \"first\": ", g->seconds, verdict(g));
        print_text(f, g->first);
        fputc('}', f);
        cases += g->cases;
        failures += g->failures;
    }
    fprintf(f, "\n  ],\n  \"cases\": %llu, \"failures\": %llu\n}\n", (unsigned long long)cases,
            (unsigned long long)failures);
    return (ferror(f) | fclose(f)) == 0;
}

static int report(const check_options *o, const check_group *groups, uint32_t count)
{
    uint64_t cases = 0, failures = 0;
    printf("%s, seed %llu, scale %g\n", o->device_text, (unsigned long long)o->seed, o->scale);
    for (uint32_t i = 0; i < count; i++) {
        const check_group *g = &groups[i];
        cases += g->cases;
        failures += g->failures;
        if (!wanted(o, g->name) && i < GROUPS)
            continue;
        printf("%-14s %-10s %6llu cases %4llu failures %8.2f s   %s\n", g->name, verdict(g),
               (unsigned long long)g->cases, (unsigned long long)g->failures, g->seconds, g->what);
    }
    printf("%llu cases, %llu failures\n", (unsigned long long)cases, (unsigned long long)failures);
    if (o->json && !write_json(o, groups, count)) {
        fprintf(stderr, "device_check: %s cannot be written\n", o->json);
        return 74;
    }
    return failures || !cases ? 1 : 0;
}

int main(int argc, char **argv)
{
    check_options o = {.seed = 20240229, .scale = 1, .log_n_max = HEL_LOG_N_MAX};
    check_group groups[GROUPS + 1] = {{0}};
    char text[160];
    int list = 0;
    const int good = read_options(argc, argv, &o, &list);
    for (uint32_t g = 0; g < GROUPS; g++) {
        groups[g].name = entries[g].name;
        groups[g].what = entries[g].what;
        if (list)
            printf("%-14s %s\n", entries[g].name, entries[g].what);
    }
    if (list)
        return 0;
    if (!good || !o.backend)
        return usage();
    groups[GROUPS] = (check_group){.name = "setup", .what = "tables; memory left at the end"};
    check_world *w = calloc(1, sizeof *w);
    if (!w)
        return 71;
    w->options = &o;
    if (!check_open(w)) {
        free(w);
        return 69;
    }
    snprintf(text, sizeof text, "%s: %s", o.backend, device_text(w->env[1].backend));
    o.device_text = text;
    run_all(w, groups, &groups[GROUPS]);
    check_leaks(w, &groups[GROUPS]);
    check_close(w);
    free(w);
    return report(&o, groups, GROUPS + 1);
}
