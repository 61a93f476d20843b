/* Allocation: alignment, zeroing, overflow, counting, injected failures, secret pages. */
#include "host/base/mem.h"
#include "tests/base/test_dir.h"

Test(mem, alignment_and_zeroing)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4096, 1000003};
    for (size_t i = 0; i < 7; i++) {
        uint8_t *a, *b;
        cr_assert(hel_calloc(NULL, &a, sizes[i], 1) == HEL_OK);
        cr_assert(hel_malloc(NULL, &b, 1, sizes[i]) == HEL_OK);
        cr_assert((uintptr_t)a % HEL_ALIGN == 0 && (uintptr_t)b % HEL_ALIGN == 0 && a != b);
        for (size_t j = 0; j < sizes[i]; j++)
            cr_assert(a[j] == 0);
        memset(a, 1, sizes[i]); /* the sanitizer watches the ends */
        memset(b, 1, sizes[i]);
        cr_assert(hel_mem_in_use() >= 2 * sizes[i]);
        hel_free(a);
        hel_free(b);
        cr_assert(hel_mem_in_use() == 0);
    }
    hel_free(NULL);
    hel_secret_free(NULL);
    hel_wipe(NULL, 10);
}

Test(mem, overflow)
{
    static const struct {
        size_t count, bytes;
    } rows[] = {{SIZE_MAX, 2},       {SIZE_MAX, SIZE_MAX}, {SIZE_MAX, 1},
                {SIZE_MAX - 64, 1},  {1, SIZE_MAX - 127},  {(size_t)1 << 33, (size_t)1 << 33},
#ifndef __SANITIZE_ADDRESS__ /* it ends the process instead of returning NULL */
                {(size_t)1 << 62, 1}
#endif
    };
    hel_engine *engine;
    cr_assert(hel_engine_create(&engine, NULL) == HEL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *p = &p;
        hel_error_clear(engine);
        cr_assert(hel_calloc(engine, &p, rows[i].count, rows[i].bytes) == HEL_E_MEMORY);
        cr_assert(p == NULL && strstr(hel_engine_error(engine), "memory:"));
        p = &p;
        cr_assert(hel_malloc(NULL, &p, rows[i].count, rows[i].bytes) == HEL_E_MEMORY && !p);
    }
    void *p = &p;
    cr_assert(hel_secret_alloc(engine, &p, SIZE_MAX) == HEL_E_MEMORY && !p);
    cr_assert(hel_secret_alloc(engine, &p, SIZE_MAX - 5000) == HEL_E_MEMORY && !p);
    cr_assert(hel_mem_in_use() == 0);
    hel_engine_free(engine);
}

Test(mem, the_nth_fails_once)
{
    for (uint64_t n = 1; n < 20; n++) {
        void *p[20];
        hel_mem_fail_nth(n);
        for (uint64_t i = 1; i < 20; i++) {
            hel_status want = i == n ? HEL_E_MEMORY : HEL_OK;
            cr_assert((i % 3 == 0   ? hel_secret_alloc(NULL, &p[i], 10)
                       : i % 3 == 1 ? hel_calloc(NULL, &p[i], 1, 10)
                                    : hel_malloc(NULL, &p[i], 1, 10)) == want);
            cr_assert((p[i] == NULL) == (i == n));
        }
        for (uint64_t i = 1; i < 20; i++)
            i % 3 == 0 ? hel_secret_free(p[i]) : hel_free(p[i]);
        cr_assert(hel_mem_in_use() == 0);
    }
    hel_mem_fail_nth(1);
    hel_mem_fail_nth(0);
    void *p;
    cr_assert(hel_malloc(NULL, &p, 1, 1) == HEL_OK);
    hel_free(p);
}

Test(mem, secrets)
{
    static const size_t sizes[] = {0, 1, 32, 4032, 4033, 100000};
    for (size_t i = 0; i < 6; i++) {
        uint8_t *p;
        cr_assert(hel_secret_alloc(NULL, &p, sizes[i]) == HEL_OK);
        cr_assert((uintptr_t)p % HEL_ALIGN == 0);
        for (size_t j = 0; j < sizes[i]; j++)
            cr_assert(p[j] == 0);
        memset(p, 0x5a, sizes[i]);
        hel_wipe(p, sizes[i]);
        for (size_t j = 0; j < sizes[i]; j++)
            cr_assert(p[j] == 0);
        cr_assert(hel_mem_in_use() > sizes[i]);
        hel_secret_free(p);
        cr_assert(hel_mem_in_use() == 0);
    }
}

/* The kernel's own account: a secret's pages are left out of core dumps. */
Test(mem, secrets_stay_out_of_dumps)
{
    uint8_t *p;
    char line[256];
    unsigned long from, to;
    int inside = 0, seen = 0, dd = 0;
    cr_assert(hel_secret_alloc(NULL, &p, 5 << 20) == HEL_OK);
    FILE *f = fopen("/proc/self/smaps", "r");
    if (!f)
        cr_skip_test("no /proc/self/smaps");
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = from <= (uintptr_t)p && (uintptr_t)p < to;
        if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            seen = 1;
            dd = strstr(line, " dd") != NULL;
        }
    }
    fclose(f);
    hel_secret_free(p);
    if (!seen)
        cr_skip_test("this kernel shows no VmFlags");
    cr_assert(dd, "the pages would be dumped");
}
