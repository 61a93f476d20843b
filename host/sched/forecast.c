/* See forecast.h. */
#include "host/sched/forecast.h"

#define SLOTS_MOST 64u

/* Where the simulation stands. */
typedef struct state {
    double now;                /* the arithmetic's time */
    double read_end, copy_end; /* of the latest span */
    double back[SLOTS_MOST];   /* when the span in a slot was given back */
    uint64_t span;
    hel_forecast sum;
} state;

static double later(double a, double b)
{
    return a > b ? a : b;
}

static void run_span(state *s, const hel_pipeline *p, uint32_t slots)
{
    double *back = &s->back[s->span % slots];
    const double may = s->span >= slots ? *back : 0, from = later(s->read_end, may);
    s->sum.full += from - s->read_end;
    s->read_end = from + p->read;
    s->copy_end = later(s->copy_end, s->read_end) + p->copy;
    const double begin = later(s->now, s->copy_end);
    s->sum.starved += begin - s->now;
    s->now = begin + p->products;
    *back = p->copy > 0 ? s->copy_end : s->now; /* a device has its own copy */
    s->span++;
}

static void run_unit(state *s, const hel_pipeline *p, uint32_t slots)
{
    for (uint32_t step = 0; step < p->steps; step++) {
        s->now += p->expand;
        for (uint32_t i = 0; i < p->spans; i++)
            run_span(s, p, slots);
    }
    s->now += p->finish;
}

hel_forecast hel_forecast_run(const hel_pipeline *p)
{
    const uint64_t spans = (uint64_t)p->steps * p->spans;
    const uint32_t slots = p->slots < 1 ? 1 : p->slots < SLOTS_MOST ? p->slots : SLOTS_MOST;
    state s = {.now = p->begin, .read_end = p->begin, .copy_end = p->begin};
    uint64_t units = 0;
    double before = 0;
    /* at least two units, so that the second one tells what each further one takes */
    while (units < p->units && (units < 2 || s.span + spans <= HEL_FORECAST_SPANS)) {
        before = s.now;
        run_unit(&s, p, slots);
        units++;
    }
    const double left = (double)(p->units - units), all = (double)p->units;
    s.sum.wall = s.now + left * (s.now - before);
    if (units) {
        s.sum.starved *= all / (double)units;
        s.sum.full *= all / (double)units;
    }
    s.sum.read = all * (double)spans * p->read;
    s.sum.copy = all * (double)spans * p->copy;
    s.sum.products = all * (double)spans * p->products;
    s.sum.expand = all * p->steps * p->expand;
    s.sum.finish = all * p->finish;
    return s.sum;
}
