/* The tables of complete.bash.in. */
#include <string.h>

#include "tools/docs/docs.h"

static const char *kind_word(option_kind kind)
{
    switch (kind) {
    case KIND_FILE:
        return "file";
    case KIND_PREFIX:
        return "prefix";
    case KIND_CHOICE:
        return "choice";
    case KIND_SET:
        return "set";
    case KIND_NAME:
        return "name";
    default:
        return "text"; /* nothing to offer */
    }
}

static void commands(FILE *out)
{
    for (int c = 0; c < CMD_COUNT; c++) {
        const char *between = "";
        fprintf(out, "    %s)\n        options='", command_table[c].name);
        for (int i = 0; i < OPT_COUNT; i++)
            if (docs_takes((command_id)c, i)) {
                fprintf(out, "%s--%s", between, option_table[i].name);
                between = " ";
            }
        fputs("'\n", out);
        if (command_table[c].operand) {
            const operand_row row = docs_operand((command_id)c);
            fprintf(out, "        operand='%s' operands=%d operand_words='", kind_word(row.kind),
                    docs_many_operands((command_id)c) ? 9999 : 1);
            docs_list(out, row.choices, " ");
            fputs("'\n", out);
        }
        fputs("        ;;\n", out);
    }
    fputs("    help)\n        operand='choice' operands=1 operand_words='", out);
    for (int c = 0; c < CMD_COUNT; c++)
        fprintf(out, "%s%s", c ? " " : "", command_table[c].name);
    fputs("'\n        ;;\n", out);
}

/* Commands may have different options of one name. */
static int is_ambiguous(int option)
{
    for (int i = 0; i < OPT_COUNT; i++)
        if (i != option && strcmp(option_table[i].name, option_table[option].name) == 0)
            return 1;
    return 0;
}

/* A pattern for "COMMAND --OPTION". */
static void pattern(FILE *out, int option)
{
    const char *name = option_table[option].name, *between = "";
    if (!is_ambiguous(option)) {
        fprintf(out, "    *' --%s')", name);
        return;
    }
    fputs("    ", out);
    for (int c = 0; c < CMD_COUNT; c++)
        if (docs_takes((command_id)c, option)) {
            fprintf(out, "%s'%s --%s'", between, command_table[c].name, name);
            between = " | ";
        }
    fputc(')', out);
}

static void options_with_values(FILE *out)
{
    for (int i = 0; i < OPT_COUNT; i++) {
        const option_row *row = &option_table[i];
        if (row->kind == KIND_FLAG)
            continue;
        pattern(out, i);
        fprintf(out, " kind='%s'", kind_word(row->kind));
        if (row->choices) {
            fputs(" words='", out);
            docs_list(out, row->choices, " ");
            fputc('\'', out);
        }
        fputs(" ;;\n", out);
    }
}

int docs_bash(FILE *out, const char *mark)
{
    if (strcmp(mark, "commands") == 0) {
        commands(out);
    } else if (strcmp(mark, "options") == 0) {
        options_with_values(out);
    } else if (strcmp(mark, "first") == 0) {
        for (int c = 0; c < CMD_COUNT; c++)
            fprintf(out, "%s ", command_table[c].name);
        for (const word_row *w = word_table; w->name; w++)
            fprintf(out, "%s%s", w == word_table ? "" : " ", w->name);
    } else {
        return 0;
    }
    return 1;
}
