/* Two clocks, and times as text. */
#ifndef HEL_BASE_CLOCK_H
#define HEL_BASE_CLOCK_H

double hel_time_now(void);      /* seconds since 1970 */
double hel_clock_seconds(void); /* for differences: never set back */

/* RFC 3339 in UTC with milliseconds, "2026-02-03T04:05:06.789Z"; cut to the years 1970 to 9999. */
#define HEL_TIME_BYTES 25
void hel_time_text(char out[HEL_TIME_BYTES], double unix_seconds);

#endif
