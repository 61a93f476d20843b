/* The manual pages. */
#include <string.h>

#include "tools/docs/docs.h"
#include "tools/docs/roff.h"

static void begin(FILE *out, const char *name, char section, const char *summary,
                  const char *version, const char *date)
{
    fputs(".\\\" Written by heloci-docs from the tables of tools/heloci.\n.TH \"", out);
    for (const char *c = name; *c; c++)
        if (*c == '-')
            fputs("\\-", out);
        else
            fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
    fprintf(out, "\" \"%c\" \"%s\" \"heloci %s\" \"heloci manual\"\n", section, date, version);
    fputs(".nh\n.ad l\n.SH NAME\n", out);
    roff_typed(out, name, strlen(name));
    fputs(" \\- ", out);
    roff_prose(out, summary, "");
}

static void bold(FILE *out, const char *text)
{
    fputs("\\fB", out);
    roff_typed(out, text, strlen(text));
    fputs("\\fR", out);
}

/* What is to be replaced is slanted: letters and digits; brackets and dots stay. */
static void argument(FILE *out, const char *text)
{
    while (*text) {
        size_t other = strspn(text, "[].");
        roff_typed(out, text, other);
        text += other;
        size_t length = strcspn(text, "[].");
        if (length) {
            fputs("\\fI", out);
            roff_typed(out, text, length);
            fputs("\\fR", out);
        }
        text += length;
    }
}

static void option_head(FILE *out, const option_row *row, const char *between)
{
    char name[64];
    snprintf(name, sizeof name, "--%s", row->name);
    bold(out, name);
    if (row->arg) {
        fputs(between, out);
        argument(out, row->arg);
    }
}

static void see(FILE *out, const char *name, char section, const char *after)
{
    fputs(".BR ", out);
    roff_typed(out, name, strlen(name));
    fprintf(out, " (%c)%s\n", section, after);
}

static void paragraphs(FILE *out, const char *const *text)
{
    for (int i = 0; text[i]; i++) {
        if (i)
            fputs(".PP\n", out);
        roff_prose(out, text[i], ".");
    }
}

static void option_item(FILE *out, command_id command, const option_row *row)
{
    char domain[256], text[512];
    fputs(".TP\n", out);
    option_head(out, row, " ");
    fputc('\n', out);
    roff_sentence(out, row->help);
    option_domain(domain, sizeof domain, row);
    if (domain[0]) {
        snprintf(text, sizeof text, "%s is %s", row->arg, domain);
        roff_prose(out, text, ".");
    }
    if (row->required >> command & 1)
        fputs("Required.\n", out);
}

static void exit_status(FILE *out, uint32_t commands)
{
    fputs(".SH EXIT STATUS\n", out);
    for (const exit_row *e = exit_table; e->text; e++)
        if (e->commands & commands) {
            fprintf(out, ".TP\n.B %d\n", e->code);
            roff_sentence(out, e->text);
        }
}

static void environment(FILE *out, uint32_t commands)
{
    const char *title = ".SH ENVIRONMENT\n";
    for (const variable_row *v = variable_table; v->name; v++)
        if (v->commands & commands) {
            fprintf(out, "%s.TP\n.B ", title);
            roff_typed(out, v->name, strlen(v->name));
            fputc('\n', out);
            roff_sentence(out, v->text);
            title = "";
        }
}

/* "PREFIX.evk, *.part": the word PREFIX is to be replaced, the rest is typed. */
static void file_name(FILE *out, const char *name)
{
    static const char *const words[] = {"PREFIX", "TRAIT"};
    while (*name) {
        size_t word = 0;
        for (int i = 0; i < 2; i++)
            if (strncmp(name, words[i], strlen(words[i])) == 0)
                word = strlen(words[i]);
        fputs(word ? "\\fI" : "\\fB", out);
        roff_typed(out, name, word ? word : 1);
        fputs("\\fR", out);
        name += word ? word : 1;
    }
}

static void files(FILE *out, uint32_t commands)
{
    const char *title = ".SH FILES\n";
    for (const file_row *f = file_table; f->text; f++)
        if (f->commands & commands) {
            fprintf(out, "%s.TP\n", title);
            file_name(out, f->name);
            fputc('\n', out);
            roff_sentence(out, f->text);
            if (f->owner_only)
                fputs("For the owner only.\n", out);
            title = "";
        }
}

/* A command line, broken as a shell allows it. */
static void example_line(FILE *out, const char *line)
{
    enum { WIDTH = 68 };
    size_t at = 0;
    fputs(".PP\n.RS 4\n.EX\n", out);
    while (*line) {
        size_t length = example_unit(line);
        if (at > 0 && at + 1 + length > WIDTH) {
            fputs(" \\e\n  ", out);
            at = 2;
        } else if (at > 0) {
            fputc(' ', out);
            at++;
        }
        roff_typed(out, line, length);
        at += length;
        line += length + (line[length] == ' ');
    }
    fputs("\n.EE\n.RE\n", out);
}

/* All of one command, or the first of every command. */
static void examples(FILE *out, const command_id *only)
{
    const char *title = ".SH EXAMPLES\n";
    const char *paragraph = "";
    uint32_t shown = 0;
    for (const example_row *e = example_table; e->line; e++)
        if (only ? e->command == *only : !(shown >> e->command & 1)) {
            shown |= 1u << e->command;
            fprintf(out, "%s%s", title, paragraph);
            roff_prose(out, e->text, ":");
            example_line(out, e->line);
            title = "";
            paragraph = ".PP\n";
        }
}

void docs_page_overview(FILE *out, const char *version, const char *date)
{
    const uint32_t every = (1u << CMD_COUNT) - 1;
    char name[64];
    begin(out, "heloci", '1', "genome-wide association scans on encrypted genotypes", version,
          date);
    fputs(".SH SYNOPSIS\n.B heloci\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n", out);
    for (const word_row *w = word_table; w->name; w++) {
        fputs(".br\n.B heloci\n", out);
        bold(out, w->name);
        if (w->operand) {
            fputc(' ', out);
            argument(out, w->operand);
        }
        fputc('\n', out);
    }
    fputs(".SH DESCRIPTION\n", out);
    paragraphs(out, overview_text);
    fputs(".SH COMMANDS\n", out);
    for (int c = 0; c < CMD_COUNT; c++) {
        snprintf(name, sizeof name, "heloci-%s", command_table[c].name);
        fputs(".TP\n", out);
        see(out, name, '1', "");
        roff_sentence(out, command_table[c].summary);
    }
    for (const word_row *w = word_table; w->name; w++) {
        fputs(".TP\n", out);
        bold(out, w->name);
        if (w->operand) {
            fputc(' ', out);
            argument(out, w->operand);
        }
        fputc('\n', out);
        roff_sentence(out, w->text);
    }
    files(out, every);
    environment(out, every);
    exit_status(out, every);
    examples(out, NULL);
    fputs(".SH SEE ALSO\n", out);
    for (int c = 0; c < CMD_COUNT; c++) {
        snprintf(name, sizeof name, "heloci-%s", command_table[c].name);
        see(out, name, '1', ",");
    }
    see(out, "heloci-container", '5', "");
}

void docs_page_command(FILE *out, command_id command, const char *version, const char *date)
{
    const command_row *row = &command_table[command];
    char name[64];
    snprintf(name, sizeof name, "heloci-%s", row->name);
    begin(out, name, '1', row->summary, version, date);
    fputs(".SH SYNOPSIS\n.B heloci ", out);
    roff_typed(out, row->name, strlen(row->name));
    fputc('\n', out);
    for (int i = 0; i < OPT_COUNT; i++)
        if (option_table[i].required >> command & 1) {
            option_head(out, &option_table[i], "\\ ");
            fputc('\n', out);
        }
    fputs("[\\fIOPTIONS\\fR]\n", out);
    if (row->operand) {
        argument(out, row->operand);
        fputc('\n', out);
    }
    fputs(".SH DESCRIPTION\n", out);
    roff_prose(out, row->text, ".");
    fputs(".SH OPTIONS\n", out);
    for (int i = 0; i < OPT_COUNT; i++)
        if (docs_takes(command, i))
            option_item(out, command, &option_table[i]);
    files(out, 1u << command);
    environment(out, 1u << command);
    exit_status(out, 1u << command);
    examples(out, &command);
    fputs(".SH SEE ALSO\n", out);
    see(out, "heloci", '1', ",");
    see(out, "heloci-container", '5', "");
}

static void kind_item(FILE *out, const file_row *f)
{
    fprintf(out, ".TP\n.B %s\nKind %u, %s.\n", f->what, f->kind,
            f->owner_only ? "for the owner only" : "public");
    roff_sentence(out, f->text);
    if (f->name) {
        fputs("Written as\n", out);
        file_name(out, f->name);
        fputs(" by\n", out);
        for (int c = 0; c < CMD_COUNT; c++)
            if (f->commands >> c & 1) {
                char name[64];
                snprintf(name, sizeof name, "heloci-%s", command_table[c].name);
                see(out, name, '1', f->commands >> c > 1 ? "," : ".");
            }
    }
}

void docs_page_container(FILE *out, const char *version, const char *date)
{
    begin(out, "heloci-container", '5', "the file format of heloci", version, date);
    fputs(".SH DESCRIPTION\n", out);
    paragraphs(out, container_text);
    fputs(".SH KINDS\n", out);
    /* by number */
    for (unsigned kind = 1; kind < 256; kind++)
        for (const file_row *f = file_table; f->text; f++)
            if (f->kind == kind)
                kind_item(out, f);
    fputs(".SH NOTES\n", out);
    paragraphs(out, container_more);
    fputs(".SH SEE ALSO\n", out);
    see(out, "heloci", '1', ",");
    see(out, "heloci-inspect", '1', ",");
    see(out, "heloci-verify", '1', "");
}
