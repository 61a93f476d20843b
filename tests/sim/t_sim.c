/* The simulator finds what it is there to find, and nothing where there is nothing. Races need
 * ThreadSanitizer: tests/sim/races.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/sim/faulty.h"
#include "tests/sim/sim.h"

void k_faulty_sum(const void *args);
void k_faulty_shuffle(const void *args);
void k_faulty_overflow(const void *args);
void k_faulty_cluster(const void *args);

static uint32_t in[8 * 64], out[8 * 64];

static const char *run(sim_kernel kernel, k_fault fault, sim_order order, uint64_t seed)
{
    const k_faulty args = {in, out, fault, 1};
    const sim_options options = {order, seed};
    for (uint32_t i = 0; i < sizeof in / sizeof *in; i++)
        in[i] = i * i + 1;
    memset(out, 0, sizeof out);
    return sim_launch(kernel, (sim_dim){4, 1, 1}, (sim_dim){64, 1, 1}, &args, 64 * 4, &options);
}

static uint32_t sum_of(uint32_t first, uint32_t count)
{
    uint32_t sum = 0;
    for (uint32_t i = first; i < first + count; i++)
        sum += i * i + 1;
    return sum;
}

Test(sim, right_kernels_give_right_results_in_any_order)
{
    for (uint64_t seed = 0; seed < 20; seed++)
        for (int order = SIM_IN_ORDER; order <= SIM_RANDOM; order++) {
            cr_assert_null(run(k_faulty_sum, K_FAULT_NONE, (sim_order)order, seed));
            for (uint32_t b = 0; b < 4; b++)
                cr_assert_eq(out[b], sum_of(64 * b, 64));
            cr_assert_null(run(k_faulty_shuffle, K_FAULT_NONE, (sim_order)order, seed));
            for (uint32_t w = 0; w < 8; w++)
                cr_assert_eq(out[w], sum_of(32 * w, 32));
        }
}

Test(sim, barriers_that_not_all_threads_reach)
{
    for (int order = SIM_IN_ORDER; order <= SIM_RANDOM; order++) {
        const char *fault = run(k_faulty_sum, K_FAULT_EARLY_EXIT, (sim_order)order, 1);
        cr_assert(fault && strstr(fault, "never reach"), "%s", fault ? fault : "no fault");
        fault = run(k_faulty_sum, K_FAULT_DIVERGENT, (sim_order)order, 1);
        cr_assert(fault && strstr(fault, "different barriers"), "%s", fault ? fault : "no fault");
    }
}

Test(sim, shuffles_that_not_all_lanes_reach)
{
    const char *fault = run(k_faulty_shuffle, K_FAULT_MISSING_LANE, SIM_IN_ORDER, 1);
    cr_assert(fault && strstr(fault, "shuffle"), "%s", fault ? fault : "no fault");
}

/* A missing barrier is a wrong sum in some order even without a race checker. */
Test(sim, a_removed_barrier_shows_in_some_order)
{
    uint32_t wrong = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        cr_assert_null(run(k_faulty_sum, K_FAULT_NO_BARRIER, SIM_RANDOM, seed));
        for (uint32_t b = 0; b < 4; b++)
            wrong += out[b] != sum_of(64 * b, 64);
    }
    cr_assert(wrong > 100, "%u of 200 sums are wrong", wrong);
}

/* A signal, or the end that a sanitizer makes of it. */
Test(sim, shared_memory_ends_where_the_launch_said)
{
    for (int fault = 0; fault < 2; fault++) {
        int status = 0;
        const pid_t child = fork();
        cr_assert(child >= 0);
        if (child == 0) {
            if (!freopen("/dev/null", "w", stderr)) /* a sanitizer's report */
                _exit(3);
            _exit(run(k_faulty_overflow, fault ? K_FAULT_OVERFLOW : K_FAULT_NONE, SIM_IN_ORDER,
                      1) != NULL);
        }
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert_eq(WIFEXITED(status) && WEXITSTATUS(status) == 0, !fault);
    }
}

/* ---- clusters ---- */

static const char *run_clusters(uint32_t cluster, k_fault fault, sim_order order, uint64_t seed)
{
    const k_faulty args = {in, out, fault, cluster};
    const sim_options options = {order, seed};
    for (uint32_t i = 0; i < 8 * 64; i++)
        in[i] = i * 2654435761u;
    memset(out, 0, sizeof out);
    return sim_launch_clusters(k_faulty_cluster, (sim_dim){8, 1, 1}, (sim_dim){64, 1, 1}, cluster,
                               &args, 64 * 4, &options);
}

static uint32_t wrong_words(uint32_t cluster)
{
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < 8 * 64; i++) {
        const uint32_t block = i / 64, first = block / cluster * cluster;
        const uint32_t next = first + (block - first + 1) % cluster;
        wrong += out[i] != in[next * 64 + 63 - i % 64];
    }
    return wrong;
}

Test(sim, blocks_of_a_cluster_see_each_others_memory)
{
    for (uint32_t cluster = 1; cluster <= 8; cluster *= 2)
        for (uint64_t seed = 0; seed < 6; seed++)
            for (int order = SIM_IN_ORDER; order <= SIM_RANDOM; order++) {
                const char *fault = run_clusters(cluster, K_FAULT_NONE, (sim_order)order, seed);
                cr_assert_null(fault, "%s", fault);
                cr_assert_eq(wrong_words(cluster), 0, "cluster of %u", cluster);
            }
}

/* Whoever runs first reads what its neighbour has not written yet. */
Test(sim, a_removed_cluster_barrier_shows)
{
    for (int order = SIM_IN_ORDER; order <= SIM_RANDOM; order++) {
        cr_assert_null(run_clusters(4, K_FAULT_NO_CLUSTER_BARRIER, (sim_order)order, 3));
        cr_assert_gt(wrong_words(4), 64);
    }
}

Test(sim, cluster_barriers_that_not_all_blocks_reach)
{
    for (int order = SIM_IN_ORDER; order <= SIM_RANDOM; order++) {
        const char *fault = run_clusters(2, K_FAULT_CLUSTER_DIVERGENT, (sim_order)order, 1);
        cr_assert(fault && strstr(fault, "different barriers"), "%s", fault ? fault : "no fault");
        fault = run_clusters(4, K_FAULT_CLUSTER_MISSING, (sim_order)order, 1);
        cr_assert(fault && strstr(fault, "never reach"), "%s", fault ? fault : "no fault");
    }
}

/* The neighbour is at its end before its memory is asked for, in every order. */
Test(sim, blocks_that_end_before_others_are_done_with_them)
{
    for (int order = SIM_IN_ORDER; order <= SIM_RANDOM; order++) {
        const char *fault = run_clusters(8, K_FAULT_CLUSTER_ENDS, (sim_order)order, 2);
        cr_assert(fault && strstr(fault, "has ended"), "%s", fault ? fault : "no fault");
        fault = run_clusters(8, K_FAULT_CLUSTER_RANK, (sim_order)order, 2);
        cr_assert(fault && strstr(fault, "does not have"), "%s", fault ? fault : "no fault");
    }
}

Test(sim, refuses_launches_that_no_device_takes)
{
    const k_faulty args = {in, out, K_FAULT_NONE, 1};
    cr_assert_not_null(
        sim_launch(k_faulty_sum, (sim_dim){1, 1, 1}, (sim_dim){2048, 1, 1}, &args, 256, NULL));
    cr_assert_not_null(
        sim_launch(k_faulty_sum, (sim_dim){1, 65536, 1}, (sim_dim){64, 1, 1}, &args, 256, NULL));
    cr_assert_not_null(
        sim_launch(k_faulty_sum, (sim_dim){1, 1, 1}, (sim_dim){64, 2, 1}, &args, 256, NULL));
    cr_assert_not_null(sim_launch(k_faulty_sum, (sim_dim){1, 1, 1}, (sim_dim){64, 1, 1}, &args,
                                  (size_t)228 * 1024, NULL));
    cr_assert_not_null(sim_launch_clusters(k_faulty_cluster, (sim_dim){9, 1, 1},
                                           (sim_dim){64, 1, 1}, 2, &args, 256, NULL));
    cr_assert_not_null(sim_launch_clusters(k_faulty_cluster, (sim_dim){16, 1, 1},
                                           (sim_dim){64, 1, 1}, 16, &args, 256, NULL));
    cr_assert_null(run(k_faulty_overflow, K_FAULT_NONE, SIM_IN_ORDER, 1));
}
