/* Small tables, aligned as text or as Markdown. */
#ifndef HELOCI_TOOL_BENCH_TABLE_H
#define HELOCI_TOOL_BENCH_TABLE_H

#include "heloci/status.h"

#include <stdio.h>

enum { TABLE_ROWS = 64, TABLE_COLUMNS = 10, TABLE_CELL = 96 };

typedef struct bench_table {
    const char *title;
    unsigned columns, rows; /* the first row is the head */
    char cell[TABLE_ROWS][TABLE_COLUMNS][TABLE_CELL];
} bench_table;

/* `head`: names of columns, separated by '|'. */
void bench_table_begin(bench_table *t, const char *title, const char *head);
/* Begins a row; rows beyond the last are dropped. */
void bench_table_row(bench_table *t);
/* The next cell of the latest row. */
void bench_table_cell(bench_table *t, const char *format, ...) HEL_PRINTF(2, 3);
/* Either file may be NULL. The first column is left-aligned, the others right. */
void bench_table_end(const bench_table *t, FILE *text, FILE *markdown);

#endif
