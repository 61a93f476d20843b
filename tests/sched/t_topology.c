/*
 * Topologies and placements, on described machines: synthetic ones of hwloc and two XML files
 * (two_sockets_eight_gpus.xml; four_nodes.xml: sub-NUMA, latencies, a node without memory, one with
 * a second memory, memory without processors). And on this machine, what little is certain there.
 */
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/sched/placement.h"
#include "tests/base/test_dir.h"
#include "tests/ref/ref_placement.h"
#include "tests/ref/ref_random.h"

#define GIB        ((uint64_t)1 << 30)
#define TWO_GPUS   HEL_SOURCE_DIR "/tests/sched/two_sockets_eight_gpus.xml"
#define FOUR_NODES HEL_SOURCE_DIR "/tests/sched/four_nodes.xml"

typedef struct world {
    hel_engine *engine;
    hel_topology *t;
    hel_placement *p;
} world;

static hel_engine *engine_of(uint32_t threads)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_engine *engine;
    config.threads = threads;
    cr_assert_eq(hel_engine_create(&engine, &config), HEL_OK);
    return engine;
}

static void start(world *w, const hel_topology_source *source)
{
    memset(w, 0, sizeof *w);
    w->engine = engine_of(1);
    hel_error_clear(w->engine);
    cr_assert_eq(hel_topology_load(w->engine, &w->t, source), HEL_OK, "%s",
                 hel_engine_error(w->engine));
}

static void synthetic(world *w, const char *words)
{
    start(w, &(hel_topology_source){.synthetic = words});
}

static void place(world *w, uint32_t workers, uint32_t readers, const char *pci)
{
    const hel_placement_request request = {workers, readers, pci};
    hel_placement_free(w->p);
    cr_assert_eq(hel_placement_create(w->engine, &w->p, w->t, &request), HEL_OK);
}

static void finish(world *w)
{
    hel_placement_free(w->p);
    hel_topology_free(w->t);
    hel_engine_free(w->engine);
    cr_assert_eq(hel_mem_in_use(), 0);
}

static hel_cpus cpus_of(uint32_t first, uint32_t count)
{
    hel_cpus c = {{0}};
    for (uint32_t i = 0; i < count; i++)
        hel_cpus_add(&c, first + i);
    return c;
}

static uint32_t workers_on(const hel_placement *p, uint32_t node)
{
    uint32_t here = 0;
    for (uint32_t i = 0; i < p->workers; i++)
        here += p->worker[i] == node;
    return here;
}

static void expect_text(world *w, const char *want)
{
    hel_buf text = {0};
    cr_assert_eq(hel_placement_text(w->engine, w->p, &text), HEL_OK);
    cr_assert_eq(hel_buf_put(w->engine, &text, "", 1), HEL_OK);
    cr_expect_str_eq((const char *)text.data, want);
    hel_buf_free(&text);
}

/* ---- shapes ---- */

Test(topology, one_node_binds_nothing)
{
    world w;
    int area[4];
    synthetic(&w, "numa:1(memory=34359738368) l3:1(size=33554432) core:4 l1d:1(size=32768) pu:2");
    cr_expect(w.t->processors == 8 && w.t->cores == 4 && w.t->nodes == 1);
    cr_expect(w.t->node[0].cpus == 8 && w.t->node[0].cores == 4 && w.t->node[0].processors == 8);
    cr_expect(w.t->node[0].memory == 32 * GIB && w.t->node[0].memory_allowed);
    cr_expect(w.t->cache[0].bytes == 32768 && w.t->cache[0].count == 4);
    cr_expect(w.t->cache[1].bytes == 0 && w.t->cache[1].count == 0);
    cr_expect(w.t->cache[2].bytes == 32 << 20 && w.t->cache[2].count == 1);
    cr_expect_not(w.t->bindable);
    place(&w, 6, 2, NULL);
    for (uint32_t i = 0; i < 6; i++)
        cr_expect_eq(w.p->worker[i], HEL_ANYWHERE);
    cr_expect_not(hel_placement_bind_reader(w.p));
    cr_expect_not(hel_placement_bind_large(w.p, area, sizeof area));
    cr_expect_eq(hel_placement_apply(w.engine, w.p), HEL_OK);
    cr_expect_not(hel_pool_placed(w.engine));
    expect_text(&w, "workers: 6, anywhere on processors 0-7\nreaders: anywhere\n"
                    "buffers: where they are first touched\n");
    finish(&w);
}

Test(topology, two_sockets)
{
    world w;
    hel_buf text = {0};
    synthetic(&w, "package:2 [numa(memory=68719476736)] core:4 pu:2");
    cr_expect(w.t->packages == 2 && w.t->nodes == 2 && w.t->processors == 16);
    for (uint32_t i = 0; i < 2; i++) {
        const hel_cpus want = cpus_of(8 * i, 8);
        cr_expect(w.t->node[i].number == i && w.t->node[i].cores == 4);
        cr_expect(memcmp(&w.t->node[i].allowed, &want, sizeof want) == 0);
    }
    cr_expect_eq(hel_topology_distance(w.t, 0, 0), 0);
    cr_expect_gt(hel_topology_distance(w.t, 0, 1), 0);
    place(&w, 5, 0, NULL);
    static const uint32_t want[] = {0, 1, 0, 1, 0};
    for (uint32_t i = 0; i < 5; i++)
        cr_expect_eq(w.p->worker[i], want[i]);
    expect_text(&w, "workers: 3 on node 0 (processors 0-7), 2 on node 1 (processors 8-15)\n"
                    "buffers: large ones in turn over nodes 0 and 1\n");
    cr_assert_eq(hel_topology_text(w.engine, w.t, &text), HEL_OK);
    cr_assert_eq(hel_buf_put(w.engine, &text, "", 1), HEL_OK);
    cr_expect_str_eq((const char *)text.data, "16 of 16 processors, 2 nodes\n"
                                              "node 0: processors 0-7 (8 of 8), 64.0 GiB\n"
                                              "node 1: processors 8-15 (8 of 8), 64.0 GiB\n");
    hel_buf_free(&text);
    finish(&w);
}

/* The cpuset of a job: all of node 1, one processor of node 3, nothing of the others. */
Test(topology, four_sockets_of_which_the_job_has_a_part)
{
    world w;
    hel_cpus allowed = cpus_of(4, 4);
    hel_cpus_add(&allowed, 14);
    hel_cpus_add(&allowed, 999); /* not of this machine */
    start(&w, &(hel_topology_source){.synthetic = "package:4 [numa(memory=1073741824)] core:4 pu:1",
                                     .allowed = &allowed});
    cr_expect_eq(hel_cpus_count(&w.t->allowed), 5);
    cr_expect(w.t->node[0].cpus == 0 && w.t->node[1].cpus == 4 && w.t->node[2].cpus == 0 &&
              w.t->node[3].cpus == 1 && w.t->node[3].processors == 4);
    place(&w, 4, 0, NULL);
    cr_expect(workers_on(w.p, 1) == 3 && workers_on(w.p, 3) == 1);
    place(&w, 10, 0, NULL); /* twice round */
    cr_expect(workers_on(w.p, 1) == 8 && workers_on(w.p, 3) == 2);
    cr_expect(!w.p->turns[0] && w.p->turns[1] && !w.p->turns[2] && w.p->turns[3]);
    finish(&w);
    /* all of it on one node: as good as a machine of one */
    allowed = cpus_of(8, 2);
    start(&w, &(hel_topology_source){.synthetic = "package:4 [numa(memory=1073741824)] core:4 pu:1",
                                     .allowed = &allowed});
    place(&w, 2, 1, NULL);
    expect_text(&w, "workers: 2, anywhere on processors 8-9\nreaders: anywhere\n"
                    "buffers: where they are first touched\n");
    finish(&w);
    /* none at all */
    allowed = cpus_of(100, 2);
    start(&w, &(hel_topology_source){.synthetic = "package:2 [numa(memory=1073741824)] core:4 pu:1",
                                     .allowed = &allowed});
    place(&w, 2, 0, NULL);
    cr_expect(w.p->worker[0] == HEL_ANYWHERE && w.p->worker[1] == HEL_ANYWHERE);
    finish(&w);
}

/* Node 0 has both threads of one core only; node 1 two cores, one thread of each. */
Test(topology, cores_come_before_their_second_threads)
{
    world w;
    hel_cpus allowed = cpus_of(0, 2);
    hel_cpus_add(&allowed, 4);
    hel_cpus_add(&allowed, 6);
    start(&w,
          &(hel_topology_source){.synthetic = "package:2 [numa] core:2 pu:2", .allowed = &allowed});
    cr_expect(w.t->node[0].cores == 1 && w.t->node[0].cpus == 2);
    cr_expect(w.t->node[1].cores == 2 && w.t->node[1].cpus == 2);
    place(&w, 3, 0, NULL);
    cr_expect(workers_on(w.p, 0) == 1 && workers_on(w.p, 1) == 2);
    place(&w, 4, 0, NULL);
    cr_expect(workers_on(w.p, 0) == 2 && workers_on(w.p, 1) == 2);
    cr_expect(!w.p->turns[0] && !w.p->turns[1]); /* nothing is known of their memory */
    finish(&w);
}

Test(topology, sub_numa)
{
    world w;
    synthetic(&w, "package:2 numa:2(memory=1073741824) core:2 pu:1");
    cr_expect_eq(w.t->nodes, 4);
    /* without latencies: the same package is closer */
    cr_expect_lt(hel_topology_distance(w.t, 0, 1), hel_topology_distance(w.t, 0, 2));
    cr_expect_eq(hel_topology_distance(w.t, 0, 2), hel_topology_distance(w.t, 0, 3));
    place(&w, 6, 0, NULL);
    cr_expect(workers_on(w.p, 0) == 2 && workers_on(w.p, 1) == 2 && workers_on(w.p, 2) == 1 &&
              workers_on(w.p, 3) == 1);
    expect_text(&w, "workers: 2 on node 0 (processors 0-1), 2 on node 1 (processors 2-3), "
                    "1 on node 2 (processors 4-5), 1 on node 3 (processors 6-7)\n"
                    "buffers: large ones in turn over nodes 0, 1, 2 and 3\n");
    finish(&w);
}

/* ---- random shapes against the oracle ---- */

typedef struct shape {
    uint32_t packages, numa, cores, threads;
    hel_cpus allowed;
    ref_place place[REF_NODES];
} shape;

static void random_shape(ref_random *r, shape *s)
{
    *s = (shape){.packages = 1 + ref_random_below(r, 3), .numa = 1 + ref_random_below(r, 2)};
    s->cores = 1 + ref_random_below(r, 3);
    s->threads = 1 + ref_random_below(r, 3);
    const uint32_t some = ref_random_below(r, 4); /* of four processors, about */
    for (uint32_t n = 0; n < s->packages * s->numa; n++)
        for (uint32_t c = 0; c < s->cores; c++) {
            uint32_t here = 0;
            for (uint32_t t = 0; t < s->threads; t++)
                if (ref_random_below(r, 4) >= some) {
                    hel_cpus_add(&s->allowed, (n * s->cores + c) * s->threads + t);
                    here++;
                }
            s->place[n].processors += here;
            s->place[n].cores += here > 0;
        }
}

Test(topology, random_shapes, .timeout = 300)
{
    ref_random r = ref_random_start(61);
    for (size_t k = ref_scaled(400); k-- > 0;) {
        world w;
        shape s;
        char words[128];
        random_shape(&r, &s);
        const uint32_t nodes = s.packages * s.numa, workers = ref_random_below(&r, 13);
        snprintf(words, sizeof words, "package:%u numa:%u(memory=1024) core:%u pu:%u", s.packages,
                 s.numa, s.cores, s.threads);
        start(&w, &(hel_topology_source){.synthetic = words, .allowed = &s.allowed});
        place(&w, workers, 0, NULL);
        uint32_t want[REF_NODES], usable = 0;
        for (uint32_t n = 0; n < nodes; n++)
            usable += s.place[n].processors > 0;
        ref_spread(want, s.place, nodes, usable > 1 ? workers : 0);
        cr_assert_eq(w.t->nodes, nodes);
        for (uint32_t n = 0; n < nodes; n++) {
            cr_assert_eq(w.t->node[n].cpus, s.place[n].processors, "%s node %u", words, n);
            cr_assert(!s.place[n].processors || w.t->node[n].cores == s.place[n].cores);
            cr_assert_eq(workers_on(w.p, n), want[n], "%s, %u workers: %u on node %u, best is %u",
                         words, workers, workers_on(w.p, n), n, want[n]);
        }
        cr_assert_eq(workers_on(w.p, HEL_ANYWHERE), usable > 1 ? 0 : workers);
        /* fewer workers are placed as the first of more */
        if (workers > 1) {
            hel_placement *all = w.p;
            const uint32_t fewer = 1 + ref_random_below(&r, workers - 1);
            w.p = NULL;
            place(&w, fewer, 0, NULL);
            cr_assert(memcmp(all->worker, w.p->worker, fewer * sizeof *all->worker) == 0);
            hel_placement_free(all);
        }
        finish(&w);
    }
}

/* Many workers on a large machine: nobody has two more than another, nothing is overfull. */
Test(topology, a_large_machine)
{
    world w;
    synthetic(&w, "package:8 numa:4(memory=1073741824) core:16 pu:2");
    cr_assert_eq(w.t->processors, 1024);
    cr_assert_eq(w.t->nodes, 32);
    static const uint32_t numbers[] = {1, 31, 32, 33, 511, 512, 513, 1024, 1025, 4096};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        place(&w, numbers[k], 0, NULL);
        uint32_t least = UINT32_MAX, most = 0, sum = 0;
        for (uint32_t n = 0; n < 32; n++) {
            const uint32_t here = workers_on(w.p, n);
            least = here < least ? here : least;
            most = here > most ? here : most;
            sum += here;
        }
        cr_expect(sum == numbers[k] && most - least <= 1);
    }
    finish(&w);
}

/* ---- devices ---- */

static void load_xml(world *w, const char *path, const hel_cpus *allowed)
{
    start(w, &(hel_topology_source){.xml = path, .devices = 1, .allowed = allowed});
}

Test(topology, eight_gpus_by_their_place_on_the_bus)
{
    static const char *const pci[] = {"0000:18:00.0", "0000:2a:00.0", "0000:3b:00.0",
                                      "0000:5d:00.0", "0000:9a:00.0", "0000:AB:00.0",
                                      "0000:ba:00.0", "0001:db:00.0"};
    world w;
    load_xml(&w, TWO_GPUS, NULL);
    cr_expect(w.t->nodes == 2 && w.t->node[0].cores == 2 && w.t->node[0].cpus == 4);
    cr_expect(w.t->latency && hel_topology_distance(w.t, 0, 1) == 21);
    for (uint32_t i = 0; i < 8; i++) {
        const uint32_t node = i / 4;
        place(&w, 8, 2, pci[i]);
        cr_expect(w.p->near == HEL_NEAR_SOME && w.p->nearest == node);
        cr_expect_eq(w.p->instead, HEL_ANYWHERE);
        cr_expect(memcmp(&w.p->reader, &w.t->node[node].allowed, sizeof w.p->reader) == 0);
        cr_expect(w.p->feeding[node] && !w.p->feeding[1 - node]);
    }
    expect_text(&w, "workers: 4 on node 0 (processors 0-3), 4 on node 1 (processors 4-7)\n"
                    "readers: processors 4-7; node 1 is the nearest to 0001:db:00.0\n"
                    "buffers: those that feed the device in the memory of node 1; "
                    "large ones in turn over nodes 0 and 1\n");
    static const char *const none[] = {"0001:18:00.0", "0000:18:00.1", "0000:19:00.0", "3", "x"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        place(&w, 8, 2, none[i]);
        cr_expect_eq(w.p->near, HEL_NEAR_UNKNOWN, "%s", none[i]);
        cr_expect(hel_cpus_count(&w.p->reader) == 0 && !w.p->feeding[0] && !w.p->feeding[1]);
    }
    place(&w, 0, 1, "0000:19:00.0");
    expect_text(&w, "workers: none\n"
                    "readers: anywhere; no device 0000:19:00.0 is seen on the bus\n"
                    "buffers: large ones in turn over nodes 0 and 1\n");
    finish(&w);
    /* whoever does not ask for devices sees none */
    start(&w, &(hel_topology_source){.xml = TWO_GPUS});
    place(&w, 8, 2, pci[0]);
    cr_expect_eq(w.p->near, HEL_NEAR_UNKNOWN);
    finish(&w);
}

/* The job has processors of the far socket alone: readers are there anyway. */
Test(topology, a_gpu_beyond_the_job)
{
    world w;
    const hel_cpus allowed = cpus_of(0, 4);
    load_xml(&w, TWO_GPUS, &allowed);
    place(&w, 4, 1, "0000:9a:00.0");
    cr_expect(w.p->nearest == 1 && w.p->instead == 0);
    cr_expect(hel_cpus_count(&w.p->reader) == 0 && !w.p->feeding[0] && !w.p->feeding[1]);
    expect_text(&w, "workers: 4, anywhere on processors 0-3\n"
                    "readers: anywhere; node 1, the nearest to 0000:9a:00.0, has no processor of "
                    "this process, and node 0 is the closest that has\n"
                    "buffers: where they are first touched\n");
    finish(&w);
}

Test(topology, the_closest_by_latency)
{
    world w;
    const hel_cpus far = cpus_of(4, 4), node2 = cpus_of(4, 2), first = cpus_of(0, 4);
    load_xml(&w, FOUR_NODES, &far); /* nodes 2 and 3: 22 and 32 from node 1 */
    cr_assert_eq(w.t->nodes, 4); /* one memory has no processors of its own, and one is a second */
    for (uint32_t i = 0; i < 4; i++)
        cr_expect(w.t->node[i].number == i && w.t->node[i].processors == 2);
    cr_expect_eq(hel_topology_distance(w.t, 3, 0), 22);
    cr_expect(w.t->node[2].memory == 0 && !w.t->node[2].memory_allowed);
    place(&w, 4, 1, "0000:41:00.0");
    cr_expect(w.p->nearest == 1 && w.p->instead == 2);
    cr_expect(memcmp(&w.p->reader, &node2, sizeof node2) == 0);
    /* node 2 has no memory: that of node 3 is the closest to the readers */
    cr_expect(!w.p->feeding[0] && !w.p->feeding[1] && !w.p->feeding[2] && w.p->feeding[3]);
    cr_expect(!w.p->turns[2] && w.p->turns[3]);
    expect_text(&w, "workers: 2 on node 2 (processors 4-5), 2 on node 3 (processors 6-7)\n"
                    "readers: processors 4-5; node 1, the nearest to 0000:41:00.0, has no "
                    "processor of this process, and node 2 is the closest that has\n"
                    "buffers: those that feed the device in the memory of node 3; others where "
                    "they are first touched\n");
    finish(&w);
    load_xml(&w, FOUR_NODES, &first); /* nodes 0 and 1: 32 and 22 from node 2 */
    place(&w, 4, 1, "0000:81:00.0");
    cr_expect(w.p->nearest == 2 && w.p->instead == 1);
    cr_expect(w.p->feeding[1] && !w.p->feeding[0]);
    finish(&w);
}

Test(topology, devices_of_a_package_and_of_the_machine)
{
    world w;
    load_xml(&w, FOUR_NODES, NULL);
    place(&w, 8, 2, "0000:c1:00.0"); /* both nodes of the second package */
    const hel_cpus both = cpus_of(4, 4);
    cr_expect(w.p->near == HEL_NEAR_SOME && w.p->nearest == 2);
    cr_expect(memcmp(&w.p->reader, &both, sizeof both) == 0);
    cr_expect(!w.p->feeding[2] && w.p->feeding[3]);
    place(&w, 8, 2, "0000:81:00.0"); /* a node without memory */
    cr_expect(w.p->nearest == 2 && w.p->instead == HEL_ANYWHERE);
    cr_expect(!w.p->feeding[1] && w.p->feeding[3]);
    place(&w, 8, 2, "0000:e1:00.0"); /* attached to the machine: nothing is known */
    cr_expect_eq(w.p->near, HEL_NEAR_ALL);
    cr_expect_eq(hel_cpus_count(&w.p->reader), 0);
    expect_text(&w, "workers: 2 on node 0 (processors 0-1), 2 on node 1 (processors 2-3), 2 on "
                    "node 2 (processors 4-5), 2 on node 3 (processors 6-7)\n"
                    "readers: anywhere; 0000:e1:00.0 is as near to one node as to another\n"
                    "buffers: large ones in turn over nodes 0, 1 and 3\n");
    finish(&w);
    /* one of the package's two nodes is the job's */
    hel_cpus allowed = cpus_of(0, 2);
    hel_cpus_add(&allowed, 7);
    load_xml(&w, FOUR_NODES, &allowed);
    place(&w, 3, 1, "0000:c1:00.0");
    cr_expect(w.p->instead == HEL_ANYWHERE && hel_cpus_count(&w.p->reader) == 1 &&
              hel_cpus_has(&w.p->reader, 7));
    finish(&w);
}

/* ---- what cannot be read ---- */

Test(topology, refusals)
{
    hel_engine *engine = engine_of(1);
    test_dir dir;
    hel_topology *t;
    test_dir_make(&dir);
    const char *path = test_dir_path(&dir, "odd.xml");
    test_write_file(path, "<topology>", 10, 0644);
    hel_error_clear(engine);
    cr_expect_eq(hel_topology_load(engine, &t, &(hel_topology_source){.synthetic = "pack:x"}),
                 HEL_E_INPUT);
    cr_expect(!t && strstr(hel_engine_error(engine), "pack:x"), "%s", hel_engine_error(engine));
    const char *const bad[] = {path, "/nonexistent.xml"};
    for (int i = 0; i < 2; i++) {
        hel_error_clear(engine);
        cr_expect_eq(hel_topology_load(engine, &t, &(hel_topology_source){.xml = bad[i]}),
                     HEL_E_INPUT);
        cr_expect(!t && strstr(hel_engine_error(engine), bad[i]), "%s", hel_engine_error(engine));
    }
    hel_topology_free(NULL);
    hel_placement_free(NULL);
    test_dir_remove(&dir);
    hel_engine_free(engine);
    cr_expect_eq(hel_mem_in_use(), 0);
}

/* Every allocation fails once. */
Test(topology, without_memory)
{
    hel_engine *engine = engine_of(2);
    const hel_topology_source source = {.xml = TWO_GPUS, .devices = 1};
    const hel_placement_request request = {4, 2, "0000:9a:00.0"};
    hel_status status = HEL_E_MEMORY;
    uint64_t nth = 1;
    for (; status != HEL_OK; nth++) {
        hel_topology *t = NULL;
        hel_placement *p = NULL;
        hel_buf text = {0};
        hel_mem_fail_nth(nth);
        status = hel_topology_load(engine, &t, &source);
        if (status == HEL_OK)
            status = hel_placement_create(engine, &p, t, &request);
        if (status == HEL_OK)
            status = hel_placement_text(engine, p, &text);
        hel_mem_fail_nth(0);
        cr_assert(status == HEL_OK || status == HEL_E_MEMORY);
        hel_buf_free(&text);
        hel_placement_free(p);
        hel_topology_free(t);
        cr_assert_eq(hel_mem_in_use(), 0, "allocation %llu", (unsigned long long)nth);
    }
    cr_expect_gt(nth, 8);
    hel_engine_free(engine);
}

/* ---- this machine ---- */

Test(topology, this_machine)
{
    world w;
    hel_cpus mine;
    cr_assert(hel_cpus_of_thread(&mine));
    for (int devices = 0; devices <= 1; devices++) {
        start(&w, &(hel_topology_source){.devices = devices});
        cr_expect(w.t->bindable && w.t->nodes >= 1 && w.t->devices == devices);
        cr_expect(memcmp(&w.t->allowed, &mine, sizeof mine) == 0);
        cr_expect_geq(w.t->processors, hel_cpus_count(&mine));
        uint32_t sum = 0;
        for (uint32_t i = 0; i < w.t->nodes; i++)
            sum += w.t->node[i].cpus;
        cr_expect_eq(sum, hel_cpus_count(&mine));
        finish(&w);
    }
    /* what the thread may use counts, not what the machine has */
    hel_cpus one = {{0}};
    for (uint32_t cpu = 0; hel_cpus_count(&one) == 0; cpu++)
        if (hel_cpus_has(&mine, cpu))
            hel_cpus_add(&one, cpu);
    cr_assert(hel_cpus_bind(&one));
    start(&w, NULL);
    cr_expect(memcmp(&w.t->allowed, &one, sizeof one) == 0);
    finish(&w);
    cr_assert(hel_cpus_bind(&mine));
}

/* Landlock keeps every file away; what is left is enough to run on. */
Test(topology, where_nothing_can_be_read)
{
    const struct {
        uint64_t forbidden;
    } rules = {1 << 2 | 1 << 3}; /* reading of files and of folders */
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        hel_topology *t;
        hel_cpus mine;
        const int fd = (int)syscall(444, &rules, sizeof rules, 0);
        if (fd < 0)
            _exit(77);
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(446, fd, 0) != 0)
            _exit(2);
        if (open("/proc/cpuinfo", O_RDONLY) >= 0)
            _exit(3);
        for (int devices = 0; devices <= 1; devices++) {
            const hel_topology_source source = {.devices = devices};
            if (hel_topology_load(NULL, &t, &source) != HEL_OK)
                _exit(4);
            if (!hel_cpus_of_thread(&mine) || t->nodes < 1 || t->node[0].cpus < 1 ||
                hel_cpus_count(&t->allowed) != hel_cpus_count(&mine))
                _exit(5);
            hel_topology_free(t);
        }
        hel_engine *engine = engine_of(2);
        _exit(hel_place_engine(engine) == HEL_OK ? 0 : 6);
    }
    int state;
    cr_assert(waitpid(child, &state, 0) == child);
    if (WIFEXITED(state) && WEXITSTATUS(state) == 77)
        cr_skip_test("no Landlock here");
    cr_expect(WIFEXITED(state) && WEXITSTATUS(state) == 0, "%d", WEXITSTATUS(state));
}

/* ---- binding: this machine, described as one with a node for each processor ---- */

/* Two processors with numbers 0 and 1 are needed. */
static int two_processors(void)
{
    hel_cpus mine;
    return hel_cpus_of_thread(&mine) && hel_cpus_has(&mine, 0) && hel_cpus_has(&mine, 1);
}

static const hel_topology_source as_two_nodes = {.synthetic = "numa:2(memory=1073741824) pu:1",
                                                 .is_this = 1};

static int policy_of(const void *area, unsigned long *nodes)
{
    int policy = -1;
    *nodes = 0;
    if (syscall(SYS_get_mempolicy, &policy, nodes, 64ul, area, (unsigned long)MPOL_F_ADDR) != 0)
        return -1;
    return policy;
}

Test(topology, threads_are_bound)
{
    world w;
    hel_cpus now, mine;
    if (!two_processors())
        cr_skip_test("processors 0 and 1 are needed");
    cr_assert(hel_cpus_of_thread(&mine));
    start(&w, &as_two_nodes);
    cr_assert(w.t->bindable && w.t->nodes == 2);
    place(&w, 4, 1, NULL);
    cr_expect_not(hel_placement_bind_reader(w.p));
    w.p->reader = w.t->node[1].allowed; /* as if a device were there */
    cr_assert(hel_placement_bind_reader(w.p));
    cr_assert(hel_cpus_of_thread(&now));
    cr_expect(hel_cpus_count(&now) == 1 && hel_cpus_has(&now, 1));
    cr_assert(hel_cpus_bind(&mine));

    hel_engine *engine = engine_of(4);
    cr_assert_eq(hel_placement_apply(engine, w.p), HEL_OK);
    cr_expect(hel_pool_placed(engine));
    hel_engine_free(engine);
    finish(&w);
}

Test(topology, memory_is_bound)
{
    world w;
    unsigned long nodes;
    const size_t bytes = 1 << 20;
    uint8_t *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(area != MAP_FAILED);
    start(&w, &(hel_topology_source){.synthetic = "numa:1(memory=1073741824) pu:1", .is_this = 1});
    const int before = policy_of(area, &nodes);
    if (before < 0)
        cr_skip_test("this kernel, or its guard, has no memory policies");
    cr_expect_eq(before, MPOL_DEFAULT);
    if (!hel_topology_bind_memory(w.t, area, bytes, (const uint8_t[]){1}, 1))
        cr_skip_test("memory cannot be bound here");
    cr_expect_eq(policy_of(area, &nodes), MPOL_INTERLEAVE);
    cr_expect_eq(nodes, 1);
    cr_expect(hel_topology_bind_memory(w.t, area, bytes, (const uint8_t[]){1}, 0));
    const int after = policy_of(area, &nodes);
    cr_expect(after == MPOL_PREFERRED || after == MPOL_BIND || after == 5, "%d", after);
    cr_expect_eq(nodes, 1);
    memset(area, 1, bytes);
    /* no node: nothing happens */
    cr_expect_not(hel_topology_bind_memory(w.t, area, bytes, (const uint8_t[]){0}, 0));
    munmap(area, bytes);
    finish(&w);
}

/* On a machine of one node, and wherever nothing can be gained, the pool stays as it is. */
Test(topology, engines_of_this_machine)
{
    world w;
    start(&w, NULL);
    uint32_t usable = 0;
    for (uint32_t i = 0; i < w.t->nodes; i++)
        usable += w.t->node[i].cpus > 0;
    hel_engine *engine = engine_of(3);
    cr_assert_eq(hel_place_engine(engine), HEL_OK);
    cr_expect_eq(hel_pool_placed(engine), usable > 1);
    cr_assert_eq(hel_place_engine(engine), HEL_OK);
    cr_expect_str_eq(hel_engine_error(engine), "");
    hel_engine_free(engine);
    finish(&w);
}
