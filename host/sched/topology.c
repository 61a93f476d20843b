/* See topology.h. */
#include "host/sched/topology.h"

#include <stdio.h>
#include <string.h>

#include <hwloc.h>

#include "host/base/mem.h"

/* ---- loading ---- */

static void configure(hel_topology *t, const hel_topology_source *s)
{
    /* What plug-ins would add is not asked for, and some take seconds. */
    static const char *const unwanted[] = {"opencl", "cuda", "nvml", "rsmi", "levelzero", "gl"};
    unsigned long flags = HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED;
#if HWLOC_API_VERSION >= 0x00020500
    flags |= HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING; /* of the thread that asks */
#endif
    if (s->is_this)
        flags |= HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM;
    (void)hwloc_topology_set_flags(t->hw, flags);
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        (void)hwloc_topology_set_components(t->hw, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST,
                                            unwanted[i]);
    if (s->devices)
        (void)hwloc_topology_set_type_filter(t->hw, HWLOC_OBJ_PCI_DEVICE,
                                             HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
}

static hel_status load(hel_engine *engine, hel_topology *t, const hel_topology_source *s)
{
    HEL_REQUIRE(engine, hwloc_topology_init(&t->hw) == 0, HEL_E_MEMORY,
                "topology: hwloc does not start");
    configure(t, s);
    if (s->synthetic)
        HEL_REQUIRE(engine, hwloc_topology_set_synthetic(t->hw, s->synthetic) == 0, HEL_E_INPUT,
                    "topology: '%.80s' is not a description that hwloc understands", s->synthetic);
    else if (s->xml)
        HEL_REQUIRE(engine, hwloc_topology_set_xml(t->hw, s->xml) == 0, HEL_E_INPUT,
                    "%s: is not a topology that hwloc can read", s->xml);
    HEL_REQUIRE(engine, hwloc_topology_load(t->hw) == 0, HEL_E_INPUT, "%s: hwloc cannot load it",
                s->xml ? s->xml : "topology");
    t->bindable = hwloc_topology_is_thissystem(t->hw);
    t->devices = s->devices;
    return HEL_OK;
}

static void to_cpus(hel_cpus *out, hwloc_const_bitmap_t set)
{
    *out = (hel_cpus){{0}};
    for (int cpu = hwloc_bitmap_first(set); cpu >= 0 && cpu < (int)HEL_CPUS_MOST;
         cpu = hwloc_bitmap_next(set, cpu))
        hel_cpus_add(out, (uint32_t)cpu);
}

/* ---- what it says ---- */

static uint32_t count(const hel_topology *t, hwloc_obj_type_t type)
{
    const int n = hwloc_get_nbobjs_by_type(t->hw, type);
    return n > 0 ? (uint32_t)n : 0;
}

/* Where the topology stands for this machine the calling thread's own set narrows it. */
static void find_allowed(hel_topology *t, const hel_topology_source *s)
{
    hel_cpus mine;
    to_cpus(&t->allowed, hwloc_topology_get_allowed_cpuset(t->hw));
    if (t->bindable && !s->allowed && hel_cpus_of_thread(&mine))
        hel_cpus_and(&t->allowed, &mine);
    if (s->allowed)
        hel_cpus_and(&t->allowed, s->allowed);
}

static void describe(hel_topology *t)
{
    static const hwloc_obj_type_t levels[HEL_CACHE_LEVELS] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE,
                                                              HWLOC_OBJ_L3CACHE};
    t->processors = count(t, HWLOC_OBJ_PU);
    t->cores = count(t, HWLOC_OBJ_CORE);
    t->packages = count(t, HWLOC_OBJ_PACKAGE);
    for (uint32_t i = 0; i < HEL_CACHE_LEVELS; i++) {
        hwloc_obj_t first = hwloc_get_obj_by_type(t->hw, levels[i], 0);
        if (first && first->attr)
            t->cache[i] = (hel_cache){first->attr->cache.size, count(t, levels[i])};
    }
    hwloc_obj_t package = hwloc_get_obj_by_type(t->hw, HWLOC_OBJ_PACKAGE, 0);
    hwloc_obj_t places[] = {package, hwloc_get_root_obj(t->hw)};
    for (size_t i = 0; i < 2 && !t->model[0]; i++) {
        const char *model = places[i] ? hwloc_obj_get_info_by_name(places[i], "CPUModel") : NULL;
        snprintf(t->model, sizeof t->model, "%s", model ? model : "");
    }
}

/* No other node has some, but not all, of its processors, or all of them and comes first. */
static int is_place(hwloc_topology_t hw, hwloc_obj_t node)
{
    if (hwloc_bitmap_iszero(node->cpuset))
        return 0;
    for (hwloc_obj_t x = NULL; (x = hwloc_get_next_obj_by_type(hw, HWLOC_OBJ_NUMANODE, x));) {
        if (x == node || hwloc_bitmap_iszero(x->cpuset))
            continue;
        const int same = hwloc_bitmap_isequal(x->cpuset, node->cpuset);
        if (same ? x->os_index < node->os_index : hwloc_bitmap_isincluded(x->cpuset, node->cpuset))
            return 0;
    }
    return 1;
}

static uint32_t count_cores(const hel_topology *t, hwloc_obj_t node)
{
    uint32_t cores = 0;
    hwloc_obj_t core = NULL;
    while ((core = hwloc_get_next_obj_covering_cpuset_by_type(t->hw, node->cpuset, HWLOC_OBJ_CORE,
                                                              core))) {
        hel_cpus set;
        to_cpus(&set, core->cpuset);
        hel_cpus_and(&set, &t->allowed);
        cores += hel_cpus_count(&set) > 0;
    }
    return cores;
}

static void take_node(hel_topology *t, hwloc_obj_t object)
{
    hel_node *node = &t->node[t->nodes];
    *node = (hel_node){.number = object->os_index,
                       .processors = (uint32_t)hwloc_bitmap_weight(object->cpuset),
                       .memory = object->attr ? object->attr->numanode.local_memory : 0};
    to_cpus(&node->allowed, object->cpuset);
    hel_cpus_and(&node->allowed, &t->allowed);
    node->cpus = hel_cpus_count(&node->allowed);
    const uint32_t cores = count_cores(t, object);
    node->cores = cores && cores < node->cpus ? cores : node->cpus;
    node->memory_allowed =
        node->memory > 0 &&
        hwloc_bitmap_isset(hwloc_topology_get_allowed_nodeset(t->hw), object->os_index);
    t->object[t->nodes++] = object;
}

static hel_status find_nodes(hel_engine *engine, hel_topology *t)
{
    const uint32_t most = count(t, HWLOC_OBJ_NUMANODE);
    HEL_TRY(hel_malloc(engine, &t->node, most, sizeof *t->node));
    HEL_TRY(hel_malloc(engine, &t->object, most, sizeof *t->object));
    for (hwloc_obj_t x = NULL; (x = hwloc_get_next_obj_by_type(t->hw, HWLOC_OBJ_NUMANODE, x));)
        if (is_place(t->hw, x))
            take_node(t, x);
    HEL_REQUIRE(engine, t->nodes > 0, HEL_E_INPUT, "topology: no node has processors");
    return HEL_OK;
}

static int index_in(const struct hwloc_distances_s *d, hwloc_obj_t object)
{
    for (unsigned i = 0; i < d->nbobjs; i++)
        if (d->objs[i] == object)
            return (int)i;
    return -1;
}

static hel_status find_latency(hel_engine *engine, hel_topology *t)
{
    struct hwloc_distances_s *d = NULL;
    unsigned found = 1;
    if (hwloc_distances_get_by_type(t->hw, HWLOC_OBJ_NUMANODE, &found, &d,
                                    HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) != 0 ||
        !found)
        return HEL_OK;
    int known = 1;
    hel_status status =
        hel_malloc(engine, &t->latency, (size_t)t->nodes * t->nodes, sizeof *t->latency);
    for (uint32_t i = 0; status == HEL_OK && i < t->nodes; i++)
        for (uint32_t j = 0; j < t->nodes; j++) {
            const int a = index_in(d, t->object[i]), b = index_in(d, t->object[j]);
            known &= a >= 0 && b >= 0;
            t->latency[i * t->nodes + j] = known ? d->values[(size_t)a * d->nbobjs + (size_t)b] : 0;
        }
    hwloc_distances_release(t->hw, d);
    if (!known) {
        hel_free(t->latency);
        t->latency = NULL;
    }
    return status;
}

hel_status hel_topology_load(hel_engine *engine, hel_topology **out,
                             const hel_topology_source *source)
{
    const hel_topology_source this_machine = {0};
    const hel_topology_source *s = source ? source : &this_machine;
    hel_topology *t;
    *out = NULL;
    HEL_TRY(hel_calloc(engine, &t, 1, sizeof *t));
    hel_status status = load(engine, t, s);
    if (status == HEL_OK) {
        find_allowed(t, s);
        describe(t);
        status = find_nodes(engine, t);
    }
    if (status == HEL_OK)
        status = find_latency(engine, t);
    if (status == HEL_OK)
        *out = t;
    else
        hel_topology_free(t);
    return status;
}

void hel_topology_free(hel_topology *t)
{
    if (!t)
        return;
    if (t->hw)
        hwloc_topology_destroy(t->hw);
    hel_free(t->latency);
    hel_free(t->object);
    hel_free(t->node);
    hel_free(t);
}

/* ---- near and far ---- */

static hwloc_obj_t normal(hwloc_obj_t object)
{
    while (object->parent &&
           (hwloc_obj_type_is_memory(object->type) || hwloc_obj_type_is_io(object->type)))
        object = object->parent;
    return object;
}

uint64_t hel_topology_distance(const hel_topology *t, uint32_t a, uint32_t b)
{
    if (a == b)
        return 0;
    if (t->latency)
        return t->latency[a * t->nodes + b];
    hwloc_obj_t x = normal(t->object[a]), y = normal(t->object[b]);
    const int depth = hwloc_get_common_ancestor_obj(t->hw, x, y)->depth;
    return (uint64_t)(hwloc_topology_get_depth(t->hw) - depth);
}

hel_near hel_topology_near(const hel_topology *t, const char *pci, uint8_t *near)
{
    memset(near, 0, t->nodes);
    hwloc_obj_t device = hwloc_get_pcidev_by_busidstring(t->hw, pci);
    if (!device)
        return HEL_NEAR_UNKNOWN;
    hwloc_obj_t place = normal(device);
    uint32_t found = 0;
    for (uint32_t i = 0; i < t->nodes; i++) {
        near[i] = place->nodeset && hwloc_bitmap_isset(place->nodeset, t->node[i].number);
        found += near[i];
    }
    if (found == 0 || (found == t->nodes && found > 1)) {
        memset(near, 0, t->nodes);
        return HEL_NEAR_ALL;
    }
    return HEL_NEAR_SOME;
}

/* ---- words ---- */

const char *hel_topology_library(char out[32])
{
    const unsigned version = hwloc_get_api_version();
    snprintf(out, 32, "%u.%u", version >> 16, version >> 8 & 0xff);
    return out;
}

hel_status hel_topology_text(hel_engine *engine, const hel_topology *t, hel_buf *out)
{
    char cpus[128];
    HEL_TRY(hel_buf_printf(engine, out, "%u of %u processors, %u node%s\n",
                           hel_cpus_count(&t->allowed), t->processors, t->nodes,
                           t->nodes == 1 ? "" : "s"));
    for (uint32_t i = 0; i < t->nodes; i++) {
        const hel_node *n = &t->node[i];
        HEL_TRY(hel_buf_printf(engine, out, "node %u: processors %s (%u of %u), %.1f GiB%s\n",
                               n->number, hel_cpus_text(cpus, sizeof cpus, &n->allowed), n->cpus,
                               n->processors, (double)n->memory / ((uint64_t)1 << 30),
                               n->memory_allowed || !n->memory ? "" : ", not allowed"));
    }
    return HEL_OK;
}

/* ---- binding ---- */

int hel_topology_bind_memory(const hel_topology *t, void *area, size_t bytes, const uint8_t *chosen,
                             int interleave)
{
    hwloc_bitmap_t set = t->bindable ? hwloc_bitmap_alloc() : NULL;
    int rc = -1;
    if (!set)
        return 0;
    for (uint32_t i = 0; i < t->nodes; i++)
        if (chosen[i])
            (void)hwloc_bitmap_set(set, t->node[i].number);
    if (!hwloc_bitmap_iszero(set))
        rc = hwloc_set_area_membind(t->hw, area, bytes, set,
                                    interleave ? HWLOC_MEMBIND_INTERLEAVE : HWLOC_MEMBIND_BIND,
                                    HWLOC_MEMBIND_BYNODESET);
    hwloc_bitmap_free(set);
    return rc == 0;
}
