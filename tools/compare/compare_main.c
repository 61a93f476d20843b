/* heloci-compare: reads, pairs, prints, draws. See compare.h. */
#include <stdlib.h>

#include "tools/compare/compare.h"

/* Returns 1 when a pair was refused for its parameters. */
static int print_refusals(const compare_result *result)
{
    int unequal = 0;
    for (size_t i = 0; i < result->refusals; i++) {
        const compare_refusal *r = &result->refusal[i];
        fprintf(stderr, "heloci-compare: %s: %s (%zu %s)\n",
                r->unequal ? "refused" : "no counterpart", r->text, r->count,
                r->count == 1 ? "entry" : "entries");
        unequal |= r->unequal;
    }
    return unequal;
}

static int compare(const compare_set *set, const compare_options *o)
{
    compare_result result;
    int unequal = 0, rc = compare_match(&result, set, o);
    if (!rc) {
        rc = compare_table(stdout, &result, set, o);
        if (rc)
            fputs("heloci-compare: standard output could not be written\n", stderr);
        unequal = print_refusals(&result);
    }
    if (!rc && o->draw && result.rows)
        rc = compare_draw(&result, set, o);
    if (!rc && !result.rows) {
        fputs("heloci-compare: nothing can be compared\n", stderr);
        rc = EXIT_DATA;
    }
    if (!rc && unequal)
        rc = EXIT_DATA;
    compare_result_free(&result);
    return rc;
}

int main(int argc, char **argv)
{
    compare_options o;
    compare_set set[COMPARE_FILES] = {{{0}, NULL, 0}};
    int rc = compare_options_read(&o, argc, argv);
    if (rc == -1) {
        compare_usage(stdout);
        rc = fflush(stdout) == 0 ? EXIT_OK : EXIT_IO;
    } else {
        for (size_t i = 0; !rc && i < o.files; i++)
            rc = compare_read(&set[i], o.file[i], &o);
        if (!rc)
            rc = compare(set, &o);
    }
    for (size_t i = 0; i < COMPARE_FILES; i++)
        free(set[i].entry);
    free(o.file);
    return rc;
}
