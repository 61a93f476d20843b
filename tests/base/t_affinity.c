/* Sets of processors: membership, counting, text, and those of a thread. */
#include "host/base/affinity.h"
#include "tests/base/test_dir.h"

Test(affinity, members)
{
    static const uint32_t edges[] = {0, 1, 63, 64, 65, 1023, 1024, 8191};
    hel_cpus c = {0}, other = {0};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        cr_expect_not(hel_cpus_has(&c, edges[i]));
        hel_cpus_add(&c, edges[i]);
        cr_expect(hel_cpus_has(&c, edges[i]));
        cr_expect_eq(hel_cpus_count(&c), i + 1);
    }
    hel_cpus_add(&c, 8192);
    hel_cpus_add(&c, UINT32_MAX);
    cr_expect_eq(hel_cpus_count(&c), 8);
    cr_expect_not(hel_cpus_has(&c, 8192) || hel_cpus_has(&c, UINT32_MAX));
    hel_cpus_add(&other, 64);
    hel_cpus_add(&other, 66);
    hel_cpus_or(&other, &c);
    cr_expect_eq(hel_cpus_count(&other), 9);
    hel_cpus_and(&other, &c);
    cr_expect(memcmp(&other, &c, sizeof c) == 0);
}

static const char *text_of(const char *members, char *out, size_t room)
{
    hel_cpus c = {0};
    for (const char *at = members; *at;) {
        char *end;
        hel_cpus_add(&c, (uint32_t)strtoul(at, &end, 10));
        at = end + (*end == ' ');
    }
    return hel_cpus_text(out, room, &c);
}

Test(affinity, text)
{
    static const struct {
        const char *members, *text;
    } cases[] = {{"", "none"},       {"0", "0"},
                 {"8191", "8191"},   {"0 1", "0-1"},
                 {"0 2 4", "0,2,4"}, {"1 2 3 62 63 64 65 8190 8191", "1-3,62-65,8190-8191"}};
    char text[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(text_of(cases[i].members, text, sizeof text), cases[i].text);
    /* too long: cut at a comma, in whatever room there is */
    cr_expect_str_eq(text_of("100 102 104 106", text, 12), "100,102,...");
    cr_expect_str_eq(text_of("100 102 104 106", text, 11), "100,...");
    cr_expect_str_eq(text_of("100 102", text, 5), "...");
    for (size_t room = 1; room < 30; room++) {
        text[room] = '#';
        (void)text_of("100 102 104 106 108 110", text, room);
        cr_expect(strlen(text) < room && text[room] == '#');
    }
}

Test(affinity, of_the_calling_thread)
{
    hel_cpus mine, one = {0}, now;
    char text[256];
    uint32_t first = 0;
    cr_assert(hel_cpus_of_thread(&mine));
    cr_assert(hel_cpus_count(&mine) > 0);
    while (!hel_cpus_has(&mine, first))
        first++;
    hel_cpus_add(&one, first);
    cr_assert(hel_cpus_bind(&one));
    cr_assert(hel_cpus_of_thread(&now));
    cr_expect(memcmp(&now, &one, sizeof now) == 0, "%s", hel_cpus_text(text, sizeof text, &now));
    cr_assert(hel_cpus_bind(&mine));
    cr_assert(hel_cpus_of_thread(&now));
    cr_expect(memcmp(&now, &mine, sizeof now) == 0);
    /* no processor of the machine: refused, and nothing changes */
    cr_expect_not(hel_cpus_bind(&(hel_cpus){0}));
    cr_assert(hel_cpus_of_thread(&now));
    cr_expect(memcmp(&now, &mine, sizeof now) == 0);
}
