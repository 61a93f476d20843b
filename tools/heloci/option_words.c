/* Words that help, error messages and manual pages share. */
#include <string.h>

#include "tools/heloci/doc_table.h"
#include "tools/heloci/options.h"

static void list_choices(char *out, size_t bytes, const char *lead, const char *choices)
{
    snprintf(out, bytes, "%s", lead);
    size_t used = strlen(out);
    for (const char *c = choices; *c && used + 3 < bytes; c++) {
        out[used++] = *c == '|' ? ',' : *c;
        if (*c == '|')
            out[used++] = ' ';
    }
    out[used] = 0;
}

void option_domain(char *out, size_t bytes, const option_row *row)
{
    out[0] = 0;
    switch (row->kind) {
    case KIND_COUNT:
        snprintf(out, bytes, "a whole number from %.0f to %.0f", row->low, row->high);
        break;
    case KIND_REAL:
        snprintf(out, bytes, "a number from %g to %g", row->low, row->high);
        break;
    case KIND_MEMORY:
        snprintf(out, bytes, "an amount of memory of at least 1 MiB, such as 2048, 512M or 2G");
        break;
    case KIND_CHOICE:
        list_choices(out, bytes, "one of ", row->choices);
        break;
    case KIND_SET:
        list_choices(out, bytes, "a list of ", row->choices);
        break;
    case KIND_NUMBERS:
        snprintf(out, bytes,
                 "a whole number from %.0f to %.0f, several with commas between, or all", row->low,
                 row->high);
        break;
    default:
        break;
    }
}

size_t example_unit(const char *line)
{
    size_t length = strcspn(line, " ");
    const char *next = line + length + 1;
    if (strncmp(line, "--", 2) == 0 && line[length] && strncmp(next, "--", 2) != 0)
        length += 1 + strcspn(next, " ");
    return length;
}
