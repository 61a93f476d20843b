/* The command line of heloci-compare. */
#include <stdlib.h>
#include <string.h>

#include "tools/compare/compare.h"

void compare_usage(FILE *to)
{
    fputs(
        "usage: heloci-compare [OPTION...] OURS.json THEIRS.json...\n"
        "\n"
        "Puts the times of the first file beside those of the others, for operations of one\n"
        "name, ring dimension and number of threads. Refuses pairs whose parameters differ:\n"
        "log2(Q) of ours must not be below theirs, both log2(QP) must keep both security bounds,\n"
        "and operations that switch keys must use as many digits.\n"
        "\n"
        "  --any-dnum           accept any numbers of digits; the table marks them\n"
        "  --q-tolerance BITS   let log2(Q) of ours be lower by this (default 2)\n"
        "  --time best|median|cpu\n"
        "                       which time: the best repetition (default), the median, or the\n"
        "                       processor's for one thread\n"
        "  --only OP[,OP...]    these operations\n"
        "  --threads N          entries of this many threads\n"
        "  --draw FILE          draw the ratios, FILE.png or FILE.svg\n"
        "  --help\n"
        "\n"
        "Exit code: 0; 64 for a wrong command line; 65 when a file is damaged, a pair was\n"
        "refused, or nothing can be compared; 74 when a file cannot be read or written.\n",
        to);
}

static int wrong(const char *what, const char *value)
{
    fprintf(stderr, "heloci-compare: %s%s; heloci-compare --help lists the options\n", what, value);
    return EXIT_USAGE;
}

static int ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

static int read_value(compare_options *o, const char *name, const char *value)
{
    char *end = NULL;
    if (strcmp(name, "--time") == 0) {
        static const char *const names[] = {"best", "median", "cpu"};
        for (int i = 0; i < 3; i++)
            if (strcmp(value, names[i]) == 0) {
                o->time = (compare_time)i;
                return 0;
            }
        return wrong("--time must be best, median or cpu, not ", value);
    }
    if (strcmp(name, "--q-tolerance") == 0) {
        o->q_tolerance = strtod(value, &end);
        if (end == value || *end || !(o->q_tolerance >= 0 && o->q_tolerance <= 64))
            return wrong("--q-tolerance must be a number of bits from 0 to 64, not ", value);
        return 0;
    }
    if (strcmp(name, "--threads") == 0) {
        const unsigned long threads = strtoul(value, &end, 10);
        if (end == value || *end || threads < 1 || threads > 4096)
            return wrong("--threads must be a number from 1 to 4096, not ", value);
        o->threads = (unsigned)threads;
        return 0;
    }
    if (strcmp(name, "--only") == 0) {
        o->only = value;
        return *value ? 0 : wrong("--only needs an operation", "");
    }
    if (!ends_with(value, ".png") && !ends_with(value, ".svg"))
        return wrong("--draw writes FILE.png or FILE.svg, not ", value);
    o->draw = value;
    return 0;
}

int compare_options_read(compare_options *o, int argc, char **argv)
{
    static const char *const with_value[] = {"--time", "--q-tolerance", "--threads", "--only",
                                             "--draw"};
    static const size_t options = sizeof with_value / sizeof *with_value;
    memset(o, 0, sizeof *o);
    o->q_tolerance = 2;
    o->file = calloc((size_t)argc, sizeof *o->file);
    if (!o->file) {
        fputs("heloci-compare: out of memory\n", stderr);
        return EXIT_MEMORY;
    }
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        size_t k = 0;
        if (strncmp(name, "--", 2) != 0) {
            o->file[o->files++] = name;
            continue;
        }
        if (strcmp(name, "--help") == 0)
            return -1;
        if (strcmp(name, "--any-dnum") == 0) {
            o->any_dnum = 1;
            continue;
        }
        while (k < options && strcmp(name, with_value[k]) != 0)
            k++;
        if (k == options)
            return wrong("unknown option ", name);
        if (i + 1 == argc)
            return wrong("a value is missing after ", name);
        const int rc = read_value(o, name, argv[++i]);
        if (rc)
            return rc;
    }
    if (o->files < 2)
        return wrong("two files are needed, ours and theirs", "");
    if (o->files > COMPARE_FILES)
        return wrong("at most 16 files can be compared", "");
    return 0;
}
