/* See affinity.h. The words of hel_cpus are those of cpu_set_t, of a size of our own. */
#include "host/base/affinity.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

uint32_t hel_cpus_count(const hel_cpus *c)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < HEL_CPUS_MOST / 64; i++)
        count += (uint32_t)__builtin_popcountll(c->word[i]);
    return count;
}

void hel_cpus_and(hel_cpus *c, const hel_cpus *other)
{
    for (uint32_t i = 0; i < HEL_CPUS_MOST / 64; i++)
        c->word[i] &= other->word[i];
}

void hel_cpus_or(hel_cpus *c, const hel_cpus *other)
{
    for (uint32_t i = 0; i < HEL_CPUS_MOST / 64; i++)
        c->word[i] |= other->word[i];
}

const char *hel_cpus_text(char *out, size_t room, const hel_cpus *c)
{
    static const char more[] = ",...";
    char range[32];
    size_t used = 0;
    snprintf(out, room, "none");
    for (uint32_t first = 0, end; first < HEL_CPUS_MOST; first = end + 1) {
        for (end = first; hel_cpus_has(c, end);)
            end++;
        if (end == first)
            continue;
        const int length =
            end - first == 1
                ? snprintf(range, sizeof range, "%s%u", used ? "," : "", first)
                : snprintf(range, sizeof range, "%s%u-%u", used ? "," : "", first, end - 1);
        if (used + (size_t)length + sizeof more > room) {
            snprintf(out + used, room - used, "%s", used ? more : "...");
            break;
        }
        memcpy(out + used, range, (size_t)length + 1);
        used += (size_t)length;
    }
    return out;
}

int hel_cpus_of_thread(hel_cpus *out)
{
    memset(out, 0, sizeof *out);
    return sched_getaffinity(0, sizeof *out, (cpu_set_t *)(void *)out) == 0 &&
           hel_cpus_count(out) > 0;
}

int hel_cpus_bind(const hel_cpus *c)
{
    return sched_setaffinity(0, sizeof *c, (const cpu_set_t *)(const void *)c) == 0;
}

/* A quota of a control group does not count here: it limits processor time over periods, not how
 * many processors run at once, and is shared with the group's other processes, so that no number of
 * threads follows from it. `heloci doctor` reports it. */
uint32_t hel_cpus_usable(void)
{
    hel_cpus set;
    if (hel_cpus_of_thread(&set))
        return hel_cpus_count(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (uint32_t)online : 1;
}
