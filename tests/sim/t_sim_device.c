/* The simulated device by itself: late queues, events, graphs, pinned memory, Fourier transforms,
 * and the faults that it is told to have or that it finds. */
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_random.h"
#include "tests/sim/sim_device.h"

#define WORDS 64u
#define BYTES (WORDS * sizeof(uint32_t))

typedef struct bench {
    hel_device *d;
    const hel_device_ops *ops;
    void *a, *b; /* queues */
    uint32_t *x, *y, *pinned;
} bench;

#define OK(t, call) cr_assert_eq((call), HEL_OK, "%s: %s", #call, (t)->ops->error((t)->d))

static void start(bench *t, sim_order order, uint64_t seed)
{
    const sim_options options = {order, seed};
    t->d = sim_device_create(&options, SIM_SHARED_HOPPER);
    t->ops = t->d->ops;
    OK(t, t->ops->queue_create(t->d, &t->a));
    OK(t, t->ops->queue_create(t->d, &t->b));
    OK(t, t->ops->alloc(t->d, (void **)&t->x, BYTES));
    OK(t, t->ops->alloc(t->d, (void **)&t->y, BYTES));
    OK(t, t->ops->host_alloc(t->d, (void **)&t->pinned, BYTES));
}

static void finish(bench *t)
{
    (void)t->ops->sync(t->d, NULL);
    t->ops->host_release(t->d, t->pinned);
    t->ops->release(t->d, t->x);
    t->ops->release(t->d, t->y);
    t->ops->queue_free(t->d, t->a);
    t->ops->queue_free(t->d, t->b);
    cr_assert_eq(sim_device_allocations(t->d), 0);
    t->ops->close(t->d);
}

static void fill(uint32_t *x, uint32_t value)
{
    for (uint32_t i = 0; i < WORDS; i++)
        x[i] = value + i;
}

static int holds(const uint32_t *x, uint32_t value)
{
    for (uint32_t i = 0; i < WORDS; i++)
        if (x[i] != value + i)
            return 0;
    return 1;
}

/* One block of k_add over the residues of one limb: out = a + b. The limb's constants lie at y. */
static hel_launch addition(const k_elem *args)
{
    return (hel_launch){.kernel = K_ID_k_add,
                        .grid = {1, 1, 1},
                        .threads = 64,
                        .args = args,
                        .args_bytes = sizeof *args};
}

/* ---- queues ---- */

Test(sim_device, work_is_late_where_it_may_be)
{
    bench t;
    uint32_t host[WORDS], back[WORDS];
    start(&t, SIM_RANDOM, 1);
    fill(host, 100);
    OK(&t, t.ops->upload(t.d, t.a, t.x, host, BYTES));
    fill(host, 0); /* the caller's again */
    fill(t.pinned, 7);
    OK(&t, t.ops->fetch(t.d, t.a, t.pinned, t.x, BYTES));
    cr_assert(holds(t.pinned, 7)); /* nothing has run */
    OK(&t, t.ops->sync(t.d, t.a));
    cr_assert(holds(t.pinned, 100));

    fill(t.pinned, 200);
    OK(&t, t.ops->send(t.d, t.a, t.x, t.pinned, BYTES));
    fill(t.pinned, 300); /* too early */
    OK(&t, t.ops->download(t.d, t.a, back, t.x, BYTES));
    cr_assert(holds(back, 300));

    OK(&t, t.ops->wipe(t.d, t.a, t.x, BYTES));
    OK(&t, t.ops->download(t.d, t.a, back, t.x, BYTES));
    for (uint32_t i = 0; i < WORDS; i++)
        cr_assert_eq(back[i], 0);
    finish(&t);

    start(&t, SIM_RANDOM, 1);
    sim_device_set_late(t.d, 0);
    fill(host, 100);
    OK(&t, t.ops->upload(t.d, t.a, t.x, host, BYTES));
    OK(&t, t.ops->fetch(t.d, t.a, t.pinned, t.x, BYTES));
    cr_assert(holds(t.pinned, 100));
    finish(&t);
}

/* What one queue brings, another takes: right with a wait for every seed, wrong without one for
 * some. The same for a buffer that is written again while another queue still reads it. */
static uint32_t wrong_results(int waits)
{
    uint32_t wrong = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        bench t;
        void *sent, *read;
        uint32_t old[WORDS];
        start(&t, SIM_RANDOM, seed);
        OK(&t, t.ops->event_create(t.d, &sent));
        OK(&t, t.ops->event_create(t.d, &read));
        fill(old, 1);
        OK(&t, t.ops->upload(t.d, NULL, t.x, old, BYTES));
        fill(old, 1000);
        OK(&t, t.ops->upload(t.d, t.a, t.x, old, BYTES));
        OK(&t, t.ops->event_record(t.d, t.a, sent));
        if (waits)
            OK(&t, t.ops->event_wait(t.d, t.b, sent));
        OK(&t, t.ops->fetch(t.d, t.b, t.pinned, t.x, BYTES));
        OK(&t, t.ops->event_record(t.d, t.b, read));
        if (waits)
            OK(&t, t.ops->event_wait(t.d, t.a, read));
        OK(&t, t.ops->wipe(t.d, t.a, t.x, BYTES));
        OK(&t, t.ops->event_sync(t.d, read));
        wrong += !holds(t.pinned, 1000);
        t.ops->event_free(t.d, sent);
        t.ops->event_free(t.d, read);
        finish(&t);
    }
    return wrong;
}

Test(sim_device, a_missing_wait_is_a_wrong_result)
{
    cr_assert_eq(wrong_results(1), 0);
    const uint32_t wrong = wrong_results(0);
    cr_assert(wrong >= 10, "%u of 40", wrong);
}

Test(sim_device, events)
{
    bench t;
    void *first, *last;
    float ms = -1;
    start(&t, SIM_RANDOM, 4);
    OK(&t, t.ops->event_create(t.d, &first));
    OK(&t, t.ops->event_create(t.d, &last));
    OK(&t, t.ops->event_wait(t.d, t.a, first)); /* never recorded: no order */
    OK(&t, t.ops->event_sync(t.d, first));
    cr_assert_neq(t.ops->event_ms(t.d, first, last, &ms), HEL_OK);
    OK(&t, t.ops->event_record(t.d, t.a, first));
    fill(t.pinned, 5);
    OK(&t, t.ops->send(t.d, t.a, t.x, t.pinned, BYTES));
    OK(&t, t.ops->event_record(t.d, t.a, last));
    cr_assert_neq(t.ops->event_ms(t.d, first, last, &ms), HEL_OK); /* not yet */
    OK(&t, t.ops->event_sync(t.d, last));
    OK(&t, t.ops->event_ms(t.d, first, last, &ms));
    cr_assert(ms >= 0 && ms < 1e4);
    /* a wait belongs to the records before it, and outlives the handle */
    OK(&t, t.ops->event_record(t.d, t.a, first));
    OK(&t, t.ops->event_wait(t.d, t.b, first));
    OK(&t, t.ops->event_record(t.d, t.b, last));
    OK(&t, t.ops->event_wait(t.d, t.a, last));
    t.ops->event_free(t.d, first);
    t.ops->event_free(t.d, last);
    OK(&t, t.ops->sync(t.d, NULL));
    finish(&t);
}

/* ---- graphs ---- */

Test(sim_device, graphs_run_what_was_recorded)
{
    bench t;
    void *graph, *event;
    k_limb limb = {.q = 12289, .q2 = 2 * 12289};
    k_limb *there;
    uint32_t host[1024];
    start(&t, SIM_RANDOM, 9);
    OK(&t, t.ops->alloc(t.d, (void **)&there, sizeof limb));
    uint32_t *v;
    OK(&t, t.ops->alloc(t.d, (void **)&v, sizeof host));
    limb.minus_q = 0u - limb.q;
    limb.minus_q2 = 0u - limb.q2;
    OK(&t, t.ops->upload(t.d, t.a, there, &limb, sizeof limb));
    const k_rows rows = {v, 1024, 1, 0};
    k_elem args = {.ring = {there, 10}, .out = rows, .a = rows, .b = rows};
    hel_launch launch = addition(&args);
    launch.threads = K_ELEM_THREADS;
    launch.grid[2] = 1024 / K_ELEM_WORDS;
    OK(&t, t.ops->graph_begin(t.d, t.a));
    cr_assert_neq(t.ops->graph_begin(t.d, t.a), HEL_OK);
    OK(&t, t.ops->launch(t.d, t.a, &launch));
    OK(&t, t.ops->wipe(t.d, t.a, t.y, BYTES));
    memset(&args, 0, sizeof args); /* copied */
    /* what a graph cannot hold */
    OK(&t, t.ops->event_create(t.d, &event));
    cr_assert_neq(t.ops->sync(t.d, t.a), HEL_OK);
    cr_assert_neq(t.ops->sync(t.d, NULL), HEL_OK);
    cr_assert_neq(t.ops->upload(t.d, t.a, t.x, host, BYTES), HEL_OK);
    cr_assert_neq(t.ops->event_record(t.d, t.a, event), HEL_OK);
    cr_assert_neq(t.ops->fourier(t.d, t.a, (double *)v, 5, 1, 0), HEL_OK); /* no plan yet */
    t.ops->event_free(t.d, event);
    OK(&t, t.ops->graph_end(t.d, t.a, &graph));
    cr_assert_neq(t.ops->graph_end(t.d, t.a, &event), HEL_OK);
    cr_assert_null(event);

    for (uint32_t i = 0; i < 1024; i++)
        host[i] = i;
    OK(&t, t.ops->upload(t.d, t.a, v, host, sizeof host));
    OK(&t, t.ops->upload(t.d, t.a, t.y, host, BYTES));
    for (int run = 0; run < 3; run++)
        OK(&t, t.ops->graph_run(t.d, t.a, graph));
    OK(&t, t.ops->download(t.d, t.a, host, v, sizeof host));
    for (uint32_t i = 0; i < 1024; i++)
        cr_assert_eq(host[i], 8 * i % 12289, "word %u", i);
    OK(&t, t.ops->download(t.d, t.a, host, t.y, BYTES));
    cr_assert_eq(host[5], 0);
    cr_assert_eq(sim_device_launches(t.d), 1);
    t.ops->graph_free(t.d, graph);
    t.ops->release(t.d, v);
    t.ops->release(t.d, there);
    finish(&t);
}

/* ---- Fourier transforms ---- */

Test(sim_device, fourier_transforms)
{
    ref_random r = ref_random_start(1);
    for (uint32_t log_n = 0; log_n <= 7; log_n++) {
        const uint32_t n = 1u << log_n, batch = 3;
        const size_t bytes = (size_t)2 * n * batch * sizeof(double);
        double *in = malloc(bytes), *out = malloc(bytes), *there;
        bench t;
        start(&t, SIM_RANDOM, log_n);
        OK(&t, t.ops->alloc(t.d, (void **)&there, bytes));
        for (size_t i = 0; i < (size_t)2 * n * batch; i++)
            in[i] = 2 * ref_random_double(&r) - 1;
        for (int inverse = 0; inverse < 2; inverse++) {
            OK(&t, t.ops->upload(t.d, t.a, there, in, bytes));
            OK(&t, t.ops->fourier(t.d, t.a, there, log_n, batch, inverse));
            OK(&t, t.ops->download(t.d, t.a, out, there, bytes));
            for (uint32_t b = 0; b < batch; b++)
                for (uint32_t k = 0; k < n; k++) {
                    long double re = 0, im = 0;
                    for (uint32_t j = 0; j < n; j++) {
                        const long double angle = (inverse ? 2 : -2) * acosl(-1) * (j * k % n) / n;
                        const double *x = in + 2 * ((size_t)b * n + j);
                        re += x[0] * cosl(angle) - x[1] * sinl(angle);
                        im += x[0] * sinl(angle) + x[1] * cosl(angle);
                    }
                    const double *y = out + 2 * ((size_t)b * n + k);
                    cr_assert(fabsl(y[0] - re) < 1e-13L * n && fabsl(y[1] - im) < 1e-13L * n,
                              "N = %u item %u place %u", n, b, k);
                }
        }
        cr_assert_neq(t.ops->fourier(t.d, t.a, there, log_n, batch + 1, 0), HEL_OK); /* too long */
        t.ops->release(t.d, there);
        finish(&t);
        free(in);
        free(out);
    }
}

/* ---- faults ---- */

Test(sim_device, faults_that_were_asked_for)
{
    bench t;
    void *p;
    uint64_t now, all;
    start(&t, SIM_RANDOM, 2);
    sim_device_fail_nth(t.d, 2);
    OK(&t, t.ops->wipe(t.d, t.a, t.x, BYTES));
    cr_assert_eq(t.ops->wipe(t.d, t.a, t.x, BYTES), HEL_E_UNSUPPORTED);
    cr_assert(strstr(t.ops->error(t.d), "told to fail"));
    OK(&t, t.ops->wipe(t.d, t.a, t.x, BYTES));

    sim_device_set_memory(t.d, 4 * BYTES);
    OK(&t, t.ops->memory(t.d, &now, &all));
    cr_assert_eq(all, 4 * BYTES);
    cr_assert_eq(now, 2 * BYTES);
    cr_assert_eq(t.ops->alloc(t.d, &p, 2 * BYTES + 1), HEL_E_MEMORY);
    cr_assert_null(p);
    OK(&t, t.ops->alloc(t.d, &p, 2 * BYTES));
    t.ops->release(t.d, p);

    /* copies stay within what was allocated, and pinned is pinned */
    uint32_t host[WORDS] = {0};
    cr_assert_neq(t.ops->upload(t.d, t.a, t.x + 1, host, BYTES), HEL_OK);
    cr_assert_neq(t.ops->send(t.d, t.a, t.x, host, BYTES), HEL_OK);
    cr_assert_neq(t.ops->fetch(t.d, t.a, host, t.x, BYTES), HEL_OK);
    cr_assert_neq(t.ops->wipe(t.d, t.a, t.pinned, BYTES), HEL_OK);

    sim_device_lose(t.d);
    cr_assert_eq(t.ops->sync(t.d, t.a), HEL_E_UNSUPPORTED);
    cr_assert(strstr(t.ops->error(t.d), "device lost"));
    cr_assert_eq(t.ops->upload(t.d, t.a, t.x, host, BYTES), HEL_E_UNSUPPORTED);
    finish(&t);
}

/* A kernel that does what it must not is found when it runs, and told at the next call. */
Test(sim_device, faults_of_late_launches_come_later)
{
    bench t;
    k_elem args = {0};
    hel_launch launch = addition(&args);
    start(&t, SIM_RANDOM, 2);
    launch.threads = 2048;
    OK(&t, t.ops->launch(t.d, t.a, &launch));
    OK(&t, t.ops->wipe(t.d, t.b, t.x, BYTES));
    cr_assert_eq(t.ops->sync(t.d, t.a), HEL_E_INTERNAL);
    cr_assert(strstr(t.ops->error(t.d), "k_add") && strstr(t.ops->error(t.d), "1024 threads"), "%s",
              t.ops->error(t.d));
    cr_assert_eq(t.ops->wipe(t.d, t.b, t.x, BYTES), HEL_E_INTERNAL);
    finish(&t);
    start(&t, SIM_IN_ORDER, 2);
    cr_assert_eq(t.ops->launch(t.d, t.a, &launch), HEL_E_INTERNAL);
    finish(&t);
    start(&t, SIM_IN_ORDER, 2); /* refused at once, and no harm */
    launch.threads = 64;
    launch.cluster = 3;
    launch.grid[0] = 4;
    cr_assert_eq(t.ops->launch(t.d, t.a, &launch), HEL_E_INTERNAL);
    OK(&t, t.ops->sync(t.d, t.a));
    finish(&t);
}

static void refused(bench *t, hel_launch launch, const char *why)
{
    cr_assert_eq(t->ops->launch(t->d, t->a, &launch), HEL_E_INTERNAL);
    cr_assert(strstr(t->ops->error(t->d), why), "%s", t->ops->error(t->d));
}

/* What a GPU would refuse, or would not notice: arguments have the size that the kernel reads. */
Test(sim_device, launches_beyond_a_kernels_bounds_are_refused)
{
    bench t;
    k_elem args = {0};
    start(&t, SIM_RANDOM, 3);
    hel_launch launch = addition(&args);
    launch.threads = K_ELEM_THREADS + 32;
    refused(&t, launch, "launch bound");
    launch.threads = 0;
    refused(&t, launch, "launch bound");
    launch = addition(&args);
    launch.args_bytes -= 8;
    refused(&t, launch, "another size");
    launch = addition(&args);
    launch.grid[1] = 65536;
    refused(&t, launch, "more blocks");
    launch = addition(&args);
    launch.grid[2] = 65536;
    refused(&t, launch, "more blocks");
    OK(&t, t.ops->sync(t.d, t.a));
    finish(&t);
}

/* ---- ends with a text ---- */

static void dies(void (*act)(bench *t))
{
    int status = 0;
    const pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        bench t;
        if (!freopen("/dev/null", "w", stderr))
            _exit(3);
        start(&t, SIM_RANDOM, 1);
        act(&t);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %x", (unsigned)status);
}

static void released_while_copied(bench *t)
{
    (void)t->ops->wipe(t->d, t->a, t->x, BYTES);
    t->ops->release(t->d, t->x);
}

static void released_while_launched(bench *t)
{
    const k_elem args = {.out = {t->x + 8, 0, 1, 0}};
    const hel_launch launch = addition(&args);
    (void)t->ops->launch(t->d, t->a, &launch);
    t->ops->release(t->d, t->x);
}

static void pinned_released_while_sent(bench *t)
{
    (void)t->ops->send(t->d, t->a, t->x, t->pinned, BYTES);
    t->ops->host_release(t->d, t->pinned);
}

static void written_beyond(bench *t)
{
    ((volatile uint32_t *)t->x)[WORDS] = 0;
    t->ops->release(t->d, t->x);
}

static void closed_with_memory(bench *t)
{
    t->ops->close(t->d);
}

static void released_twice(bench *t)
{
    t->ops->release(t->d, t->x);
    t->ops->release(t->d, t->x);
}

Test(sim_device, misuse_ends_the_program)
{
    dies(released_while_copied);
    dies(released_while_launched);
    dies(pinned_released_while_sent);
    dies(written_beyond);
    dies(closed_with_memory);
    dies(released_twice);
}
