/*
 * Lines and tokens of the text files of a study (.fam, .bim, tables, lists). A file is held whole
 * and cut in place: tokens point into it, and its memory can be handed to whoever keeps them.
 *
 * Accepted silently: LF or CRLF line ends, a UTF-8 byte order mark, a missing last line end, blank
 * lines after the last line of data. Refused: empty files, NUL bytes, lone CR, blank lines between
 * data, lines above 1 MiB. Separators are spaces and tabs; runs count once.
 */
#ifndef HEL_GENO_TEXT_H
#define HEL_GENO_TEXT_H

#include "host/base/error.h"

typedef struct hel_text {
    const char *path; /* borrowed */
    char *data;       /* owned */
    size_t at, end;
    uint32_t line;  /* number of the current line, from 1 */
    uint32_t lines; /* lines of the file without the blank ones at its end */
    char **token;   /* of the current line */
    uint32_t tokens, capacity;
} hel_text;

hel_status hel_text_open(hel_engine *engine, hel_text *text, const char *path);
/* The next line's tokens; *more = 0 after the last line. */
hel_status hel_text_next(hel_engine *engine, hel_text *text, int *more);
/* As hel_text_next, but passes over lines of leading comments: those that begin with '#' and are
 * not a "#FID" or "#IID" header. */
hel_status hel_text_first(hel_engine *engine, hel_text *text, int *more);
/* Gives the memory that tokens point into to the caller, who frees it with hel_free. */
char *hel_text_detach(hel_text *text);
void hel_text_close(hel_text *text); /* safe on a zeroed struct */

typedef enum hel_number {
    HEL_NUMBER_OK = 0,
    HEL_NUMBER_WORD = 1, /* does not begin like a number: a category or a missing mark */
    HEL_NUMBER_BAD = 2,  /* begins like a number and is none: 1,5 or 0x10 or 3rd */
    HEL_NUMBER_HUGE = 3  /* beyond the range of a double, or an infinity in words */
} hel_number;

/* A decimal number, in any locale, rounded correctly; *out is NaN unless HEL_NUMBER_OK. */
hel_number hel_text_number(const char *token, double *out);
/* NA, nan, N/A or . in any case. */
int hel_text_is_missing(const char *token);

/* A comma-separated list of names cut in place. Empty and repeated names are HEL_E_USAGE, with
 * `what` ("phenotype") in the text. names[i] point into *copy; free both with hel_free. */
hel_status hel_text_names(hel_engine *engine, const char *list, const char *what, char **copy,
                          const char ***names, uint32_t *count);

#endif
