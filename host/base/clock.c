/* Time of day, time gone by. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/base/clock.h"

double hel_time_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double hel_clock_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void hel_time_text(char out[HEL_TIME_BYTES], double unix_seconds)
{
    struct tm tm = {.tm_mday = 1, .tm_year = 70};
    const double last = 253402300799.999; /* of the year 9999 */
    if (!(unix_seconds > 0))
        unix_seconds = 0;
    if (unix_seconds > last)
        unix_seconds = last;
    const uint64_t ms = (uint64_t)(unix_seconds * 1000);
    const time_t seconds = (time_t)(ms / 1000);
    (void)gmtime_r(&seconds, &tm);
    char text[64];
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(ms % 1000));
    memcpy(out, text, HEL_TIME_BYTES - 1);
    out[HEL_TIME_BYTES - 1] = 0;
}
