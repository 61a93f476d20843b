/* Counts reasons in one pass; only the cell looked for is compared. */
#include "tools/heloci/untested.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The cell number `index`, ended by a blank or the line's end; NULL = the line is shorter. */
static char *cell(char *line, int index)
{
    for (; index > 0 && line; index--)
        if ((line = strpbrk(line, "\t ")))
            line++;
    if (line)
        line[strcspn(line, "\t \r\n")] = 0;
    return line;
}

static int find_column(char *header, const char *column)
{
    char *rest = NULL;
    int index = 0;
    for (char *word = strtok_r(header, "\t \r\n", &rest); word;
         word = strtok_r(NULL, "\t \r\n", &rest), index++)
        if (strcmp(word, column) == 0)
            return index;
    return -1;
}

static void count(untested *out, const char *code)
{
    unsigned i = 0;
    out->rows++;
    if (strcmp(code, ".") == 0 || strcmp(code, "NA") == 0)
        return;
    out->without++;
    while (i < out->reasons && strcmp(out->reason[i].code, code) != 0)
        i++;
    if (i == UNTESTED_REASONS)
        return;
    if (i == out->reasons) {
        out->reasons++;
        snprintf(out->reason[i].code, sizeof out->reason[i].code, "%s", code);
    }
    out->reason[i].rows++;
}

int untested_read(untested *out, const char *path, const char *column)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    int index = -1, header = 0;
    memset(out, 0, sizeof *out);
    if (!file)
        return -1;
    while (getline(&line, &room, file) > 0) {
        if (line[0] == '#' && line[1] == '#')
            continue;
        if (!header) {
            header = 1;
            if ((index = find_column(line, column)) < 0)
                break;
            continue;
        }
        const char *code = cell(line, index);
        if (code)
            count(out, code);
    }
    int failed = ferror(file) || index < 0;
    free(line);
    fclose(file);
    return failed ? -1 : 0;
}
