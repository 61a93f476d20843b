/* Three workers and a clock: a reader, a copier and the arithmetic, each with what is left of its
 * present piece of work; nothing is computed ahead. */
#include "tests/ref/ref_pipeline.h"

typedef struct worker {
    int64_t span;  /* that it works on, or the next one */
    uint32_t left; /* ticks of the present piece of work; 0: none */
    uint32_t busy; /* 1 or 0 */
} worker;

/* What the arithmetic has to do, in order: expansions, spans, finishing. */
typedef struct program {
    const ref_pipeline *p;
    uint64_t at; /* position: units x (steps x (1 + spans) + 1) */
} program;

typedef enum work { EXPAND, SPAN, FINISH, DONE } work;

static work work_at(const program *g)
{
    const uint64_t step = 1 + g->p->spans, unit = g->p->steps * step + 1;
    if (g->at >= g->p->units * unit)
        return DONE;
    const uint64_t within = g->at % unit;
    if (within == unit - 1)
        return FINISH;
    return within % step == 0 ? EXPAND : SPAN;
}

uint64_t ref_pipeline_run(const ref_pipeline *p)
{
    const int64_t all = (int64_t)p->units * p->steps * p->spans;
    int64_t read = 0, copied = 0, through = 0, back = 0; /* spans that are so far */
    worker reader = {0}, copier = {0};
    program g = {p, 0};
    uint32_t left = 0;
    uint32_t busy = 0;
    uint64_t tick = p->begin;
    for (;; tick++) {
        int moved = 1;
        while (moved) { /* what takes no time happens within the tick */
            moved = 0;
            if (reader.busy && reader.left == 0) {
                reader.busy = 0;
                read++;
                moved = 1;
            }
            if (copier.busy && copier.left == 0) {
                copier.busy = 0;
                copied++;
                if (p->copy)
                    back++;
                moved = 1;
            }
            if (busy && left == 0) {
                if (work_at(&g) == SPAN) {
                    through++;
                    if (!p->copy)
                        back++;
                }
                busy = 0;
                g.at++;
                moved = 1;
            }
            if (!reader.busy && read < all && read - back < (int64_t)p->slots) {
                reader = (worker){read, p->read, 1};
                moved = 1;
            }
            if (!copier.busy && copied < read) {
                copier = (worker){copied, p->copy, 1};
                moved = 1;
            }
            const work w = work_at(&g);
            if (!busy && (w == EXPAND || w == FINISH || (w == SPAN && through < copied))) {
                left = w == EXPAND ? p->expand : w == FINISH ? p->finish : p->products;
                busy = 1;
                moved = 1;
            }
        }
        if (work_at(&g) == DONE)
            return tick;
        reader.left -= reader.busy;
        copier.left -= copier.busy;
        left -= busy;
    }
}
