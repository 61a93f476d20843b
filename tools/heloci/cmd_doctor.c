/* heloci doctor: the library's findings and the sandbox's, as text or as one JSON object. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tools/heloci/landlock.h"
#include "tools/heloci/text_json.h"
#include "tools/heloci/tool.h"

enum { LABEL = 30, EXIT_ABSENT = 69, EXIT_FAILED = 70 };

typedef struct doctor {
    tool *t;
    json_t *root;     /* with --json, else NULL */
    char section[32]; /* that is being printed */
    unsigned marks[HEL_MARK_FAILED + 1];
} doctor;

/* ---- text ---- */

static void print_finding(doctor *d, const hel_finding *f)
{
    static const char signs[] = {[HEL_MARK_NONE] = ' ',
                                 [HEL_MARK_NOTE] = '*',
                                 [HEL_MARK_PROBLEM] = '!',
                                 [HEL_MARK_ABSENT] = '!',
                                 [HEL_MARK_FAILED] = '!'};
    if (strcmp(d->section, f->section) != 0) {
        snprintf(d->section, sizeof d->section, "%s", f->section);
        printf("\n%s\n", f->section);
    }
    printf("%c %-*s %s\n", signs[f->mark], LABEL, f->label, f->text);
    if (f->advice)
        printf("      %s\n", f->advice);
}

static const char *plural(unsigned n)
{
    return n == 1 ? "" : "s";
}

static void print_summary(const doctor *d)
{
    const unsigned notes = d->marks[HEL_MARK_NOTE], problems = d->marks[HEL_MARK_PROBLEM];
    printf("\n%u note%s (*), %u problem%s (!)", notes, plural(notes), problems, plural(problems));
    if (d->marks[HEL_MARK_ABSENT])
        printf(", %u thing%s absent (!)", d->marks[HEL_MARK_ABSENT],
               plural(d->marks[HEL_MARK_ABSENT]));
    if (d->marks[HEL_MARK_FAILED])
        printf(", the test FAILED (!)");
    putchar('\n');
}

/* ---- JSON: sections are objects, or arrays of them where they are lists ---- */

static json_t *value_of(const hel_finding *f)
{
    switch (f->kind) {
    case HEL_VALUE_COUNT:
    case HEL_VALUE_BYTES:
        return json_integer((json_int_t)f->number);
    case HEL_VALUE_REAL:
        return json_real(f->real);
    case HEL_VALUE_TRUTH:
        return json_boolean(f->number != 0);
    case HEL_VALUE_NONE:
        return json_null();
    case HEL_VALUE_TEXT:
        break;
    }
    return text_json(f->text);
}

/* The object that a finding belongs to, borrowed; NULL without memory. */
static json_t *object_of(json_t *root, const hel_finding *f)
{
    json_t *section = json_object_get(root, f->section);
    if (!section) {
        section = f->item < 0 ? json_object() : json_array();
        if (json_object_set_new(root, f->section, section) != 0)
            return NULL;
    }
    if (f->item < 0)
        return section;
    while (json_array_size(section) <= (size_t)f->item)
        if (json_array_append_new(section, json_object()) != 0)
            return NULL;
    return json_array_get(section, (size_t)f->item);
}

static int add_advice(json_t *root, const hel_finding *f)
{
    static const char *const marks[] = {[HEL_MARK_NOTE] = "note",
                                        [HEL_MARK_PROBLEM] = "problem",
                                        [HEL_MARK_ABSENT] = "absent",
                                        [HEL_MARK_FAILED] = "failed"};
    json_t *all = json_object_get(root, "advice");
    json_t *one = json_object();
    if (!all || json_array_append_new(all, one) != 0)
        return -1;
    int rc = json_object_set_new(one, "mark", json_string(marks[f->mark]));
    rc |= json_object_set_new(one, "section", json_string(f->section));
    if (f->item >= 0)
        rc |= json_object_set_new(one, "item", json_integer((json_int_t)f->item));
    rc |= json_object_set_new(one, "name", json_string(f->name));
    rc |= json_object_set_new(one, "text", text_json(f->text));
    rc |= json_object_set_new(one, "advice", text_json(f->advice ? f->advice : ""));
    return rc;
}

static int add_finding(json_t *root, const hel_finding *f)
{
    json_t *object = object_of(root, f);
    int rc = object ? json_object_set_new(object, f->name, value_of(f)) : -1;
    if (rc == 0 && f->mark != HEL_MARK_NONE)
        rc = add_advice(root, f);
    return rc;
}

/* ---- both ---- */

static int take(void *arg, const hel_finding *f)
{
    doctor *d = arg;
    d->marks[f->mark]++;
    if (d->root)
        return add_finding(d->root, f);
    progress_end(&d->t->bar);
    if (!d->t->quiet && f->label)
        print_finding(d, f);
    return ferror(stdout) != 0;
}

static int take_landlock(doctor *d)
{
    char text[64];
    const int abi = landlock_abi();
    hel_finding f = {.section = "sandbox",
                     .name = "landlock",
                     .item = -1,
                     .label = "Landlock",
                     .text = text,
                     .kind = abi ? HEL_VALUE_COUNT : HEL_VALUE_NONE,
                     .number = (uint64_t)abi};
    snprintf(text, sizeof text, "version %d", abi);
    if (!abi) {
        snprintf(text, sizeof text, "none");
        f.mark = HEL_MARK_NOTE;
        f.advice = "heloci run keeps its scan from the key by a change of user only, or not at "
                   "all: Linux 5.13 or later with lsm=landlock does better.";
    }
    return take(d, &f);
}

static int exit_code(const doctor *d)
{
    if (d->marks[HEL_MARK_FAILED])
        return EXIT_FAILED;
    return d->marks[HEL_MARK_ABSENT] ? EXIT_ABSENT : 0;
}

static int print_json(const doctor *d)
{
    const char *status = d->marks[HEL_MARK_FAILED]    ? "failed"
                         : d->marks[HEL_MARK_ABSENT]  ? "absent"
                         : d->marks[HEL_MARK_PROBLEM] ? "problems"
                                                      : "fine";
    json_t *advice = json_object_get(d->root, "advice");
    json_incref(advice); /* to the end */
    int rc = json_object_del(d->root, "advice");
    rc |= json_object_set_new(d->root, "status", json_string(status));
    rc |= json_object_set_new(d->root, "exit", json_integer(exit_code(d)));
    rc |= json_object_set_new(d->root, "advice", advice);
    if (rc == 0 && !d->t->quiet) {
        rc = json_dumpf(d->root, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    return rc;
}

static hel_status report(doctor *d)
{
    hel_doctor_config config = HEL_DOCTOR_CONFIG_INIT;
    hel_self_test_config test = HEL_SELF_TEST_CONFIG_INIT;
    uint32_t number[NUMBERS_MOST];
    test.device_count = tool_devices(d->t->o, number);
    test.devices = number;
    hel_status status = hel_doctor(d->t->engine, &config, take, d);
    if (status != HEL_OK)
        return status;
    if (take_landlock(d) != 0)
        return HEL_E_CANCELLED;
    if (!d->t->o->given[OPT_NO_TEST])
        status = hel_self_test(d->t->engine, &test, take, d);
    /* what the test found is one of the findings; a stop on request is not */
    return status == HEL_E_CANCELLED || !d->marks[HEL_MARK_FAILED] ? status : HEL_OK;
}

int command_doctor(const options *o)
{
    tool t;
    doctor d = {.t = &t};
    int rc = tool_open(&t, o);
    if (rc)
        return rc;
    if (o->given[OPT_JSON]) {
        d.root = json_object();
        if (!d.root || json_object_set_new(d.root, "advice", json_array()) != 0) {
            json_decref(d.root);
            return tool_close(&t, HEL_E_MEMORY);
        }
    }
    const hel_status status = report(&d);
    if (status == HEL_OK && d.root && print_json(&d) != 0)
        rc = EXIT_IO;
    if (status == HEL_OK && !d.root && !t.quiet)
        print_summary(&d);
    json_decref(d.root);
    const int closed = tool_close(&t, status);
    return closed ? closed : rc ? rc : exit_code(&d);
}
