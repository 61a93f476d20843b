/* Sets of processors, by the numbers that Linux gives them, and the set that a thread may use. */
#ifndef HEL_BASE_AFFINITY_H
#define HEL_BASE_AFFINITY_H

#include <stddef.h>
#include <stdint.h>

#define HEL_CPUS_MOST 8192u /* what Linux can be built for on its largest machines */

typedef struct hel_cpus {
    uint64_t word[HEL_CPUS_MOST / 64];
} hel_cpus;

/* Numbers beyond the limit are dropped by add and absent for has. */
static inline void hel_cpus_add(hel_cpus *c, uint32_t cpu)
{
    if (cpu < HEL_CPUS_MOST)
        c->word[cpu / 64] |= (uint64_t)1 << cpu % 64;
}

static inline int hel_cpus_has(const hel_cpus *c, uint32_t cpu)
{
    return cpu < HEL_CPUS_MOST && (c->word[cpu / 64] >> cpu % 64 & 1);
}

uint32_t hel_cpus_count(const hel_cpus *c);
void hel_cpus_and(hel_cpus *c, const hel_cpus *other);
void hel_cpus_or(hel_cpus *c, const hel_cpus *other);
/* "0-7,16-23", "none"; what has no room becomes "...". Returns `out`. */
const char *hel_cpus_text(char *out, size_t room, const hel_cpus *c);

/* The processors that the calling thread may use (cpuset and affinity); 0 when they cannot be told.
 * hel_cpus_bind: 1 when the calling thread now runs on these alone. */
int hel_cpus_of_thread(hel_cpus *out);
/* Their number; where they cannot be told, that of the machine. */
uint32_t hel_cpus_usable(void);
int hel_cpus_bind(const hel_cpus *c);

#endif
