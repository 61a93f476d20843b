/* Processors, NUMA nodes, memory and the limits of the process. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "host/assoc/doctor/doctor_private.h"
#include "host/base/cpu.h"
#include "host/base/system_file.h"

/* ---- processors ---- */

static hel_status tell_twins(hel_doctor_state *d)
{
    static const char *const names[] = {
        [HEL_SIMD_AVX512] = "avx512", [HEL_SIMD_AVX2] = "avx2", [HEL_SIMD_PORTABLE] = "portable"};
    char all[64] = "";
    for (int simd = HEL_SIMD_AVX512; simd >= HEL_SIMD_PORTABLE; simd--)
        if (hel_cpu_has((hel_simd)simd))
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", all[0] ? ", " : "",
                     names[simd]);
    HEL_TRY(hel_tell(d, hel_entry_text("twins", "instruction sets"), "%s", all));
    return hel_tell(d, hel_entry_text("twin", "in use"), "%s", hel_engine_simd_name(d->engine));
}

static hel_status tell_caches(hel_doctor_state *d)
{
    static const char *const names[HEL_CACHE_LEVELS] = {"cache_1_bytes", "cache_2_bytes",
                                                        "cache_3_bytes"};
    static const char *const labels[HEL_CACHE_LEVELS] = {"cache, level 1", "cache, level 2",
                                                         "cache, level 3"};
    char bytes[32];
    for (uint32_t i = 0; i < HEL_CACHE_LEVELS; i++) {
        const hel_cache *c = &d->topology->cache[i];
        if (c->count)
            HEL_TRY(hel_tell(d, hel_entry_number(names[i], labels[i], HEL_VALUE_BYTES, c->bytes),
                             "%u of %s", c->count, hel_bytes_text(bytes, c->bytes)));
    }
    return HEL_OK;
}

/* More threads than processors wait for each other; more than a quota are halted together. */
static hel_status tell_threads(hel_doctor_state *d, uint32_t allowed)
{
    const uint32_t threads = hel_engine_threads(d->engine);
    const double quota = d->groups.processors;
    char advice[128];
    hel_entry e = hel_entry_number("threads", "threads", HEL_VALUE_COUNT, threads);
    if (allowed && threads > allowed) {
        snprintf(advice, sizeof advice, "Use --threads %u: there are no more processors.", allowed);
        e = hel_entry_marked(e, HEL_MARK_PROBLEM, advice);
    } else if (quota > 0 && threads > ceil(quota)) {
        snprintf(advice, sizeof advice,
                 "Use --threads %.0f: beyond the quota all threads are halted together.",
                 ceil(quota));
        e = hel_entry_marked(e, HEL_MARK_PROBLEM, advice);
    }
    HEL_TRY(hel_tell(d, e, "%u", threads));
    e = (hel_entry){.name = "quota", .label = "quota of processor time", .kind = HEL_VALUE_NONE};
    if (!(quota > 0))
        return hel_tell(d, e, "none");
    e.kind = HEL_VALUE_REAL;
    e.real = quota;
    return hel_tell(d, e, "%.3g processors, by %s", quota, d->groups.processors_file);
}

hel_status hel_doctor_processors(hel_doctor_state *d)
{
    const hel_topology *t = d->topology;
    const uint32_t allowed = hel_cpus_count(&t->allowed);
    char cpus[256];
    HEL_TRY(
        hel_tell(d, hel_entry_text("model", "model"), "%s", t->model[0] ? t->model : "unknown"));
    HEL_TRY(hel_tell(d,
                     hel_entry_number("machine", "of the machine", HEL_VALUE_COUNT, t->processors),
                     "%u in %u core%s and %u package%s", t->processors, t->cores,
                     t->cores == 1 ? "" : "s", t->packages, t->packages == 1 ? "" : "s"));
    hel_entry e = hel_entry_number("allowed", "this process may use", HEL_VALUE_COUNT, allowed);
    HEL_TRY(hel_tell(d, e, "%u: %s", allowed, hel_cpus_text(cpus, sizeof cpus, &t->allowed)));
    HEL_TRY(tell_threads(d, allowed));
    HEL_TRY(tell_twins(d));
    HEL_TRY(tell_caches(d));
    e = hel_entry_number("described", t->bindable ? NULL : "topology", HEL_VALUE_TRUTH,
                         !t->bindable);
    if (!t->bindable)
        e = hel_entry_marked(e, HEL_MARK_NOTE,
                             "Unset HWLOC_XMLFILE and HWLOC_SYNTHETIC, or set HWLOC_THISSYSTEM=1 "
                             "if the description is of this machine.");
    return hel_tell(d, e, "%s", t->bindable ? "found" : "a description: nothing is bound by it");
}

/* ---- nodes ---- */

hel_status hel_doctor_nodes(hel_doctor_state *d)
{
    const hel_topology *t = d->topology;
    char cpus[256], label[32], bytes[32];
    for (uint32_t i = 0; i < t->nodes; i++) {
        const hel_node *n = &t->node[i];
        d->item = i;
        snprintf(label, sizeof label, "node %u", n->number);
        hel_cpus_text(cpus, sizeof cpus, &n->allowed);
        HEL_TRY(hel_tell(d, hel_entry_number("number", label, HEL_VALUE_COUNT, n->number),
                         "processors %s (%u of %u), %s%s", cpus, n->cpus, n->processors,
                         hel_bytes_text(bytes, n->memory),
                         n->memory_allowed || !n->memory ? "" : ", not for this process"));
        HEL_TRY(hel_tell(d, hel_entry_text("processors", NULL), "%s", cpus));
        HEL_TRY(hel_tell(d, hel_entry_number("allowed", NULL, HEL_VALUE_COUNT, n->cpus), "%u",
                         n->cpus));
        HEL_TRY(hel_tell(d, hel_entry_number("machine", NULL, HEL_VALUE_COUNT, n->processors), "%u",
                         n->processors));
        HEL_TRY(hel_tell(d, hel_entry_number("memory_bytes", NULL, HEL_VALUE_BYTES, n->memory),
                         "%s", bytes));
        HEL_TRY(hel_tell_truth(d, "memory_allowed", NULL, n->memory_allowed));
    }
    return HEL_OK;
}

/* ---- memory ---- */

/* The word in brackets of "always [madvise] never". */
static hel_status tell_huge_pages(hel_doctor_state *d)
{
    char text[128], word[32] = "";
    if (hel_system_text(d->root, "/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text))
        (void)sscanf(text, "%*[^[][%31[^]]", word);
    hel_entry e = hel_entry_text("huge_pages", "transparent huge pages");
    if (strcmp(word, "never") == 0)
        e = hel_entry_marked(e, HEL_MARK_PROBLEM,
                             "Have the administrator write madvise to /sys/kernel/mm/"
                             "transparent_hugepage/enabled: large buffers ask for huge pages, and "
                             "are slower without.");
    return hel_tell(d, e, "%s", word[0] ? word : "unknown");
}

static hel_status tell_group_limit(hel_doctor_state *d)
{
    const hel_group_limits *g = &d->groups;
    char bytes[32];
    hel_entry e = {
        .name = "group_limit_bytes", .label = "limit of the control group", .kind = HEL_VALUE_NONE};
    if (g->memory == HEL_UNLIMITED)
        return hel_tell(d, e, "none");
    e.kind = HEL_VALUE_BYTES;
    e.number = g->memory;
    if (!g->physical || g->memory < g->physical)
        e = hel_entry_marked(e, HEL_MARK_NOTE,
                             "The default budget is half of this limit; a process that exceeds the "
                             "limit is killed, so ask the scheduler for what --memory says.");
    return hel_tell(d, e, "%s, by %s", hel_bytes_text(bytes, g->memory), g->memory_file);
}

hel_status hel_doctor_memory(hel_doctor_state *d)
{
    const hel_group_limits *g = &d->groups;
    const uint64_t budget = hel_engine_memory(d->engine), standard = hel_default_memory(g);
    char bytes[32];
    HEL_TRY(hel_tell(
        d, hel_entry_number("physical_bytes", "of the machine", HEL_VALUE_BYTES, g->physical), "%s",
        hel_bytes_text(bytes, g->physical)));
    HEL_TRY(tell_group_limit(d));
    HEL_TRY(hel_tell(
        d, hel_entry_number("default_budget_bytes", "default budget", HEL_VALUE_BYTES, standard),
        "%s", hel_bytes_text(bytes, standard)));
    hel_entry e = hel_entry_number("budget_bytes", "budget", HEL_VALUE_BYTES, budget);
    if (budget > g->memory || (g->physical && budget > g->physical))
        e = hel_entry_marked(e, HEL_MARK_PROBLEM,
                             "Use a smaller --memory: there is not as much, and a process that "
                             "takes more than its limit is killed.");
    HEL_TRY(hel_tell(d, e, "%s", hel_bytes_text(bytes, budget)));
    return tell_huge_pages(d);
}

/* ---- limits ---- */

/* Locked memory: keys, and scratch of every thread for what secrets touch. */
#define LOCKED_KEYS   ((uint64_t)1 << 20)
#define LOCKED_THREAD ((uint64_t)384 << 10)
#define FILES         256u

/* The soft limit; 0 when there is none to tell. */
static int get_limit(int which, uint64_t *value)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)which, &limit) != 0)
        return 0;
    *value = limit.rlim_cur == RLIM_INFINITY ? HEL_UNLIMITED : limit.rlim_cur;
    return 1;
}

/* kind: COUNT or BYTES. The mark and advice of `e` are for limits below `least`. */
static hel_status tell_limit(hel_doctor_state *d, hel_entry e, uint64_t value, uint64_t least)
{
    char bytes[32];
    if (value >= least)
        e = hel_entry_marked(e, HEL_MARK_NONE, NULL);
    if (value == HEL_UNLIMITED) {
        e.kind = HEL_VALUE_NONE;
        return hel_tell(d, e, "unlimited");
    }
    e.number = value;
    if (e.kind == HEL_VALUE_BYTES)
        return hel_tell(d, e, "%s", hel_bytes_text(bytes, value));
    return hel_tell(d, e, "%llu", (unsigned long long)value);
}

static hel_status tell_locked(hel_doctor_state *d)
{
    const uint64_t secrets = LOCKED_KEYS + hel_engine_threads(d->engine) * LOCKED_THREAD;
    const uint64_t pinned = d->usable ? hel_engine_memory(d->engine) : 0;
    uint64_t limit;
    char advice[160];
    hel_entry e =
        hel_entry_number("locked_memory_bytes", "locked memory (ulimit -l)", HEL_VALUE_BYTES, 0);
    if (!get_limit(RLIMIT_MEMLOCK, &limit))
        return HEL_OK;
    snprintf(advice, sizeof advice,
             "Ask for ulimit -l of %llu or more: secrets that cannot be locked in memory may be "
             "written to swap.",
             (unsigned long long)(secrets >> 10));
    if (limit < secrets)
        return tell_limit(d, hel_entry_marked(e, HEL_MARK_PROBLEM, advice), limit, secrets);
    e = hel_entry_marked(e, HEL_MARK_NOTE,
                         "Should pinned memory be refused, ask for ulimit -l unlimited (Slurm: "
                         "PropagateResourceLimitsExcept=MEMLOCK): buffers that feed a device are "
                         "pinned, and some drivers count them.");
    return tell_limit(d, e, limit, pinned);
}

hel_status hel_doctor_limits(hel_doctor_state *d)
{
    static const struct {
        int which;
        const char *name, *label;
        hel_value kind;
        uint64_t least;
        const char *advice;
    } limits[] = {
        {RLIMIT_NOFILE, "open_files", "open files (ulimit -n)", HEL_VALUE_COUNT, FILES,
         "Ask for ulimit -n of 1024 or more: a merge opens all its shards."},
        {RLIMIT_AS, "address_space_bytes", "address space (ulimit -v)", HEL_VALUE_BYTES,
         HEL_UNLIMITED,
         "Ask for ulimit -v unlimited: files are mapped whole, and drivers map all memory."},
        {RLIMIT_FSIZE, "file_size_bytes", "file size (ulimit -f)", HEL_VALUE_BYTES, HEL_UNLIMITED,
         "Ask for ulimit -f unlimited: larger files than that cannot be written."},
    };
    HEL_TRY(tell_locked(d));
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        uint64_t value;
        const hel_entry e = hel_entry_number(limits[i].name, limits[i].label, limits[i].kind, 0);
        if (get_limit(limits[i].which, &value))
            HEL_TRY(tell_limit(d, hel_entry_marked(e, HEL_MARK_PROBLEM, limits[i].advice), value,
                               limits[i].least));
    }
    return HEL_OK;
}
