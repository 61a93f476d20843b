/*
 * Clocks of the stages of a pipeline. A stage counts the time that threads spent in it (wall and
 * processor), how often, and the bytes that went through. Any thread adds; totals are read when
 * the threads rest.
 */
#ifndef HEL_SCHED_STAGE_H
#define HEL_SCHED_STAGE_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

typedef struct hel_stage {
    atomic_uint_least64_t busy_ns, cpu_ns, items, bytes;
} hel_stage;

/* Where a thread stands when it enters a stage. */
typedef struct hel_stage_mark {
    uint64_t wall_ns, cpu_ns;
} hel_stage_mark;

static inline uint64_t hel_clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline hel_stage_mark hel_stage_enter(void)
{
    return (hel_stage_mark){hel_clock_ns(CLOCK_MONOTONIC), hel_clock_ns(CLOCK_THREAD_CPUTIME_ID)};
}

static inline void hel_stage_leave(hel_stage *s, const hel_stage_mark *mark, uint64_t items,
                                   uint64_t bytes)
{
    const hel_stage_mark now = hel_stage_enter();
    atomic_fetch_add(&s->busy_ns, now.wall_ns - mark->wall_ns);
    atomic_fetch_add(&s->cpu_ns, now.cpu_ns - mark->cpu_ns);
    atomic_fetch_add(&s->items, items);
    atomic_fetch_add(&s->bytes, bytes);
}

static inline double hel_stage_busy(const hel_stage *s)
{
    return 1e-9 * (double)atomic_load(&s->busy_ns);
}

static inline double hel_stage_cpu(const hel_stage *s)
{
    return 1e-9 * (double)atomic_load(&s->cpu_ns);
}

#endif
