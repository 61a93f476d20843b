/* Phenotype and covariate tables. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/geno/id_map.h"
#include "host/geno/table.h"
#include "host/geno/text.h"

#define GENERATED_NAME_BYTES 16 /* "PHENO" and a u32 */

typedef enum column_kind {
    KIND_UNKNOWN = 0, /* every cell so far is missing */
    KIND_NUMBER = 1,
    KIND_WORD = 2
} column_kind;

typedef struct column_state {
    column_kind kind;
    uint32_t capacity; /* of column.level */
    hel_id_map levels;
} column_state;

typedef struct reader {
    hel_engine *engine;
    hel_text text;
    hel_table *table;
    uint32_t ids;        /* ID columns: 1 or 2 */
    uint32_t first_line; /* of data */
    uint32_t rows_max;
    column_state *state; /* per column */
    hel_id_map rows;
} reader;

/* --- header --- */

static int is_header(const char *token, const char *name)
{
    return strcmp(token + (token[0] == '#'), name) == 0;
}

static hel_status check_ids(reader *r)
{
    hel_text *t = &r->text;
    if (is_header(t->token[0], "FID")) {
        HEL_REQUIRE(r->engine, t->tokens >= 2 && strcmp(t->token[1], "IID") == 0, HEL_E_INPUT,
                    "%s: line %u: the second column of the header must be IID", t->path, t->line);
        r->ids = 2;
    } else {
        r->ids = 1;
    }
    HEL_REQUIRE(r->engine, t->tokens > r->ids, HEL_E_INPUT,
                "%s: line %u: no data columns after the IDs", t->path, t->line);
    HEL_REQUIRE(r->engine, strcmp(t->token[r->ids], "SID") != 0, HEL_E_INPUT,
                "%s: line %u: an SID column; samples are named by FID and IID only", t->path,
                t->line);
    return HEL_OK;
}

static hel_status names_from_header(reader *r)
{
    hel_text *t = &r->text;
    hel_id_map names = {0};
    hel_status status = HEL_OK;
    for (uint32_t c = 0; c < r->table->columns && status == HEL_OK; c++) {
        uint32_t before;
        r->table->column[c].name = t->token[r->ids + c];
        status = hel_id_map_put(r->engine, &names, "", r->table->column[c].name, c, &before);
        if (status == HEL_OK && before != HEL_ID_NONE)
            status =
                hel_fail(r->engine, HEL_E_INPUT, "%s: line %u: two columns have the name '%.60s'",
                         t->path, t->line, r->table->column[c].name);
    }
    hel_id_map_free(&names);
    return status;
}

static hel_status names_by_number(reader *r)
{
    hel_table *table = r->table;
    HEL_TRY(hel_malloc(r->engine, &table->names, table->columns, GENERATED_NAME_BYTES));
    for (uint32_t c = 0; c < table->columns; c++) {
        char *name = table->names + (size_t)c * GENERATED_NAME_BYTES;
        snprintf(name, GENERATED_NAME_BYTES, "PHENO%u", c + 1);
        table->column[c].name = name;
    }
    return HEL_OK;
}

/* Reads the header, if there is one; *pending = 1 when the current line is data already. */
static hel_status read_header(reader *r, int *pending)
{
    hel_text *t = &r->text;
    int more;
    double number;
    HEL_TRY(hel_text_first(r->engine, t, &more));
    HEL_REQUIRE(r->engine, more, HEL_E_INPUT, "%s: line %u: no header and no data", t->path,
                t->line);
    *pending = !is_header(t->token[0], "FID") && !is_header(t->token[0], "IID");
    if (*pending) {
        HEL_REQUIRE(r->engine,
                    t->tokens >= 3 && (hel_text_is_missing(t->token[2]) ||
                                       hel_text_number(t->token[2], &number) == HEL_NUMBER_OK),
                    HEL_E_INPUT,
                    "%s: line %u: neither a header (#FID IID ..., #IID ..., FID IID ... or IID "
                    "..., separated by tabs or spaces) nor a line of FID, IID and numbers",
                    t->path, t->line);
        r->ids = 2;
    } else {
        HEL_TRY(check_ids(r));
    }
    r->table->has_fid = r->ids == 2;
    r->table->columns = t->tokens - r->ids;
    r->first_line = t->line + !*pending;
    HEL_TRY(hel_calloc(r->engine, &r->table->column, r->table->columns, sizeof(hel_table_column)));
    HEL_TRY(hel_calloc(r->engine, &r->state, r->table->columns, sizeof *r->state));
    return *pending ? names_by_number(r) : names_from_header(r);
}

/* A row takes two bytes per column at least, which bounds the rows that a wide table can have
 * whatever its number of lines. */
static hel_status allocate_rows(reader *r, int pending)
{
    const hel_text *t = &r->text;
    uint64_t lines = (uint64_t)t->lines - t->line + (pending ? 1 : 0);
    uint64_t left = t->at < t->end ? t->end - t->at : 0;
    uint64_t fit = left / (2 * ((uint64_t)r->table->columns + r->ids)) + 2;
    r->rows_max = (uint32_t)(lines < fit ? lines : fit);
    HEL_REQUIRE(r->engine, r->rows_max > 0, HEL_E_INPUT, "%s: line %u: no data rows", t->path,
                t->line);
    HEL_TRY(hel_calloc(r->engine, &r->table->row, r->rows_max, sizeof(hel_sample)));
    for (uint32_t c = 0; c < r->table->columns; c++)
        HEL_TRY(hel_malloc(r->engine, &r->table->column[c].value, r->rows_max, sizeof(double)));
    return HEL_OK;
}

/* --- cells --- */

static hel_status level_of(reader *r, uint32_t c, const char *word, double *value)
{
    hel_table_column *column = &r->table->column[c];
    column_state *state = &r->state[c];
    uint32_t level;
    HEL_TRY(hel_id_map_put(r->engine, &state->levels, "", word, column->levels, &level));
    if (level == HEL_ID_NONE) {
        level = column->levels;
        if (level == state->capacity) {
            uint32_t capacity = level ? 2 * level : 8;
            const char **grown;
            HEL_TRY(hel_malloc(r->engine, &grown, capacity, sizeof *grown));
            if (level)
                memcpy(grown, column->level, level * sizeof *grown);
            hel_free(column->level);
            column->level = grown;
            state->capacity = capacity;
        }
        column->level[column->levels++] = word;
    }
    *value = level;
    return HEL_OK;
}

static hel_status bad_cell(reader *r, uint32_t c, const char *cell, const char *rule)
{
    return hel_fail(r->engine, HEL_E_INPUT, "%s: line %u: column '%.60s': '%.40s' %s", r->text.path,
                    r->text.line, r->table->column[c].name, cell, rule);
}

static hel_status read_cell(reader *r, uint32_t c, const char *cell, double *value)
{
    column_state *state = &r->state[c];
    *value = NAN;
    if (hel_text_is_missing(cell) || strcmp(cell, "NONE") == 0)
        return HEL_OK;
    hel_number number = hel_text_number(cell, value);
    if (number == HEL_NUMBER_BAD)
        return bad_cell(r, c, cell, "begins like a number and is none");
    if (number == HEL_NUMBER_HUGE)
        return bad_cell(r, c, cell, "is not a finite number");
    if (number == HEL_NUMBER_OK && *value == -9) {
        *value = NAN;
        return HEL_OK;
    }
    column_kind kind = number == HEL_NUMBER_OK ? KIND_NUMBER : KIND_WORD;
    if (state->kind != KIND_UNKNOWN && state->kind != kind)
        return bad_cell(r, c, cell,
                        kind == KIND_WORD ? "is a word among numbers (NA marks a missing value)"
                                          : "is a number among words");
    state->kind = kind;
    r->table->column[c].categorical = kind == KIND_WORD;
    return kind == KIND_WORD ? level_of(r, c, cell, value) : HEL_OK;
}

/* --- rows --- */

static hel_status read_row(reader *r)
{
    hel_text *t = &r->text;
    hel_table *table = r->table;
    uint32_t width = table->columns + r->ids, before;
    HEL_REQUIRE(r->engine, t->tokens == width, HEL_E_INPUT,
                "%s: line %u: %u columns, the first line has %u", t->path, t->line, t->tokens,
                width);
    HEL_REQUIRE(r->engine, table->rows < r->rows_max, HEL_E_INTERNAL, "%s: row count", t->path);
    hel_sample *row = &table->row[table->rows];
    *row = (hel_sample){
        .fid = r->ids == 2 ? t->token[0] : "0", .iid = t->token[r->ids - 1], .phenotype = NAN};
    HEL_TRY(hel_id_map_put(r->engine, &r->rows, row->fid, row->iid, table->rows, &before));
    HEL_REQUIRE(r->engine, before == HEL_ID_NONE, HEL_E_INPUT,
                "%s: line %u: sample '%.60s %.60s' stands in line %u already", t->path, t->line,
                row->fid, row->iid, r->first_line + before);
    for (uint32_t c = 0; c < table->columns; c++)
        HEL_TRY(read_cell(r, c, t->token[r->ids + c], &table->column[c].value[table->rows]));
    table->rows++;
    return HEL_OK;
}

static hel_status read_table(reader *r)
{
    int pending, more = 1;
    HEL_TRY(read_header(r, &pending));
    HEL_TRY(allocate_rows(r, pending));
    if (!pending)
        HEL_TRY(hel_text_next(r->engine, &r->text, &more));
    while (more) {
        HEL_TRY(read_row(r));
        HEL_TRY(hel_text_next(r->engine, &r->text, &more));
    }
    return HEL_OK;
}

hel_status hel_table_read(hel_engine *engine, const char *path, hel_table *out)
{
    reader r = {.engine = engine, .table = out};
    *out = (hel_table){0};
    hel_status status = hel_text_open(engine, &r.text, path);
    if (status == HEL_OK)
        status = hel_malloc(engine, &out->path, strlen(path) + 1, 1);
    if (status == HEL_OK) {
        strcpy(out->path, path);
        status = read_table(&r);
    }
    if (status == HEL_OK)
        out->text = hel_text_detach(&r.text);
    for (uint32_t c = 0; r.state && c < out->columns; c++)
        hel_id_map_free(&r.state[c].levels);
    hel_free(r.state);
    hel_id_map_free(&r.rows);
    hel_text_close(&r.text);
    if (status != HEL_OK)
        hel_table_free(out);
    return status;
}

void hel_table_free(hel_table *t)
{
    for (uint32_t c = 0; t->column && c < t->columns; c++) {
        hel_free(t->column[c].value);
        hel_free(t->column[c].level);
    }
    hel_free(t->column);
    hel_free(t->row);
    hel_free(t->path);
    hel_free(t->text);
    hel_free(t->names);
    *t = (hel_table){0};
}

hel_status hel_table_find(hel_engine *engine, const hel_table *t, const char *name, uint32_t *index)
{
    for (uint32_t c = 0; c < t->columns; c++)
        if (strcmp(t->column[c].name, name) == 0) {
            *index = c;
            return HEL_OK;
        }
    char list[400];
    size_t used = 0;
    uint32_t c = 0;
    for (; c < t->columns && used + strlen(t->column[c].name) + 32 < sizeof list; c++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", c ? ", " : "",
                                 t->column[c].name);
    if (c < t->columns)
        snprintf(list + used, sizeof list - used, "%s%u more", c ? ", and " : "", t->columns - c);
    return hel_fail(engine, HEL_E_INPUT, "%s: no column '%.100s'; its columns are: %s", t->path,
                    name, list);
}
