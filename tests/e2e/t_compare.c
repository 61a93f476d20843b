/* heloci-compare on small benchmark files: what it pairs, what it refuses, what it says of damaged
 * files, what it draws. */
#undef HEL_PROGRAM
#define HEL_PROGRAM HEL_COMPARE /* what program.h runs */
#include "tests/base/test_dir.h"
#include "tests/e2e/program.h"

#define EXPECT(r, wanted, piece)                                                                   \
    do {                                                                                           \
        cr_expect_eq((r).code, (wanted), "exit %d, not %d: %s", (r).code, (wanted), (r).err);      \
        cr_expect(strstr((r).err, (piece)) != NULL, "'%s' does not say '%s'", (r).err, (piece));   \
    } while (0)
#define SHOWS(r, piece)                                                                            \
    cr_expect(strstr((r).out, (piece)) != NULL, "'%s' does not show '%s'", (r).out, (piece))

enum { TEXT = 1 << 14 };

typedef struct entry {
    const char *op, *more; /* more: members as JSON, after the others */
    double n, threads, log_q, log_qp, log_bound, dnum, key_switches, time;
} entry;

/* One multiplication at N = 8192, 3 digits, 1 ms. */
static const entry product = {"mul_relin", "", 8192, 1, 155, 210, 214, 3, 1, 1e6};

static test_dir dir;

static void begin(void)
{
    test_dir_make(&dir);
}

static void end(void)
{
    test_dir_remove(&dir);
}

TestSuite(compare, .init = begin, .fini = end);

static const char *path_of(const char *name)
{
    static char path[16][PATH_MAX + 32];
    static unsigned turn;
    char *out = path[turn++ % 16];
    snprintf(out, sizeof path[0], "%s/%s", dir.path, name);
    return out;
}

static void put(const char *name, const char *text, size_t bytes)
{
    FILE *file = fopen(path_of(name), "wb");
    cr_assert(file);
    cr_assert_eq(fwrite(text, 1, bytes, file), bytes);
    cr_assert_eq(fclose(file), 0);
}

static size_t print_entry(char *to, size_t room, const entry *e)
{
    int used = snprintf(
        to, room,
        "    {\n      \"name\": \"x/%s\",\n      \"run_type\": \"iteration\",\n"
        "      \"real_time\": %.9g,\n      \"cpu_time\": %.9g,\n      \"time_unit\": \"ns\",\n"
        "      \"median_time\": %.9g,\n      \"op\": \"%s\",\n      \"preset\": \"p%.0f\",\n"
        "      \"mode\": \"one\",\n      \"n\": %.0f,\n      \"threads\": %.0f,\n"
        "      \"log_q\": %g,\n      \"log_qp\": %g,\n      \"log_bound\": %g,\n"
        "      \"dnum\": %g,\n      \"key_switches\": %g%s\n    }",
        e->op, e->time, e->time * 0.5, e->time * 3, e->op, e->log_q, e->n, e->threads, e->log_q,
        e->log_qp, e->log_bound, e->dnum, e->key_switches, e->more);
    cr_assert(used > 0 && (size_t)used < room);
    return (size_t)used;
}

static size_t print_set(char text[TEXT], const char *library, const entry *e, size_t count)
{
    size_t used = (size_t)snprintf(
        text, TEXT,
        "{\n  \"context\": {\n    \"library\": \"%s\",\n    \"library_version\": \"1.2\"\n  },\n"
        "  \"benchmarks\": [\n",
        library);
    for (size_t i = 0; i < count; i++) {
        used += print_entry(text + used, TEXT - used, &e[i]);
        used += (size_t)snprintf(text + used, TEXT - used, "%s\n", i + 1 < count ? "," : "");
    }
    used += (size_t)snprintf(text + used, TEXT - used, "  ]\n}\n");
    cr_assert(used < TEXT);
    return used;
}

static void put_set(const char *name, const char *library, const entry *e, size_t count)
{
    static char text[TEXT];
    put(name, text, print_set(text, library, e, count));
}

/* Compares one entry of ours with `count` of theirs. */
static void compare(program_result *r, const char *option, const char *value, entry ours,
                    const entry *theirs, size_t count)
{
    put_set("a.json", "ours", &ours, 1);
    put_set("b.json", "theirs", theirs, count);
    const char *a = path_of("a.json"), *b = path_of("b.json");
    if (value)
        program_run(r, option, value, a, b, NULL);
    else if (option)
        program_run(r, option, a, b, NULL);
    else
        program_run(r, a, b, NULL);
}

/* ---- pairs ---- */

Test(compare, equal_entries_are_compared)
{
    program_result r;
    entry theirs = product;
    theirs.time = 2.5e6;
    compare(&r, NULL, NULL, product, &theirs, 1);
    EXPECT(r, 0, "");
    cr_expect_str_eq(r.err, "");
    SHOWS(r, "ours 1.2 / theirs 1.2");
    SHOWS(r, "1.00 ms");
    SHOWS(r, "2.50 ms");
    SHOWS(r, "   2.50  p155 | p155");
    SHOWS(r, "1 rows; ratios from 2.50 (mul_relin, N = 8192) to 2.50");
}

Test(compare, rings_and_threads_must_be_equal)
{
    program_result r;
    entry theirs = product;
    theirs.n = 16384;
    compare(&r, NULL, NULL, product, &theirs, 1);
    EXPECT(r, 65,
           "no counterpart: p155 against theirs 1.2 p155: N = 8192 against N = 16384 (1 entry)");
    EXPECT(r, 65, "nothing can be compared");
    cr_expect_str_eq(r.out, "");
    theirs = product;
    theirs.threads = 2;
    compare(&r, NULL, NULL, product, &theirs, 1);
    EXPECT(r, 65, "1 threads against 2");
    theirs = product;
    theirs.more = ", \"batch\": 8";
    compare(&r, NULL, NULL, product, &theirs, 1);
    EXPECT(r, 65, "a batch of 1 against 8");
    theirs = product;
    theirs.op = "rotate";
    compare(&r, NULL, NULL, product, &theirs, 1);
    EXPECT(r, 65, "nothing can be compared");
}

Test(compare, our_modulus_must_not_be_smaller)
{
    static const struct {
        const char *option, *value;
        double log_q;
        int code;
    } cases[] = {
        {NULL, NULL, 130, 0},
        {NULL, NULL, 157, 0},
        {NULL, NULL, 157.01, 65},
        {"--q-tolerance", "10", 164.9, 0},
        {"--q-tolerance", "10", 166, 65},
        {"--q-tolerance", "0", 155, 0},
        {"--q-tolerance", "0", 155.1, 65},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        program_result r;
        entry theirs = product;
        theirs.log_q = cases[i].log_q;
        compare(&r, cases[i].option, cases[i].value, product, &theirs, 1);
        EXPECT(r, cases[i].code, cases[i].code ? "log2(Q) = 155.0 is more than" : "");
    }
}

Test(compare, both_keep_the_stricter_bound)
{
    program_result r;
    entry theirs = product;
    theirs.log_bound = 218;
    theirs.log_qp = 215; /* within their own bound only */
    compare(&r, NULL, NULL, product, &theirs, 1);
    EXPECT(r, 65, "log2(QP) = 210.0 and 215.0: not both within the bound of 214");
    theirs.log_qp = 200;
    theirs.log_bound = 205; /* ours is beyond theirs */
    compare(&r, NULL, NULL, product, &theirs, 1);
    EXPECT(r, 65, "not both within the bound of 205");
    theirs.log_bound = 210;
    compare(&r, NULL, NULL, product, &theirs, 1);
    EXPECT(r, 0, "");
}

Test(compare, digits_must_be_equal_where_keys_are_switched)
{
    program_result r;
    entry theirs = product, sum = product;
    theirs.dnum = 7;
    compare(&r, NULL, NULL, product, &theirs, 1);
    EXPECT(r, 65, "dnum = 3 against 7 (--any-dnum accepts it)");
    compare(&r, "--any-dnum", NULL, product, &theirs, 1);
    EXPECT(r, 0, "");
    SHOWS(r, "3/7*");
    SHOWS(r, "accepted by --any-dnum");
    sum.op = theirs.op = "add";
    sum.key_switches = theirs.key_switches = 0;
    compare(&r, NULL, NULL, sum, &theirs, 1);
    EXPECT(r, 0, "");
    cr_expect(!strchr(r.out, '*'), "%s", r.out);
}

Test(compare, a_refused_pair_leaves_the_others)
{
    program_result r;
    entry ours[3] = {product, product, product}, theirs[3];
    ours[1].op = "rotate";
    ours[2].op = "square_relin";
    memcpy(theirs, ours, sizeof ours);
    theirs[1].log_q = theirs[2].log_q = 170;
    put_set("a.json", "ours", ours, 3);
    put_set("b.json", "theirs", theirs, 3);
    program_run(&r, path_of("a.json"), path_of("b.json"), NULL);
    EXPECT(r, 65,
           "refused: p155 against theirs 1.2 p170: log2(Q) = 155.0 is more than 2 bits below");
    EXPECT(r, 65, "below 170.0 (2 entries)");
    SHOWS(r, "mul_relin");
    cr_expect(!strstr(r.out, "rotate"), "%s", r.out);
    program_run(&r, "--only", "add,mul_relin", path_of("a.json"), path_of("b.json"), NULL);
    EXPECT(r, 0, "");
}

Test(compare, the_fastest_admissible_entry_counts)
{
    program_result r;
    entry theirs[4] = {product, product, product, product};
    theirs[0].time = 3e6;
    theirs[1].time = 2e6;
    theirs[1].log_q = 130;
    theirs[2].time = 1e5; /* fastest, of another modulus */
    theirs[2].log_q = 200;
    theirs[3].time = 4e6;
    compare(&r, NULL, NULL, product, theirs, 4);
    EXPECT(r, 0, "");
    SHOWS(r, "   2.00  p155 | p130");
}

Test(compare, several_peers)
{
    program_result r;
    entry slow = product;
    slow.time = 8e6;
    put_set("a.json", "ours", &product, 1);
    put_set("b.json", "first", &product, 1);
    put_set("c.json", "second", &slow, 1);
    program_run(&r, path_of("a.json"), path_of("b.json"), path_of("c.json"), NULL);
    EXPECT(r, 0, "");
    SHOWS(r, "ours 1.2 / first 1.2");
    SHOWS(r, "ours 1.2 / second 1.2");
    SHOWS(r, "   1.00  p155");
    SHOWS(r, "   8.00  p155");
}

/* ---- times ---- */

Test(compare, time_is_that_of_one_operation)
{
    program_result r;
    entry theirs = product;
    theirs.more = ", \"operations\": 4";
    compare(&r, NULL, NULL, product, &theirs, 1);
    EXPECT(r, 0, "");
    SHOWS(r, "   0.25  p155");
}

Test(compare, the_clock_can_be_chosen)
{
    program_result r;
    entry theirs = product;
    theirs.time = 2e6;
    compare(&r, "--time", "median", product, &theirs, 1);
    EXPECT(r, 0, "");
    SHOWS(r, "3.00 ms");
    SHOWS(r, "6.00 ms");
    compare(&r, "--time", "cpu", product, &theirs, 1);
    SHOWS(r, "500 us");
    entry two = product;
    two.threads = theirs.threads = 2; /* the processor's time says nothing of two threads */
    compare(&r, "--time", "cpu", two, &theirs, 1);
    SHOWS(r, "2 one");
    SHOWS(r, "2.00 ms");
}

Test(compare, units)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    static const char *const shown[] = {"120 ns", "120 us", "120 ms", "120 s"};
    for (int i = 0; i < 4; i++) {
        program_result r;
        char text[512];
        const int used =
            snprintf(text, sizeof text,
                     "{\"context\": {\"library\": \"l\"}, \"benchmarks\": [{\"op\": \"ntt\", "
                     "\"n\": 4096, \"threads\": 1, \"log_q\": 1, \"per_bit\": 1, "
                     "\"real_time\": 120, \"time_unit\": \"%s\"}]}",
                     units[i]);
        put("a.json", text, (size_t)used);
        program_run(&r, path_of("a.json"), path_of("a.json"), NULL);
        EXPECT(r, 0, "");
        SHOWS(r, shown[i]);
    }
}

Test(compare, times_per_bit_need_no_equal_modulus)
{
    program_result r;
    entry ours = product, theirs = product;
    ours.op = theirs.op = "ntt_forward_limb";
    ours.more = theirs.more = ", \"per_bit\": 1";
    ours.log_q = 30;
    ours.time = 3000;
    theirs.log_q = 50;
    theirs.time = 10000;
    compare(&r, NULL, NULL, ours, &theirs, 1);
    EXPECT(r, 0, "");
    SHOWS(r, "100 ns/bit");
    SHOWS(r, "200 ns/bit");
    SHOWS(r, "   2.00  p30 | p50");
    theirs.more = "";
    compare(&r, NULL, NULL, ours, &theirs, 1);
    EXPECT(r, 65, "times per bit against times of an operation");
}

/* ---- damaged and foreign files ---- */

Test(compare, damaged_files_are_named)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "line 1, column 0"},
        {"{\"context\": {}, \"benchmarks\": [", "line 1"},
        {"\n\n  nonsense", "line 3"},
        {"[]", "\"context\" and \"benchmarks\""},
        {"{\"benchmarks\": []}", "\"context\" and \"benchmarks\""},
        {"{\"context\": {}, \"benchmarks\": {}}", "\"context\" and \"benchmarks\""},
        {"{\"context\": {}, \"benchmarks\": []}", "does not name the \"library\""},
        {"{\"context\": {\"library\": 3}, \"benchmarks\": []}", "does not name the \"library\""},
        {"{\"context\": {\"library\": \"l\"}, \"benchmarks\": []}", "no entry states"},
        {"{\"context\": {\"library\": \"l\"}, \"benchmarks\": [7]}", "entry 0 is not an object"},
        {"{\"context\": {\"library\": \"l\"}, \"benchmarks\": [{\"name\": \"x\"}]}",
         "no entry states"},
        {"{\"context\": {\"library\": \"l\", \"library\": \"m\"}, \"benchmarks\": []}",
         "duplicate"},
        {"{\"context\": {\"library\": \"\xff\"}, \"benchmarks\": []}", "decode byte"},
    };
    put_set("a.json", "ours", &product, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        program_result r;
        put("b.json", cases[i].text, strlen(cases[i].text));
        program_run(&r, path_of("a.json"), path_of("b.json"), NULL);
        EXPECT(r, 65, cases[i].says);
        EXPECT(r, 65, "b.json: ");
        cr_expect_str_eq(r.out, "");
    }
}

Test(compare, entries_state_what_they_measured)
{
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"\"log_q\": 155", "\"other\": 155", "entry 'x/mul_relin': it does not state 'log_q'"},
        {"\"log_qp\": 210", "\"other\": 210", "it does not state 'log_qp'"},
        {"\"log_bound\": 214", "\"other\": 214", "it does not state 'log_bound'"},
        {"\"dnum\": 3", "\"other\": 3", "it does not state 'dnum'"},
        {"\"n\": 8192", "\"n\": \"8192\"", "not a number above 0: 'n'"},
        {"\"n\": 8192", "\"n\": -8192", "not a number above 0: 'n'"},
        {"\"key_switches\": 1", "\"key_switches\": -1", "not a number above 0: 'key_switches'"},
        {"\"threads\": 1", "\"threads\": 0", "not a number above 0: 'threads'"},
        {"\"real_time\": 1000000", "\"real_time\": 0", "not a number above 0: 'real_time'"},
        {"\"real_time\": 1000000", "\"real_time\": null", "not a number above 0: 'real_time'"},
        {"\"time_unit\": \"ns\"", "\"time_unit\": \"h\"", "not ns, us, ms or s"},
        {"\"op\": \"mul_relin\"", "\"op\": 4", "not a text of at most 47 bytes: 'op'"},
        {"\"log_qp\": 210", "\"log_qp\": 150", "log2(QP) is below log2(Q)"},
        {"\"real_time\": 1000000", "\"real_time\": NaN", "line "},
        {"\"real_time\": 1000000", "\"real_time\": 1e999", "line "},
    };
    static char text[TEXT], changed[2 * TEXT];
    put_set("a.json", "ours", &product, 1);
    print_set(text, "theirs", &product, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        program_result r;
        const char *at = strstr(text, cases[i].from);
        cr_assert(at, "%s", cases[i].from);
        int used = snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text,
                            cases[i].to, at + strlen(cases[i].from));
        put("b.json", changed, (size_t)used);
        program_run(&r, path_of("a.json"), path_of("b.json"), NULL);
        EXPECT(r, 65, cases[i].says);
    }
}

Test(compare, entries_of_other_benchmarks_are_passed_over)
{
    static char text[TEXT], changed[2 * TEXT];
    program_result r;
    print_set(text, "theirs", &product, 1);
    const char *at = strstr(text, "    {\n      \"name\"");
    int used = snprintf(changed, sizeof changed,
                        "%.*s{\"name\": \"sort\", \"real_time\": 5}, {\"name\": \"mean\", "
                        "\"run_type\": \"aggregate\", \"op\": \"mul_relin\"},\n%s",
                        (int)(at - text), text, at);
    put("b.json", changed, (size_t)used);
    program_run(&r, path_of("b.json"), path_of("b.json"), NULL);
    EXPECT(r, 0, "");
    SHOWS(r, "1 rows");
}

Test(compare, control_characters_do_not_reach_the_terminal)
{
    program_result r;
    put_set("a.json", "o\\u001b[31m", &product, 1);
    program_run(&r, path_of("a.json"), path_of("a.json"), NULL);
    EXPECT(r, 0, "");
    SHOWS(r, "o?[31m 1.2 / o?[31m 1.2");
    cr_expect(!strchr(r.out, 27));
}

/* Cut anywhere and with any byte changed, a file is refused or read, never more. */
Test(compare, cut_and_changed_files)
{
    static char text[TEXT];
    const char *scale = getenv("HEL_TEST_SCALE");
    const size_t steps = (size_t)(100 * (scale ? atof(scale) : 1)) + 5;
    const size_t length = print_set(text, "theirs", &product, 1);
    put_set("a.json", "ours", &product, 1);
    for (size_t i = 0; i < 2 * steps; i++) {
        program_result r;
        const size_t at = i / 2 * length / steps;
        const char kept = text[at];
        if (i % 2)
            text[at] ^= (char)(1 + i % 126);
        put("b.json", text, i % 2 ? length : at);
        text[at] = kept;
        program_run(&r, "--draw", path_of("x.svg"), path_of("a.json"), path_of("b.json"), NULL);
        cr_expect(r.code == 0 || r.code == 65, "byte %zu: exit %d: %s", at, r.code, r.err);
        cr_expect(i % 2 || r.code == 65, "cut at %zu: exit %d", at, r.code);
    }
}

/* ---- the command line and pictures ---- */

Test(compare, wrong_command_lines)
{
    program_result r;
    program_run(&r, NULL);
    EXPECT(r, 64, "two files are needed");
    program_run(&r, "a.json", NULL);
    EXPECT(r, 64, "two files are needed");
    program_run(&r, "--nonsense", "a.json", "b.json", NULL);
    EXPECT(r, 64, "unknown option --nonsense");
    program_run(&r, "a.json", "b.json", "--time", NULL);
    EXPECT(r, 64, "a value is missing after --time");
    program_run(&r, "--time", "mean", "a.json", "b.json", NULL);
    EXPECT(r, 64, "best, median or cpu, not mean");
    program_run(&r, "--q-tolerance", "-1", "a.json", "b.json", NULL);
    EXPECT(r, 64, "--q-tolerance");
    program_run(&r, "--q-tolerance", "nan", "a.json", "b.json", NULL);
    EXPECT(r, 64, "--q-tolerance");
    program_run(&r, "--threads", "0", "a.json", "b.json", NULL);
    EXPECT(r, 64, "--threads");
    program_run(&r, "--draw", "picture.gif", "a.json", "b.json", NULL);
    EXPECT(r, 64, "FILE.png or FILE.svg, not picture.gif");
    program_run(&r, path_of("none.json"), "b.json", NULL);
    EXPECT(r, 74, "none.json: No such file or directory");
    program_run(&r, "--help", NULL);
    EXPECT(r, 0, "");
    SHOWS(r, "usage: heloci-compare");
}

Test(compare, pictures)
{
    static const struct {
        const char *name, *begins;
    } cases[] = {{"ratio.png", "\x89PNG\r\n"}, {"ratio.svg", "<?xml"}};
    entry theirs[2] = {product, product};
    theirs[0].time = 1e9; /* a bar of its own length, within the picture */
    theirs[1].time = 1;
    theirs[1].op = "rotate";
    for (int i = 0; i < 2; i++) {
        program_result r;
        char head[16] = {0};
        compare(&r, "--draw", path_of(cases[i].name), product, theirs, 2);
        EXPECT(r, 0, "");
        FILE *file = fopen(path_of(cases[i].name), "rb");
        cr_assert(file);
        cr_expect(fread(head, 1, sizeof head - 1, file) == sizeof head - 1);
        fclose(file);
        cr_expect_eq(strncmp(head, cases[i].begins, strlen(cases[i].begins)), 0);
        compare(&r, "--draw", path_of("no/such/folder.png"), product, theirs, 2);
        EXPECT(r, 74, "folder.png");
    }
    program_result r;
    compare(&r, "--draw", path_of("no/such/folder.svg"), product, theirs, 2);
    EXPECT(r, 74, "folder.svg");
}
