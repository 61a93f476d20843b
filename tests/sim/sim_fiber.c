/* Fibers of the simulator, and what kernels call: barriers, shuffles, a neighbour's memory. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/sim/sim_machine.h"

_Thread_local machine *sim_machine;
static _Thread_local uint64_t switches;
_Thread_local const sim_self *sim_now;

/* ---- switching stacks ---- */

#if defined(__x86_64__)
/* Saves the callee's registers and the stack pointer of one side, restores those of the other. */
void sim_switch(void **from, void *to);
__asm__(".text\n.globl sim_switch\n.hidden sim_switch\n.type sim_switch, @function\nsim_switch:\n"
        "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
        "movq %rsp, (%rdi)\nmovq %rsi, %rsp\n"
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n"
        ".size sim_switch, .-sim_switch\n");

static void fiber_main(void);

void *sim_first_frame(uint8_t *stack)
{
    uintptr_t top = ((uintptr_t)stack + STACK_BYTES) & ~(uintptr_t)63;
    void **sp = (void **)(top - 8);
    *--sp = (void *)(uintptr_t)fiber_main; /* sim_switch returns here; rsp is then 8 mod 16 */
    sp -= 6;
    memset(sp, 0, 6 * sizeof *sp);
    return sp;
}
#else
#error "the simulator needs a stack switch for this processor"
#endif

QUIET void sim_to_fiber(machine *m, uint32_t i)
{
    m->current = i;
    sim_now = &m->f[i].self;
    switches++;
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(m->f[i].tsan, 1);
#endif
    sim_switch(&m->scheduler_sp, m->f[i].sp);
}

QUIET static void to_scheduler(machine *m)
{
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(m->scheduler_tsan, 1);
#endif
    sim_switch(&m->f[m->current].sp, m->scheduler_sp);
}

/* What a block leaves is nobody's any more: an access of a neighbour that has not been ordered
 * before this is a race, and one that comes later ends at a page that cannot be touched. */
QUIET static void end_block(machine *m, block_state *b)
{
    __tsan_acquire(&b->marks->end);
    __tsan_write_range(b->shared.data, (long)m->shared_bytes);
    if (m->cluster > 1)
        mprotect(b->shared.pages, b->shared.bytes, PROT_NONE);
}

QUIET static void fiber_main(void)
{
    machine *m = sim_machine;
    m->kernel(m->args);
    block_state *b = &m->b[m->f[m->current].self.rank];
    __tsan_release(m); /* to whoever waits for the launch; blocks do not wait for each other */
    __tsan_release(&b->marks->end);
    m->f[m->current].state = DONE;
    if (++b->done == m->threads)
        end_block(m, b);
    to_scheduler(m);
    abort(); /* a finished fiber is never resumed */
}

/* ---- what kernels call ---- */

QUIET static void wait_at(enum state barrier, const char *place, char *object)
{
    machine *m = sim_machine;
    fiber *f = &m->f[m->current];
    f->state = barrier;
    f->place = place;
    __tsan_release(object);
    to_scheduler(m);
    __tsan_acquire(object);
}

QUIET void sim_barrier(const char *place)
{
    wait_at(AT_BARRIER, place,
            &sim_machine->b[sim_machine->f[sim_machine->current].self.rank].marks->barrier);
}

QUIET void sim_cluster_barrier(const char *place)
{
    wait_at(AT_CLUSTER, place, &sim_machine->b[0].marks->cluster);
}

QUIET void *sim_cluster_shared(const void *p, uint32_t rank)
{
    machine *m = sim_machine;
    const fiber *f = &m->f[m->current];
    const size_t at = (size_t)((const uint8_t *)p - m->b[f->self.rank].shared.data);
    if (rank >= m->cluster)
        m->fault = "shared memory of a block that the cluster does not have";
    else if (at >= m->shared_bytes)
        m->fault = "an address that is not of the block's shared memory";
    else if (m->b[rank].done == m->threads)
        m->fault = "shared memory of a block that has ended";
    if (m->fault)
        to_scheduler(m); /* for good */
    return m->b[rank].shared.data + at;
}

QUIET uint32_t sim_shuffle_xor(uint32_t value, uint32_t lanes, const char *place)
{
    machine *m = sim_machine;
    fiber *f = &m->f[m->current];
    f->state = AT_SHUFFLE;
    f->place = place;
    f->value = value;
    f->lanes = lanes;
    to_scheduler(m);
    return f->value;
}

uint64_t sim_switches(void)
{
    return switches;
}
