/*
 * heloci-docs: manual pages and completion, written from the tables of tools/heloci/. A part of the
 * build, not installed. What a page says about a command or option stands in those tables alone.
 */
#ifndef HELOCI_DOCS_H
#define HELOCI_DOCS_H

#include <stdio.h>

#include "tools/heloci/doc_table.h"

static inline int docs_takes(command_id command, int option)
{
    return (int)(option_table[option].commands >> command & 1);
}

/* Whether the command's operand may be repeated: it is written "FILE...". */
int docs_many_operands(command_id command);
/* The operand's row, any file where the table says nothing. */
operand_row docs_operand(command_id command);

/* The words of a list between '|' with `between` in between; nothing for NULL. */
void docs_list(FILE *out, const char *choices, const char *between);

/* Length of the first clause of a help text, which is what lists of candidates show. */
size_t docs_clause(const char *help);

/* Manual pages; errors show in ferror(out). */
void docs_page_overview(FILE *out, const char *version, const char *date);
void docs_page_command(FILE *out, command_id command, const char *version, const char *date);
void docs_page_container(FILE *out, const char *version, const char *date);

/* What stands for @mark@ in complete.bash.in and its like. Returns 0 for an unknown mark. */
int docs_bash(FILE *out, const char *mark);
int docs_zsh(FILE *out, const char *mark);
int docs_fish(FILE *out, const char *mark);

#endif
