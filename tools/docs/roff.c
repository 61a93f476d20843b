/* See roff.h. */
#include "tools/docs/roff.h"

#include <string.h>

enum { LINE = 78 };

/* One character of UTF-8 at `at`; returns its bytes. What is no UTF-8 goes byte by byte. */
static size_t put_character(FILE *out, const char *at, size_t length, int typed)
{
    const unsigned char lead = (unsigned char)*at;
    if (lead < 0x80) {
        if (*at == '\\')
            fputs("\\e", out);
        else if (*at == '-' && typed)
            fputs("\\-", out);
        else if (typed && (*at == '\'' || *at == '`' || *at == '~' || *at == '^'))
            fprintf(out, "\\(%s",
                    *at == '\''  ? "aq"
                    : *at == '`' ? "ga"
                    : *at == '~' ? "ti"
                                 : "ha");
        else
            fputc(*at, out);
        return 1;
    }
    size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (bytes > length)
        bytes = 1;
    unsigned code = bytes == 1 ? lead : lead & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++)
        code = code << 6 | ((unsigned char)at[i] & 0x3fu);
    fprintf(out, "\\[u%04X]", code);
    return bytes;
}

void roff_typed(FILE *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length;)
        i += put_character(out, text + i, length - i, 1);
}

static void put_plain(FILE *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        /* a minus before a digit at the start of a word is a sign: -9 */
        const int sign = i == 0 && length > 1 && text[0] == '-';
        i += put_character(out, text + i, length - i, sign);
    }
}

static void put_bold(FILE *out, const char *text, size_t length)
{
    fputs("\\fB", out);
    roff_typed(out, text, length);
    fputs("\\fR", out);
}

/* Bytes of an option "--name" at the beginning of a word. */
static size_t option_length(const char *word, size_t length)
{
    size_t n = 2;
    if (length < 3 || strncmp(word, "--", 2) != 0)
        return 0;
    while (n < length && (word[n] == '-' || (word[n] >= '0' && word[n] <= '9') ||
                          (word[n] >= 'a' && word[n] <= 'z')))
        n++;
    return n;
}

/* A word; `*typed` tells whether a backquote is open. */
static void put_word(FILE *out, const char *word, size_t length, int *typed)
{
    while (length) {
        const char *quote = memchr(word, '`', length);
        size_t piece = quote ? (size_t)(quote - word) : length;
        size_t bold = *typed ? piece : option_length(word, piece);
        size_t lead = 0;
        if (!*typed && !bold && piece > 1 && word[0] == '(') { /* "(--bits" */
            lead = 1;
            bold = option_length(word + 1, piece - 1);
        }
        put_plain(out, word, lead);
        if (bold)
            put_bold(out, word + lead, bold);
        put_plain(out, word + lead + bold, piece - lead - bold);
        if (quote) {
            *typed = !*typed;
            piece++;
        }
        word += piece;
        length -= piece;
    }
}

void roff_prose(FILE *out, const char *text, const char *end)
{
    size_t total = strlen(text), at = 0;
    int typed = 0;
    for (const char *word = text; *word;) {
        size_t length = strcspn(word, " ");
        if (at > 0 && at + 1 + length > LINE) {
            fputc('\n', out);
            at = 0;
        } else if (at > 0) {
            fputc(' ', out);
            at++;
        }
        if (at == 0 && (*word == '.' || *word == '\''))
            fputs("\\&", out);
        put_word(out, word, length, &typed);
        at += length;
        word += length;
        while (*word == ' ')
            word++;
    }
    if (total && text[total - 1] != '.')
        fputs(end, out);
    fputc('\n', out);
}

void roff_sentence(FILE *out, const char *clause)
{
    char text[1024];
    snprintf(text, sizeof text, "%s", clause);
    const size_t first = strspn(text, "abcdefghijklmnopqrstuvwxyz-/");
    if (text[0] >= 'a' && text[0] <= 'z' && (!text[first] || strchr(" ,:;", text[first])))
        text[0] = (char)(text[0] - 'a' + 'A');
    roff_prose(out, text, ".");
}
