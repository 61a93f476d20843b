/* Reads times, sizes and the like. */
#include "tools/heloci/job_value.h"

#include <string.h>

/* Up to nine digits, as often as they come; NULL where there are none. */
static const char *digits(const char *text, uint64_t *out)
{
    size_t length = strspn(text, "0123456789");
    *out = 0;
    if (length == 0 || length > 9)
        return NULL;
    for (size_t i = 0; i < length; i++)
        *out = 10 * *out + (uint64_t)(text[i] - '0');
    return text + length;
}

int value_time(const char *text, uint64_t *seconds)
{
    /* Seconds that the first number counts, by the number of parts, without days and with them. */
    static const uint64_t plain[] = {60, 60, 3600}, behind_days[] = {3600, 3600, 3600};
    uint64_t part[3], days = 0, unit;
    size_t parts = 0;
    int with_days = strchr(text, '-') != NULL;
    *seconds = 0;
    if (with_days) {
        text = digits(text, &days);
        if (!text || *text++ != '-')
            return 0;
    }
    for (;;) {
        text = parts < 3 ? digits(text, &part[parts]) : NULL;
        if (!text)
            return 0;
        parts++;
        if (!*text)
            break;
        if (*text++ != ':')
            return 0;
    }
    unit = with_days ? behind_days[parts - 1] : plain[parts - 1];
    for (size_t i = 0; i < parts; i++, unit /= 60)
        *seconds += part[i] * unit;
    *seconds += 86400 * days;
    return *seconds > 0;
}

int value_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    const char *end = digits(text, bytes), *unit = &units[1];
    if (!end)
        return 0;
    if (*end) {
        unit = strchr(units, *end & ~0x20);
        if (!unit || !*unit || end[1])
            return 0;
    }
    unsigned shift = 10 * (unsigned)(unit - units + 1);
    if (*bytes > UINT64_MAX >> (shift + 1))
        return 0;
    *bytes <<= shift;
    return 1;
}

int value_word(const char *text, const char *more)
{
    static const char always[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    if (!text[0] || text[0] == '-')
        return 0;
    for (; *text; text++)
        if (!strchr(always, *text) && !strchr(more, *text))
            return 0;
    return 1;
}

int value_gpus(const char *text, uint64_t *count, char *type, size_t room)
{
    const char *colon = strrchr(text, ':');
    const char *number = colon ? colon + 1 : text, *end = digits(number, count);
    type[0] = 0;
    if (end && !*end && !colon)
        return *count > 0;
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    if (colon && (!end || *end))
        return 0;
    if (!colon)
        *count = 1;
    if (length == 0 || length >= room)
        return 0;
    memcpy(type, text, length);
    type[length] = 0;
    return *count > 0 && value_word(type, "_.-");
}

int value_line(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return 0;
    return 1;
}
