/* The tables of complete.zsh.in: specifications of _arguments and _describe. */
#include <string.h>

#include "tools/docs/docs.h"

/* text[0..length) inside single quotes, with a backslash before what the receiver minds. */
static void quoted(FILE *out, const char *text, size_t length, const char *special)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\'') {
            fputs("'\\''", out);
            continue;
        }
        if (strchr(special, text[i]))
            fputc('\\', out);
        fputc(text[i], out);
    }
}

/* The part of a specification that says what a value may be. */
static void action(FILE *out, option_kind kind, const char *choices)
{
    switch (kind) {
    case KIND_FILE:
    case KIND_PREFIX:
        fputs(kind == KIND_FILE ? "_heloci_files" : "_heloci_prefix", out);
        fputs(choices ? " " : "", out);
        docs_list(out, choices, " ");
        break;
    case KIND_CHOICE:
        fputc('(', out);
        docs_list(out, choices, " ");
        fputc(')', out);
        break;
    case KIND_SET:
        fputs("_values -s , word ", out);
        docs_list(out, choices, " ");
        break;
    default:
        fputc(' ', out);
    }
}

static void option(FILE *out, const option_row *row)
{
    fprintf(out, " \\\n        '--%s", row->name);
    if (row->kind == KIND_NAME)
        fputs("=-", out);
    else if (row->kind != KIND_FLAG)
        fputc('=', out);
    fputc('[', out);
    quoted(out, row->help, docs_clause(row->help), "[]\\");
    fputc(']', out);
    if (row->kind != KIND_FLAG) {
        fputs(row->kind == KIND_NAME ? "::" : ":", out);
        quoted(out, row->arg, strlen(row->arg), ":\\");
        fputc(':', out);
        action(out, row->kind, row->choices);
    }
    fputc('\'', out);
}

static void command_options(FILE *out)
{
    for (int c = 0; c < CMD_COUNT; c++) {
        const char *operand = command_table[c].operand;
        fprintf(out, "    %s)\n      _arguments", command_table[c].name);
        for (int i = 0; i < OPT_COUNT; i++)
            if (docs_takes((command_id)c, i))
                option(out, &option_table[i]);
        if (operand) {
            const operand_row row = docs_operand((command_id)c);
            fprintf(out, " \\\n        '%s:", docs_many_operands((command_id)c) ? "*" : "1");
            quoted(out, operand, strlen(operand), ":\\");
            fputc(':', out);
            action(out, row.kind, row.choices);
            fputc('\'', out);
        }
        fputs("\n      ;;\n", out);
    }
    fputs("    help) _arguments '1: :_heloci_commands' ;;\n", out);
}

static void described(FILE *out, const char *name, const char *text)
{
    fprintf(out, "    '%s:", name);
    quoted(out, text, strlen(text), "\\");
    fputs("'\n", out);
}

int docs_zsh(FILE *out, const char *mark)
{
    if (strcmp(mark, "commands") == 0) {
        for (int c = 0; c < CMD_COUNT; c++)
            described(out, command_table[c].name, command_table[c].summary);
    } else if (strcmp(mark, "words") == 0) {
        for (const word_row *w = word_table; w->name; w++)
            described(out, w->name, w->text);
    } else if (strcmp(mark, "options") == 0) {
        command_options(out);
    } else {
        return 0;
    }
    return 1;
}
