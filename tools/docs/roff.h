/* Text as man(7) wants it, readable by groff and mandoc. */
#ifndef HELOCI_DOCS_ROFF_H
#define HELOCI_DOCS_ROFF_H

#include <stdio.h>

/* text[0..length) as it is typed: every hyphen a minus, nothing taken for a request. */
void roff_typed(FILE *out, const char *text, size_t length);

/* A paragraph in lines of moderate length, ended by `end` unless it has a full stop, and a line
 * feed. Words that are options and what stands between backquotes become bold. */
void roff_prose(FILE *out, const char *text, const char *end);
/* A clause of the tables as a sentence: with a capital letter and a full stop. */
void roff_sentence(FILE *out, const char *clause);

#endif
