/* See bench_table.h. */
#include "tools/heloci/bench_table.h"

#include <stdarg.h>
#include <string.h>

void bench_table_begin(bench_table *t, const char *title, const char *head)
{
    memset(t, 0, sizeof *t);
    t->title = title;
    bench_table_row(t);
    while (*head && t->columns < TABLE_COLUMNS) {
        const size_t length = strcspn(head, "|");
        snprintf(t->cell[0][t->columns++], TABLE_CELL, "%.*s", (int)length, head);
        head += length + (head[length] == '|');
    }
}

void bench_table_row(bench_table *t)
{
    if (t->rows < TABLE_ROWS)
        t->rows++;
}

void bench_table_cell(bench_table *t, const char *format, ...)
{
    va_list args;
    unsigned column = 0;
    char(*row)[TABLE_CELL] = t->cell[t->rows - 1];
    while (column < t->columns && row[column][0])
        column++;
    if (column == t->columns)
        return;
    va_start(args, format);
    vsnprintf(row[column], TABLE_CELL, format, args);
    va_end(args);
    if (!row[column][0])
        snprintf(row[column], TABLE_CELL, " ");
}

/* Characters, not bytes. */
static unsigned width_of(const char *text)
{
    unsigned width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void pad(FILE *f, unsigned count)
{
    for (; count > 0; count--)
        fputc(' ', f);
}

static void end_text(const bench_table *t, FILE *f)
{
    unsigned width[TABLE_COLUMNS] = {0};
    for (unsigned r = 0; r < t->rows; r++)
        for (unsigned c = 0; c < t->columns; c++) {
            const unsigned w = width_of(t->cell[r][c]);
            width[c] = w > width[c] ? w : width[c];
        }
    fprintf(f, "\n%s\n", t->title);
    for (unsigned r = 0; r < t->rows; r++) {
        for (unsigned c = 0; c < t->columns; c++) {
            const unsigned gap = width[c] - width_of(t->cell[r][c]);
            fputs("  ", f);
            if (c > 0)
                pad(f, gap);
            fputs(t->cell[r][c], f);
            if (c == 0 && t->columns > 1)
                pad(f, gap);
        }
        fputc('\n', f);
    }
}

static void end_markdown(const bench_table *t, FILE *f)
{
    fprintf(f, "\n**%s**\n\n", t->title);
    for (unsigned r = 0; r < t->rows; r++) {
        for (unsigned c = 0; c < t->columns; c++)
            fprintf(f, "| %s ", t->cell[r][c]);
        fputs("|\n", f);
        for (unsigned c = 0; r == 0 && c < t->columns; c++)
            fputs(c == 0 ? "|---|" : "---:|", f);
        if (r == 0)
            fputc('\n', f);
    }
}

void bench_table_end(const bench_table *t, FILE *text, FILE *markdown)
{
    if (text)
        end_text(t, text);
    if (markdown)
        end_markdown(t, markdown);
}
