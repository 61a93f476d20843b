/* See placement.h. */
#include "host/sched/placement.h"

#include <stdio.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/base/pool.h"

/* Nodes that can run something. */
static uint32_t places(const hel_topology *t)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < t->nodes; i++)
        found += t->node[i].cpus > 0;
    return found;
}

/* ---- workers ---- */

/* What one more worker would share on a node that has `there`: 0 nothing, 1 a core, 2 and more a
 * processor. Never falls as workers come, so that taking the least each time is the best in all. */
static uint32_t crowding(const hel_node *n, uint32_t there)
{
    if (there < n->cores)
        return 0;
    return 1 + there / n->cpus;
}

static uint32_t next_node(const hel_topology *t, const uint32_t *there)
{
    uint32_t best = HEL_ANYWHERE, least = 0;
    for (uint32_t i = 0; i < t->nodes; i++) {
        if (!t->node[i].cpus)
            continue;
        const uint32_t crowd = crowding(&t->node[i], there[i]);
        if (best == HEL_ANYWHERE || crowd < least || (crowd == least && there[i] < there[best])) {
            best = i;
            least = crowd;
        }
    }
    return best;
}

static hel_status place_workers(hel_engine *engine, hel_placement *p)
{
    const hel_topology *t = p->topology;
    const int bind = places(t) > 1;
    uint32_t *there;
    HEL_TRY(hel_calloc(engine, &there, t->nodes, sizeof *there));
    for (uint32_t i = 0; i < p->workers; i++) {
        p->worker[i] = bind ? next_node(t, there) : HEL_ANYWHERE;
        if (bind)
            there[p->worker[i]]++;
    }
    for (uint32_t i = 0; i < t->nodes; i++)
        p->turns[i] = bind && t->node[i].cpus && t->node[i].memory_allowed;
    hel_free(there);
    return HEL_OK;
}

/* ---- readers and the buffers that they fill ---- */

/* Of a node to the nearest of those marked. */
static uint64_t distance_to(const hel_topology *t, uint32_t node, const uint8_t *marked)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < t->nodes; i++)
        if (marked[i]) {
            const uint64_t d = hel_topology_distance(t, i, node);
            least = d < least ? d : least;
        }
    return least;
}

/* The node that is closest to those marked, of the ones with processors, or with memory. */
static uint32_t closest(const hel_topology *t, const uint8_t *marked, int of_memory)
{
    uint32_t best = HEL_ANYWHERE;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < t->nodes; i++) {
        if (of_memory ? !t->node[i].memory_allowed : !t->node[i].cpus)
            continue;
        const uint64_t d = distance_to(t, i, marked);
        if (best == HEL_ANYWHERE || d < least) {
            best = i;
            least = d;
        }
    }
    return best;
}

/* chosen: marks where readers run. The near nodes that have processors, or else the closest. */
static void choose_nodes(hel_placement *p, const uint8_t *near, uint8_t *chosen)
{
    const hel_topology *t = p->topology;
    uint32_t found = 0;
    for (uint32_t i = 0; i < t->nodes; i++) {
        chosen[i] = near[i] && t->node[i].cpus;
        found += chosen[i];
    }
    if (found)
        return;
    p->instead = closest(t, near, 0);
    if (p->instead != HEL_ANYWHERE)
        chosen[p->instead] = 1;
}

static void choose_memory(hel_placement *p, const uint8_t *chosen)
{
    const hel_topology *t = p->topology;
    uint32_t found = 0;
    for (uint32_t i = 0; i < t->nodes; i++) {
        p->feeding[i] = chosen[i] && t->node[i].memory_allowed;
        found += p->feeding[i];
    }
    const uint32_t other = found ? HEL_ANYWHERE : closest(t, chosen, 1);
    if (other != HEL_ANYWHERE)
        p->feeding[other] = 1;
}

static hel_status place_readers(hel_engine *engine, hel_placement *p)
{
    const hel_topology *t = p->topology;
    uint8_t *near;
    HEL_TRY(hel_calloc(engine, &near, 2, t->nodes));
    uint8_t *chosen = near + t->nodes;
    p->near = hel_topology_near(t, p->pci, near);
    if (p->near == HEL_NEAR_SOME) {
        for (uint32_t i = t->nodes; i-- > 0;)
            p->nearest = near[i] ? i : p->nearest;
        choose_nodes(p, near, chosen);
        if (places(t) > 1) { /* else they are there anyway, and so is what they touch first */
            for (uint32_t i = 0; i < t->nodes; i++)
                if (chosen[i])
                    hel_cpus_or(&p->reader, &t->node[i].allowed);
            choose_memory(p, chosen);
        }
    }
    hel_free(near);
    return HEL_OK;
}

hel_status hel_placement_create(hel_engine *engine, hel_placement **out, const hel_topology *t,
                                const hel_placement_request *request)
{
    hel_placement *p;
    *out = NULL;
    HEL_TRY(hel_calloc(engine, &p, 1, sizeof *p));
    *p = (hel_placement){.topology = t,
                         .workers = request->workers,
                         .readers = request->readers,
                         .near = HEL_NEAR_UNKNOWN,
                         .nearest = HEL_ANYWHERE,
                         .instead = HEL_ANYWHERE};
    snprintf(p->pci, sizeof p->pci, "%s", request->pci ? request->pci : "");
    hel_status status = hel_calloc(engine, &p->worker, p->workers, sizeof *p->worker);
    if (status == HEL_OK)
        status = hel_calloc(engine, &p->feeding, t->nodes, 1);
    if (status == HEL_OK)
        status = hel_calloc(engine, &p->turns, t->nodes, 1);
    if (status == HEL_OK)
        status = place_workers(engine, p);
    if (status == HEL_OK && p->pci[0])
        status = place_readers(engine, p);
    if (status == HEL_OK)
        *out = p;
    else
        hel_placement_free(p);
    return status;
}

void hel_placement_free(hel_placement *p)
{
    if (!p)
        return;
    hel_free(p->worker);
    hel_free(p->feeding);
    hel_free(p->turns);
    hel_free(p);
}

/* ---- words ---- */

/* "node 0", "nodes 0 and 2", "nodes 0, 1 and 2"; the number of them. */
static uint32_t name_nodes(const hel_topology *t, const uint8_t *marked, char *out, size_t room)
{
    uint32_t total = 0, said = 0;
    size_t used = 0;
    for (uint32_t i = 0; i < t->nodes; i++)
        total += marked[i];
    snprintf(out, room, "%s", total ? "" : "no node");
    for (uint32_t i = 0; i < t->nodes && used < room; i++)
        if (marked[i]) {
            const char *before = said == 0 ? "" : said + 1 == total ? " and " : ", ";
            used += (size_t)snprintf(out + used, room - used, "%s%s%u",
                                     said         ? ""
                                     : total == 1 ? "node "
                                                  : "nodes ",
                                     before, t->node[i].number);
            said++;
        }
    return total;
}

static hel_status workers_text(hel_engine *engine, const hel_placement *p, hel_buf *out)
{
    const hel_topology *t = p->topology;
    char cpus[128];
    if (!p->workers)
        return hel_buf_printf(engine, out, "workers: none\n");
    if (p->worker[0] == HEL_ANYWHERE)
        return hel_buf_printf(engine, out, "workers: %u, anywhere on processors %s\n", p->workers,
                              hel_cpus_text(cpus, sizeof cpus, &t->allowed));
    HEL_TRY(hel_buf_printf(engine, out, "workers: "));
    for (uint32_t i = 0, said = 0; i < t->nodes; i++) {
        uint32_t here = 0;
        for (uint32_t w = 0; w < p->workers; w++)
            here += p->worker[w] == i;
        if (!here)
            continue;
        HEL_TRY(hel_buf_printf(engine, out, "%s%u on node %u (processors %s)", said ? ", " : "",
                               here, t->node[i].number,
                               hel_cpus_text(cpus, sizeof cpus, &t->node[i].allowed)));
        said = 1;
    }
    return hel_buf_printf(engine, out, "\n");
}

static hel_status readers_text(hel_engine *engine, const hel_placement *p, hel_buf *out)
{
    const hel_topology *t = p->topology;
    char cpus[128];
    if (!p->pci[0])
        return hel_buf_printf(engine, out, "readers: anywhere\n");
    if (p->near == HEL_NEAR_UNKNOWN)
        return hel_buf_printf(engine, out, "readers: anywhere; no device %s is seen on the bus\n",
                              p->pci);
    if (p->near == HEL_NEAR_ALL)
        return hel_buf_printf(engine, out,
                              "readers: anywhere; %s is as near to one node as to "
                              "another\n",
                              p->pci);
    HEL_TRY(hel_buf_printf(engine, out, "readers: "));
    const uint32_t node = p->instead == HEL_ANYWHERE ? p->nearest : p->instead;
    if (hel_cpus_count(&p->reader))
        HEL_TRY(hel_buf_printf(engine, out, "processors %s; ",
                               hel_cpus_text(cpus, sizeof cpus, &p->reader)));
    else
        HEL_TRY(hel_buf_printf(engine, out, "anywhere; "));
    if (p->instead == HEL_ANYWHERE)
        return hel_buf_printf(engine, out, "node %u is the nearest to %s\n", t->node[node].number,
                              p->pci);
    return hel_buf_printf(engine, out,
                          "node %u, the nearest to %s, has no processor of this process, and "
                          "node %u is the closest that has\n",
                          t->node[p->nearest].number, p->pci, t->node[node].number);
}

static hel_status buffers_text(hel_engine *engine, const hel_placement *p, hel_buf *out)
{
    char nodes[128];
    HEL_TRY(hel_buf_printf(engine, out, "buffers: "));
    const uint32_t fed = name_nodes(p->topology, p->feeding, nodes, sizeof nodes);
    if (fed)
        HEL_TRY(
            hel_buf_printf(engine, out, "those that feed the device in the memory of %s; ", nodes));
    if (name_nodes(p->topology, p->turns, nodes, sizeof nodes) > 1)
        return hel_buf_printf(engine, out, "large ones in turn over %s\n", nodes);
    return hel_buf_printf(engine, out, "%swhere they are first touched\n", fed ? "others " : "");
}

hel_status hel_placement_text(hel_engine *engine, const hel_placement *p, hel_buf *out)
{
    HEL_TRY(workers_text(engine, p, out));
    if (p->readers)
        HEL_TRY(readers_text(engine, p, out));
    return buffers_text(engine, p, out);
}

/* ---- doing it ---- */

hel_status hel_placement_apply(hel_engine *engine, const hel_placement *p)
{
    const hel_topology *t = p->topology;
    const uint32_t threads = hel_engine_threads(engine);
    hel_cpus *set;
    uint32_t *place;
    if (!t->bindable || !p->workers || p->worker[0] == HEL_ANYWHERE)
        return HEL_OK;
    HEL_TRY(hel_malloc(engine, &set, t->nodes, sizeof *set));
    hel_status status = hel_malloc(engine, &place, threads, sizeof *place);
    if (status == HEL_OK) {
        for (uint32_t i = 0; i < t->nodes; i++)
            set[i] = t->node[i].allowed;
        for (uint32_t i = 0; i < threads; i++)
            place[i] = i < p->workers ? p->worker[i] : HEL_ANYWHERE;
        status = hel_pool_place(engine, set, t->nodes, place);
        hel_free(place);
    }
    hel_free(set);
    return status;
}

hel_status hel_place_engine(hel_engine *engine)
{
    const hel_placement_request request = {.workers = hel_engine_threads(engine)};
    hel_topology *t;
    hel_placement *p;
    if (request.workers < 2 || hel_pool_placed(engine))
        return HEL_OK;
    hel_status status = hel_topology_load(NULL, &t, NULL); /* leaves no sentence in the engine */
    if (status != HEL_OK)
        return status == HEL_E_MEMORY ? hel_fail(engine, status, "topology: out of memory")
                                      : HEL_OK;
    status = hel_placement_create(engine, &p, t, &request);
    if (status == HEL_OK)
        status = hel_placement_apply(engine, p);
    hel_placement_free(p);
    hel_topology_free(t);
    return status;
}

int hel_placement_bind_reader(const hel_placement *p)
{
    return p->topology->bindable && hel_cpus_count(&p->reader) > 0 && hel_cpus_bind(&p->reader);
}

static int any(const hel_placement *p, const uint8_t *marked)
{
    return memchr(marked, 1, p->topology->nodes) != NULL;
}

int hel_placement_bind_large(const hel_placement *p, void *area, size_t bytes)
{
    return any(p, p->turns) && hel_topology_bind_memory(p->topology, area, bytes, p->turns, 1);
}
