/* The tables of complete.fish.in. */
#include <string.h>

#include "tools/docs/docs.h"

static void quoted(FILE *out, const char *text, size_t length)
{
    fputc('\'', out);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\'' || text[i] == '\\')
            fputc('\\', out);
        fputc(text[i], out);
    }
    fputc('\'', out);
}

/* A command that prints what may stand for a value, or the words themselves. */
static void value(FILE *out, option_kind kind, const char *choices)
{
    switch (kind) {
    case KIND_FILE:
    case KIND_PREFIX:
        fprintf(out, " -k -a '(__heloci_files %s", kind == KIND_FILE ? "file" : "prefix");
        fputs(choices ? " " : "", out);
        docs_list(out, choices, " ");
        fputs(")'", out);
        break;
    case KIND_CHOICE:
        fputs(" -k -a '", out);
        docs_list(out, choices, " ");
        fputc('\'', out);
        break;
    case KIND_SET:
        fputs(" -k -a '(__heloci_set ", out);
        docs_list(out, choices, " ");
        fputs(")'", out);
        break;
    default:
        break;
    }
}

static void first_words(FILE *out)
{
    static const char *const conditions[] = {"__heloci_first", "__heloci_help"};
    for (int k = 0; k < 2; k++)
        for (int c = 0; c < CMD_COUNT; c++) {
            const command_row *row = &command_table[c];
            fprintf(out, "complete -c heloci -n %s -a %s -d ", conditions[k], row->name);
            quoted(out, row->summary, strlen(row->summary));
            fputc('\n', out);
        }
    for (const word_row *w = word_table; w->name; w++) {
        const int dashes = strncmp(w->name, "--", 2) == 0;
        fprintf(out, "complete -c heloci -n __heloci_first %s %s -d ", dashes ? "-l" : "-a",
                w->name + (dashes ? 2 : 0));
        quoted(out, w->text, strlen(w->text));
        fputc('\n', out);
    }
}

static void command_options(FILE *out, command_id command)
{
    const char *name = command_table[command].name;
    for (int i = 0; i < OPT_COUNT; i++) {
        const option_row *row = &option_table[i];
        if (!docs_takes(command, i))
            continue;
        fprintf(out, "complete -c heloci -n '__heloci_takes %s %s' -l %s -d ", name, row->name,
                row->name);
        quoted(out, row->help, docs_clause(row->help));
        if (row->kind != KIND_FLAG && row->kind != KIND_NAME)
            fputs(" -x", out);
        value(out, row->kind, row->choices);
        fputc('\n', out);
    }
    if (command_table[command].operand) {
        const operand_row row = docs_operand(command);
        fprintf(out, "complete -c heloci -n '__heloci_operand %s %d'", name,
                docs_many_operands(command) ? 9999 : 1);
        value(out, row.kind, row.choices);
        fputc('\n', out);
    }
}

int docs_fish(FILE *out, const char *mark)
{
    if (strcmp(mark, "flags") == 0) {
        const char *between = "";
        for (int i = 0; i < OPT_COUNT; i++)
            if (option_table[i].kind == KIND_FLAG || option_table[i].kind == KIND_NAME) {
                fprintf(out, "%s--%s", between, option_table[i].name);
                between = " ";
            }
    } else if (strcmp(mark, "options") == 0) {
        first_words(out);
        for (int c = 0; c < CMD_COUNT; c++)
            command_options(out, (command_id)c);
    } else {
        return 0;
    }
    return 1;
}
