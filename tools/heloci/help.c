/* Help texts, read off the tables. */
#include <string.h>

#include "heloci/version.h"
#include "tools/heloci/doc_table.h"
#include "tools/heloci/options.h"

/* Words of `text`, broken before `columns`, continued at `indent`; `at` = where the pen is. */
static void wrap(FILE *out, const char *text, unsigned at, unsigned indent, unsigned columns)
{
    while (*text) {
        size_t length = strcspn(text, " ");
        if (at > indent && at + 1 + length > columns) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", (int)length, text);
        at += (unsigned)length;
        text += length;
        text += *text == ' ';
    }
    fputc('\n', out);
}

void help_overview(FILE *out, unsigned columns)
{
    fprintf(out,
            "heloci %s: genome-wide association scans on encrypted genotypes\n\n"
            "usage: heloci COMMAND [OPTIONS]\n\n",
            HEL_VERSION_STRING);
    for (int i = 0; i < CMD_COUNT; i++) {
        fprintf(out, "  %-9s", command_table[i].name);
        wrap(out, command_table[i].summary, 11, 11, columns);
    }
    fprintf(out, "\n`heloci COMMAND --help` explains one. All steps at once:\n\n"
                 "  heloci run --bfile B --pheno P --covar C --out O\n");
}

static unsigned left_column(char *buffer, size_t bytes, const option_row *row)
{
    snprintf(buffer, bytes, "  --%s%s%s", row->name, row->arg ? " " : "", row->arg ? row->arg : "");
    return (unsigned)strlen(buffer);
}

static void help_option(FILE *out, command_id command, const option_row *row, unsigned columns)
{
    enum { INDENT = 28 };
    char left[64], text[512];
    unsigned width = left_column(left, sizeof left, row);
    char choices[128] = "";
    if (row->kind == KIND_CHOICE || row->kind == KIND_SET) {
        size_t used = 0;
        for (const char *c = row->choices; *c && used + 3 < sizeof choices; c++) {
            choices[used++] = *c == '|' ? ',' : *c;
            if (*c == '|')
                choices[used++] = ' ';
        }
        memcpy(choices + used, "; ", 3);
    }
    const char *mark = row->required >> command & 1 ? " (required)" : "";
    snprintf(text, sizeof text, "%s%s%s", choices, row->help, mark);
    fprintf(out, "%-*s", INDENT, left);
    if (width >= INDENT)
        fprintf(out, "\n%*s", INDENT, "");
    wrap(out, text, INDENT, INDENT, columns);
}

/* A command line, broken as a shell allows it. */
static void help_line(FILE *out, const char *line, unsigned columns)
{
    enum { INDENT = 4 };
    unsigned at = INDENT;
    fprintf(out, "%*s", INDENT, "");
    for (const char *word = line; *word;) {
        size_t length = example_unit(word);
        const char *next = word + length + (word[length] == ' ');
        size_t room = *next ? 2 : 0; /* of the backslash */
        if (at > INDENT && at + 1 + length + room > columns) {
            fprintf(out, " \\\n%*s", INDENT + 2, "");
            at = INDENT + 2;
        } else if (at > INDENT) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", (int)length, word);
        at += (unsigned)length;
        word = next;
    }
    fputc('\n', out);
}

static void help_examples(FILE *out, command_id command, unsigned columns)
{
    const char *title = "\nexamples:\n";
    for (const example_row *e = example_table; e->line; e++)
        if (e->command == command) {
            fprintf(out, "%s  ", title);
            wrap(out, e->text, 2, 2, columns);
            help_line(out, e->line, columns);
            title = "";
        }
}

static void help_exit_codes(FILE *out, command_id command, unsigned columns)
{
    fprintf(out, "\nexit codes:\n");
    for (const exit_row *e = exit_table; e->text; e++)
        if (e->commands >> command & 1) {
            fprintf(out, "  %-4d", e->code);
            wrap(out, e->text, 6, 6, columns);
        }
}

void help_command(FILE *out, command_id command, unsigned columns)
{
    const command_row *row = &command_table[command];
    fprintf(out, "usage: heloci %s", row->name);
    for (int i = 0; i < OPT_COUNT; i++)
        if (option_table[i].required >> command & 1)
            fprintf(out, " --%s %s", option_table[i].name, option_table[i].arg);
    fprintf(out, "%s%s [OPTIONS]\n\n", row->operand ? " " : "", row->operand ? row->operand : "");
    wrap(out, row->text, 0, 0, columns);
    fputc('\n', out);
    for (int i = 0; i < OPT_COUNT; i++)
        if (option_table[i].commands >> command & 1)
            help_option(out, command, &option_table[i], columns);
    help_examples(out, command, columns);
    help_exit_codes(out, command, columns);
}
