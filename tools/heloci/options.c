/* Reads a command line against the tables. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/heloci/options.h"
#include "tools/heloci/suggest.h"

enum { USAGE = 64 };

int command_find(const char *name)
{
    for (int i = 0; i < CMD_COUNT; i++)
        if (strcmp(command_table[i].name, name) == 0)
            return i;
    return -1;
}

const char *command_suggest(const char *name)
{
    const char *best = NULL;
    unsigned least = SUGGEST_NEVER;
    for (int i = 0; i < CMD_COUNT; i++) {
        unsigned d = suggest_slip(name, command_table[i].name);
        if (d < least) {
            least = d;
            best = command_table[i].name;
        }
    }
    return best;
}

static int takes(command_id command, int option)
{
    return (int)(option_table[option].commands >> command & 1);
}

/* The command's row of that name, else another command's, else -1. */
static int option_find(command_id command, const char *name, size_t length)
{
    int found = -1;
    for (int i = 0; i < OPT_COUNT; i++)
        if (strlen(option_table[i].name) == length &&
            memcmp(option_table[i].name, name, length) == 0 && (found < 0 || takes(command, i)))
            found = i;
    return found;
}

static int unknown_option(command_id command, const char *name, size_t length, FILE *err)
{
    const char *program = command_table[command].name;
    int exact = option_find(command, name, length);
    if (exact >= 0) {
        const char *owner = NULL;
        for (int i = 0; i < CMD_COUNT && !owner; i++)
            if (i != CMD_RUN && takes((command_id)i, exact))
                owner = command_table[i].name;
        fprintf(err, "heloci %s: --%.*s is not an option of %s but of %s\n", program, (int)length,
                name, program, owner ? owner : "run");
        return USAGE;
    }
    char typed[SUGGEST_NEVER];
    snprintf(typed, sizeof typed, "%.*s", (int)length, name);
    const char *best = NULL;
    unsigned least = SUGGEST_NEVER;
    for (int i = 0; i < OPT_COUNT; i++) {
        unsigned d = takes(command, i) ? suggest_slip(typed, option_table[i].name) : SUGGEST_NEVER;
        if (d < least) {
            least = d;
            best = option_table[i].name;
        }
    }
    if (best)
        fprintf(err, "heloci %s: unknown option --%.*s; did you mean --%s?\n", program, (int)length,
                name, best);
    else
        fprintf(err, "heloci %s: unknown option --%.*s; `heloci %s --help` lists all\n", program,
                (int)length, name, program);
    return USAGE;
}

static int read_count(const option_row *row, const char *text, uint64_t *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return 0;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || (double)value < row->low || (double)value > row->high)
        return 0;
    *out = value;
    return 1;
}

static int read_real(const option_row *row, const char *text, double *out)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno || end == text || *end || !isfinite(value) || value < row->low || value > row->high)
        return 0;
    *out = value;
    return 1;
}

static int read_memory(const char *text, uint64_t *out)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno || text[0] < '0' || text[0] > '9' || !isfinite(value))
        return 0;
    double unit = 1048576;
    if (*end) {
        char upper = (char)(*end & ~0x20);
        const char *found = strchr(units, upper);
        if (!found || !upper)
            return 0;
        unit = pow(1024, (double)(found - units + 1));
        end++;
        if (*end == 'i')
            end++;
        if (*end == 'B' || *end == 'b')
            end++;
        if (*end)
            return 0;
    }
    value *= unit;
    if (value < 1048576 || value > 1e18)
        return 0;
    *out = (uint64_t)value;
    return 1;
}

/* Index of the word text[0..length) in a list separated by '|', or -1. */
static int choice_index(const char *choices, const char *text, size_t length)
{
    int index = 0;
    for (const char *at = choices;; index++) {
        size_t n = strcspn(at, "|");
        if (n == length && memcmp(at, text, n) == 0)
            return index;
        if (!at[n])
            return -1;
        at += n + 1;
    }
}

static int read_set(const option_row *row, const char *text, uint64_t *out)
{
    *out = 0;
    for (const char *at = text;;) {
        size_t n = strcspn(at, ",");
        int index = choice_index(row->choices, at, n);
        if (index < 0)
            return 0;
        *out |= 1u << index;
        if (!at[n])
            return 1;
        at += n + 1;
    }
}

int options_numbers(const option_row *row, const char *text, uint32_t out[NUMBERS_MOST])
{
    if (strcmp(text, "all") == 0)
        return 0;
    for (int count = 0; count < NUMBERS_MOST; text++) {
        char *end;
        if (*text < '0' || *text > '9')
            return -1;
        errno = 0;
        const unsigned long value = strtoul(text, &end, 10);
        if (errno || (double)value < row->low || (double)value > row->high)
            return -1;
        out[count++] = (uint32_t)value;
        text = end;
        if (*text == 0)
            return count;
        if (*text != ',')
            return -1;
    }
    return -1;
}

static int bad_value(command_id command, const option_row *row, const char *text, FILE *err)
{
    char domain[256];
    option_domain(domain, sizeof domain, row);
    fprintf(err, "heloci %s: --%s: '%s' is not %s\n", command_table[command].name, row->name, text,
            domain[0] ? domain : "usable: it is empty");
    return USAGE;
}

static int set_value(options *o, int index, const char *text, FILE *err)
{
    const option_row *row = &option_table[index];
    int ok = 1;
    o->text[index] = text;
    if (row->kind == KIND_TEXT || row->kind == KIND_NAME || row->kind == KIND_FILE ||
        row->kind == KIND_PREFIX)
        ok = text[0] != 0;
    else if (row->kind == KIND_COUNT)
        ok = read_count(row, text, &o->number[index]);
    else if (row->kind == KIND_REAL)
        ok = read_real(row, text, &o->real[index]);
    else if (row->kind == KIND_MEMORY)
        ok = read_memory(text, &o->number[index]);
    else if (row->kind == KIND_SET)
        ok = read_set(row, text, &o->number[index]);
    else if (row->kind == KIND_NUMBERS)
        ok = options_numbers(row, text, (uint32_t[NUMBERS_MOST]){0}) >= 0;
    else if (row->kind == KIND_CHOICE) {
        int choice = choice_index(row->choices, text, strlen(text));
        ok = choice >= 0;
        o->number[index] = ok ? (uint64_t)choice : 0;
    }
    return ok ? 0 : bad_value(o->command, row, text, err);
}

/* A stage of bench writes into --dir alone. */
static int excused(const options *o, int option)
{
    return option == OPT_OUT && o->command == CMD_BENCH && o->given[OPT_STAGE];
}

static int check_required(const options *o, FILE *err)
{
    const command_row *command = &command_table[o->command];
    for (int i = 0; i < OPT_COUNT; i++)
        if ((option_table[i].required >> o->command & 1) && !o->given[i] && !excused(o, i)) {
            fprintf(err, "heloci %s: --%s %s is required\n", command->name, option_table[i].name,
                    option_table[i].arg);
            return USAGE;
        }
    if (command->operand && !o->operand) {
        fprintf(err, "heloci %s: name the file: heloci %s %s\n", command->name, command->name,
                command->operand);
        return USAGE;
    }
    return 0;
}

/* One "--name", "--name VALUE" or "--name=VALUE" at argv[*at]. */
static int parse_option(options *o, int argc, char **argv, int *at, FILE *err)
{
    const char *program = command_table[o->command].name;
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    int index = option_find(o->command, name, length);
    if (index < 0 || !takes(o->command, index))
        return unknown_option(o->command, name, length, err);
    const option_row *row = &option_table[index];
    if (o->given[index]) {
        fprintf(err, "heloci %s: --%s is given twice\n", program, row->name);
        return USAGE;
    }
    o->given[index] = 1;
    if (row->kind == KIND_FLAG) {
        o->number[index] = 1;
        if (equals)
            fprintf(err, "heloci %s: --%s takes no argument\n", program, row->name);
        return equals ? USAGE : 0;
    }
    const char *value = equals ? equals + 1 : *at + 1 < argc ? argv[*at + 1] : NULL;
    if (!value || (!equals && strncmp(value, "--", 2) == 0)) {
        if (row->kind == KIND_NAME)
            return 0;
        fprintf(err, "heloci %s: --%s needs an argument (%s)\n", program, row->name, row->arg);
        return USAGE;
    }
    *at += !equals;
    return set_value(o, index, value, err);
}

static int takes_operand(const command_row *row, uint32_t have)
{
    const size_t length = row->operand ? strlen(row->operand) : 0;
    const int many = length > 3 && strcmp(row->operand + length - 3, "...") == 0;
    return row->operand && (many || have == 0);
}

int options_parse(options *out, command_id command, int argc, char **argv, FILE *err)
{
    const command_row *row = &command_table[command];
    memset(out, 0, sizeof *out);
    out->command = command;
    out->operands = calloc((size_t)argc + 1, sizeof *out->operands);
    if (!out->operands) {
        fprintf(err, "heloci: no memory for the command line\n");
        return 71;
    }
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            out->given[OPT_HELP] = 1;
            return 0;
        }
    for (int i = 2; i < argc; i++) {
        int rc = 0;
        if (strncmp(argv[i], "--", 2) == 0 && argv[i][2]) {
            rc = parse_option(out, argc, argv, &i, err);
        } else if (argv[i][0] && takes_operand(row, out->operand_count)) {
            out->operands[out->operand_count++] = argv[i];
            out->operand = out->operands[0];
        } else {
            fprintf(err, "heloci %s: '%s' is not expected here; options begin with two dashes\n",
                    row->name, argv[i]);
            rc = USAGE;
        }
        if (rc)
            return rc;
    }
    return check_required(out, err);
}
