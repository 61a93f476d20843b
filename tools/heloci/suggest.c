/* Slips of the hand. */
#include "tools/heloci/suggest.h"

#include <string.h>

/* Edit distance with transpositions, both words below SUGGEST_NEVER characters. */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n >= SUGGEST_NEVER || m >= SUGGEST_NEVER)
        return SUGGEST_NEVER;
    unsigned rows[3][SUGGEST_NEVER + 1];
    unsigned *older = rows[0], *old = rows[1], *now = rows[2];
    for (size_t j = 0; j <= m; j++)
        old[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned best = old[j - 1] + (a[i - 1] != b[j - 1]);
            if (old[j] + 1 < best)
                best = old[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                older[j - 2] + 1 < best)
                best = older[j - 2] + 1;
            now[j] = best;
        }
        unsigned *spare = older;
        older = old;
        old = now;
        now = spare;
    }
    return old[m];
}

unsigned suggest_slip(const char *typed, const char *name)
{
    size_t length = strlen(typed);
    if (length >= 3 && strncmp(typed, name, length) == 0)
        return 1;
    unsigned d = distance(typed, name);
    return d <= 1 + length / 4 && d < strlen(name) ? d : SUGGEST_NEVER;
}
