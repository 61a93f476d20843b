/* Rows of a finished table that carry no result, counted by reason. */
#ifndef HELOCI_TOOL_UNTESTED_H
#define HELOCI_TOOL_UNTESTED_H

#include <stdint.h>

enum { UNTESTED_REASONS = 16 };

typedef struct untested {
    uint64_t rows, without;
    unsigned reasons;
    struct {
        char code[32];
        uint64_t rows;
    } reason[UNTESTED_REASONS];
} untested;

/* Counts the codes in the column `column` ("ERRCODE", "EXTRA"); "." and "NA" mean a result.
 * Non-zero when the file cannot be read or has no such column. */
int untested_read(untested *out, const char *path, const char *column);

#endif
