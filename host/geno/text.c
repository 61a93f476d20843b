/* Lines, tokens and numbers of text inputs. */
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/base/file.h"
#include "host/base/mem.h"
#include "host/geno/text.h"

#define FILE_BYTES_MAX ((uint64_t)1 << 36)
#define LINE_BYTES_MAX ((size_t)1 << 20)

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static uint64_t count_lines(const char *data, size_t bytes)
{
    uint64_t lines = 1;
    const char *end = data + bytes;
    for (const char *p = data; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        lines++;
    return lines;
}

hel_status hel_text_open(hel_engine *engine, hel_text *text, const char *path)
{
    uint64_t bytes;
    *text = (hel_text){.path = path};
    HEL_TRY(hel_file_read(engine, path, FILE_BYTES_MAX, (uint8_t **)&text->data, &bytes));
    text->end = (size_t)bytes;
    if (bytes >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0)
        text->at = 3;
    hel_status status = HEL_OK;
    const char *nul = memchr(text->data, 0, text->end);
    if (nul)
        status =
            hel_fail(engine, HEL_E_INPUT,
                     "%s: line %llu: a NUL byte; the file must be plain text (not compressed, "
                     "not UTF-16)",
                     path, (unsigned long long)count_lines(text->data, (size_t)(nul - text->data)));
    while (text->end > text->at && is_blank(text->data[text->end - 1]))
        text->end--;
    if (status == HEL_OK && text->end == text->at)
        status = hel_fail(engine, HEL_E_INPUT, "%s: line 1: the file is empty", path);
    if (status == HEL_OK) {
        uint64_t lines = count_lines(text->data + text->at, text->end - text->at);
        if (lines >= UINT32_MAX)
            status = hel_fail(engine, HEL_E_INPUT, "%s: more than %u lines", path, UINT32_MAX - 1);
        text->lines = (uint32_t)lines;
    }
    if (status != HEL_OK)
        hel_text_close(text);
    else
        text->data[text->end] = 0; /* hel_file_read leaves room for it */
    return status;
}

static hel_status add_token(hel_engine *engine, hel_text *text, char *token)
{
    if (text->tokens == text->capacity) {
        uint32_t capacity = text->capacity ? 2 * text->capacity : 16;
        char **grown;
        HEL_TRY(hel_malloc(engine, &grown, capacity, sizeof *grown));
        if (text->tokens)
            memcpy(grown, text->token, text->tokens * sizeof *grown);
        hel_free(text->token);
        text->token = grown;
        text->capacity = capacity;
    }
    text->token[text->tokens++] = token;
    return HEL_OK;
}

hel_status hel_text_next(hel_engine *engine, hel_text *text, int *more)
{
    text->tokens = 0;
    *more = text->at < text->end;
    if (!*more)
        return HEL_OK;
    text->line++;
    char *start = text->data + text->at;
    char *stop = memchr(start, '\n', text->end - text->at);
    if (!stop)
        stop = text->data + text->end;
    text->at = (size_t)(stop - text->data) + 1;
    HEL_REQUIRE(engine, (size_t)(stop - start) <= LINE_BYTES_MAX, HEL_E_INPUT,
                "%s: line %u: longer than 1 MiB", text->path, text->line);
    if (stop > start && stop[-1] == '\r')
        stop--;
    HEL_REQUIRE(engine, !memchr(start, '\r', (size_t)(stop - start)), HEL_E_INPUT,
                "%s: line %u: a carriage return inside the line; lines must end with LF or CRLF",
                text->path, text->line);
    *stop = 0;
    for (char *p = start;;) {
        p += strspn(p, " \t");
        if (!*p)
            break;
        HEL_TRY(add_token(engine, text, p));
        p += strcspn(p, " \t");
        if (*p)
            *p++ = 0;
    }
    HEL_REQUIRE(engine, text->tokens > 0, HEL_E_INPUT,
                "%s: line %u: a blank line between lines of data", text->path, text->line);
    return HEL_OK;
}

hel_status hel_text_first(hel_engine *engine, hel_text *text, int *more)
{
    do
        HEL_TRY(hel_text_next(engine, text, more));
    while (*more && text->token[0][0] == '#' && strcmp(text->token[0], "#FID") != 0 &&
           strcmp(text->token[0], "#IID") != 0);
    return HEL_OK;
}

char *hel_text_detach(hel_text *text)
{
    char *data = text->data;
    text->data = NULL;
    text->at = text->end = 0;
    return data;
}

void hel_text_close(hel_text *text)
{
    hel_free(text->data);
    hel_free(text->token);
    *text = (hel_text){0};
}

/* --- numbers --- */

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *digits(const char *p, uint64_t *mantissa, int *significant)
{
    for (; is_digit(*p); p++) {
        if (*significant < 19) /* 19 digits fit u64; the exact path takes no more */
            *mantissa = *mantissa * 10 + (uint64_t)(*p - '0');
        if (*mantissa)
            ++*significant;
    }
    return p;
}

/* mantissa x 10^exponent in one correctly rounded operation, both factors being exact. */
static int exact(uint64_t mantissa, int significant, long exponent, double *out)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (significant > 19 || mantissa > (uint64_t)1 << 53 || exponent < -22 || exponent > 22)
        return 0;
    *out = exponent < 0 ? (double)mantissa / power[-exponent] : (double)mantissa * power[exponent];
    return 1;
}

hel_number hel_text_number(const char *token, double *out)
{
    const char *p = token + (*token == '-' || *token == '+');
    *out = NAN;
    if (strncasecmp(p, "inf", 3) == 0 && (!p[3] || strcasecmp(p + 3, "inity") == 0))
        return HEL_NUMBER_HUGE;
    if (!is_digit(*p) && !(*p == '.' && is_digit(p[1])))
        return HEL_NUMBER_WORD;
    uint64_t mantissa = 0;
    int significant = 0;
    long exponent = 0;
    p = digits(p, &mantissa, &significant);
    if (*p == '.') {
        const char *point = ++p;
        p = digits(p, &mantissa, &significant);
        exponent = (long)(point - p);
    }
    if (*p == 'e' || *p == 'E') {
        const char *sign = ++p;
        p += *p == '-' || *p == '+';
        if (!is_digit(*p))
            return HEL_NUMBER_BAD;
        long power = 0;
        for (; is_digit(*p); p++)
            power = power < 100000 ? power * 10 + (*p - '0') : power;
        exponent += *sign == '-' ? -power : power;
    }
    if (*p)
        return HEL_NUMBER_BAD;
    double value;
    if (exact(mantissa, significant, exponent, &value)) {
        value = *token == '-' ? -value : value;
    } else {
        locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        value = c ? strtod_l(token, NULL, c) : strtod(token, NULL);
        if (c)
            freelocale(c);
        if (isinf(value))
            return HEL_NUMBER_HUGE;
    }
    *out = value;
    return HEL_NUMBER_OK;
}

int hel_text_is_missing(const char *token)
{
    return strcmp(token, ".") == 0 || strcasecmp(token, "na") == 0 ||
           strcasecmp(token, "nan") == 0 || strcasecmp(token, "n/a") == 0;
}

hel_status hel_text_names(hel_engine *engine, const char *list, const char *what, char **copy,
                          const char ***names, uint32_t *count)
{
    size_t bytes = strlen(list) + 1;
    *copy = NULL;
    *names = NULL;
    *count = 0;
    hel_status status = hel_malloc(engine, copy, bytes, 1);
    if (status == HEL_OK)
        status = hel_malloc(engine, names, bytes, sizeof **names);
    if (status != HEL_OK)
        goto fail;
    memcpy(*copy, list, bytes);
    for (char *p = *copy; p;) {
        char *comma = strchr(p, ',');
        if (comma)
            *comma++ = 0;
        if (!*p) {
            status = hel_fail(engine, HEL_E_USAGE, "%s names '%.200s': an empty name", what, list);
            goto fail;
        }
        for (uint32_t i = 0; i < *count; i++)
            if (strcmp((*names)[i], p) == 0) {
                status =
                    hel_fail(engine, HEL_E_USAGE, "%s names: '%.100s' is given twice", what, p);
                goto fail;
            }
        (*names)[(*count)++] = p;
        p = comma;
    }
    return HEL_OK;
fail:
    hel_free(*copy);
    hel_free(*names);
    *copy = NULL;
    *names = NULL;
    *count = 0;
    return status;
}
