/*
 * What help texts, manual pages and completion say beyond commands and options: one row each, in
 * doc_table.c. All tables but operand_table end with an empty row.
 */
#ifndef HELOCI_TOOL_DOC_TABLE_H
#define HELOCI_TOOL_DOC_TABLE_H

#include "tools/heloci/options.h"

/* A word in a command's place. */
typedef struct word_row {
    const char *name;
    const char *operand; /* NULL or what may follow */
    const char *text;
} word_row;

/* The operand of a command as an option's value; a command without a row takes any file. */
typedef struct operand_row {
    option_kind kind;
    const char *choices;
} operand_row;

typedef struct example_row {
    command_id command;
    const char *text; /* what it is for */
    const char *line; /* words between single spaces; parses as it stands */
} example_row;

/* Commands are given as bits 1 << command_id in what follows. */
typedef struct exit_row {
    int code;
    uint32_t commands;
    const char *text;
} exit_row;

typedef struct variable_row {
    const char *name;
    uint32_t commands;
    const char *text;
} variable_row;

typedef struct file_row {
    const char *name;  /* with PREFIX for what --out says; NULL where no command writes it */
    uint32_t commands; /* who writes it */
    unsigned kind;     /* of a container, else 0 */
    const char *what;  /* the kind's name in the text of the format, else NULL */
    int owner_only;
    const char *text;
} file_row;

extern const word_row word_table[];
extern const operand_row operand_table[CMD_COUNT];
extern const example_row example_table[];
extern const exit_row exit_table[];
extern const variable_row variable_table[];
extern const file_row file_table[];

/* Length of the next piece of an example's line that is not broken: a word, or an option with its
 * value. */
size_t example_unit(const char *line);

/* Paragraphs, NULL at the end: of heloci(1), and of heloci-container(5) before and after its list
 * of kinds. `...` marks what is typed. */
extern const char *const overview_text[];
extern const char *const container_text[];
extern const char *const container_more[];

#endif
