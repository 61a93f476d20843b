/* Quotes for shells. */
#include "tools/heloci/shell_word.h"

#include <string.h>

int shell_plain(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./,:=+@%";
    return text[0] && !text[strspn(text, plain)];
}

void shell_word(FILE *out, const char *text)
{
    if (shell_plain(text)) {
        fputs(text, out);
        return;
    }
    fputc('\'', out);
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    fputc('\'', out);
}
