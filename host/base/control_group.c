/* See control_group.h. */
#include "host/base/control_group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/system_file.h"

enum { TEXT_BYTES = 1 << 20, PATH_BYTES = 4096, NUMBER_BYTES = 128 };

/* Version 1 has no word for "no limit" but the largest number of pages. */
#define NO_LIMIT ((uint64_t)1 << 62)
#define FALLBACK ((uint64_t)1 << 30) /* half of it is the budget where nothing is known */

/* ---- which groups, and where ---- */

typedef enum hierarchy { V2, V1_MEMORY, V1_CPU, HIERARCHIES } hierarchy;

/* A word of a comma-separated list. */
static int lists(const char *list, size_t length, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = list, *end = list + length; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const size_t here = (size_t)((comma ? comma : end) - at);
        if (here == n && memcmp(at, word, n) == 0)
            return 1;
        at += here + 1;
    }
    return 0;
}

/* The process' group in a hierarchy, from lines "number:controllers:path"; "" where it is in none.
 * Groups above the namespace's root ("/../x") cannot be followed: the mount's root stands for them.
 */
static void find_group(const char *text, hierarchy h, char group[PATH_BYTES])
{
    static const char *const words[] = {[V1_MEMORY] = "memory", [V1_CPU] = "cpu"};
    group[0] = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const size_t length = strcspn(line, "\n");
        const char *first = memchr(line, ':', length);
        const char *second =
            first ? memchr(first + 1, ':', length - (size_t)(first + 1 - line)) : NULL;
        if (!second)
            continue;
        const size_t controllers = (size_t)(second - first - 1);
        if (h == V2 ? controllers != 0 : !lists(first + 1, controllers, words[h]))
            continue;
        const size_t bytes = length - (size_t)(second + 1 - line);
        if (bytes < PATH_BYTES && second[1] == '/') {
            memcpy(group, second + 1, bytes);
            group[bytes] = 0;
            if (bytes >= 3 && memcmp(group, "/..", 3) == 0 && (bytes == 3 || group[3] == '/'))
                group[1] = 0;
        }
        return;
    }
}

static int is_of(const hel_mount *m, hierarchy h)
{
    if (h == V2)
        return strcmp(m->type, "cgroup2") == 0;
    return strcmp(m->type, "cgroup") == 0 &&
           lists(m->options, strlen(m->options), h == V1_MEMORY ? "memory" : "cpu");
}

typedef struct place {
    hel_mount mount;
    char folder[PATH_BYTES]; /* of the group, at or below the mount's point */
} place;

/* The group's folder below a mount, whose root is a group itself where it shows a part of the tree
 * only (containers). 0 when the group is not below it. */
static int below(place *p, const char *group)
{
    const char *root = p->mount.root;
    const size_t hidden = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(group, root, hidden) != 0 || (group[hidden] != '/' && group[hidden] != 0))
        return 0;
    const char *rest = strcmp(group + hidden, "/") == 0 ? "" : group + hidden;
    return snprintf(p->folder, sizeof p->folder, "%s%s", p->mount.point, rest) <
           (int)sizeof p->folder;
}

/* Where no mount shows the group, the root of the first one stands for it. */
static int find_place(const char *groups, const char *mounts, hierarchy h, place *p)
{
    char group[PATH_BYTES], first[PATH_BYTES] = "";
    find_group(groups, h, group);
    if (!group[0])
        return 0;
    while (hel_mount_next(&mounts, &p->mount)) {
        if (!is_of(&p->mount, h))
            continue;
        if (below(p, group))
            return 1;
        if (!first[0])
            memcpy(first, p->mount.point, sizeof first);
    }
    memcpy(p->mount.point, first, sizeof first);
    memcpy(p->folder, first, sizeof first);
    return first[0] != 0;
}

/* ---- what they say ---- */

static void note(char out[HEL_GROUP_PATH], const char *path)
{
    const size_t length = strlen(path);
    if (length < HEL_GROUP_PATH)
        memcpy(out, path, length + 1);
    else /* the end tells more than the beginning */
        snprintf(out, HEL_GROUP_PATH, "...%s", path + length - (HEL_GROUP_PATH - 4));
}

static void take_memory(hel_group_limits *out, const char *text, const char *path)
{
    char *end;
    const uint64_t bytes = strtoull(text, &end, 10);
    if (end == text || text[0] == '-' || bytes >= NO_LIMIT || bytes >= out->memory)
        return;
    out->memory = bytes;
    note(out->memory_file, path);
}

static void take_quota(hel_group_limits *out, double quota, double period, const char *path)
{
    if (!(quota > 0) || !(period > 0) || (out->processors > 0 && quota / period >= out->processors))
        return;
    out->processors = quota / period;
    note(out->processors_file, path);
}

static void read_group(hel_group_limits *out, const char *root, const char *folder, hierarchy h)
{
    char path[PATH_BYTES + 32], text[NUMBER_BYTES], period[NUMBER_BYTES];
    char *rest;
    if (h != V1_CPU) {
        snprintf(path, sizeof path, "%s/%s", folder,
                 h == V2 ? "memory.max" : "memory.limit_in_bytes");
        if (hel_system_text(root, path, text, sizeof text))
            take_memory(out, text, path);
    }
    if (h == V2) { /* "QUOTA PERIOD", or "max PERIOD" */
        snprintf(path, sizeof path, "%s/cpu.max", folder);
        if (hel_system_text(root, path, text, sizeof text)) {
            const double quota = strtod(text, &rest);
            take_quota(out, rest == text ? 0 : quota, strtod(rest, NULL), path);
        }
    } else if (h == V1_CPU) { /* a quota of -1 is none */
        snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
        if (!hel_system_text(root, path, period, sizeof period))
            return;
        snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
        if (hel_system_text(root, path, text, sizeof text))
            take_quota(out, strtod(text, NULL), strtod(period, NULL), path);
    }
}

static void read_hierarchy(hel_group_limits *out, const char *root, hierarchy h, place *p)
{
    const size_t point = strlen(p->mount.point);
    for (;;) {
        read_group(out, root, p->folder, h);
        char *slash = strrchr(p->folder, '/');
        if (!slash || strlen(p->folder) <= point)
            return;
        *slash = 0;
    }
}

static uint64_t physical_memory(const char *root, char *text)
{
    const char *line = hel_system_text(root, "/proc/meminfo", text, TEXT_BYTES) ? text : "";
    unsigned long long kib;
    if (sscanf(line, "MemTotal: %llu kB", &kib) == 1)
        return (uint64_t)kib * 1024;
    const long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    return root[0] || pages <= 0 || bytes <= 0 ? 0 : (uint64_t)pages * (uint64_t)bytes;
}

void hel_group_limits_read(hel_group_limits *out, const char *root)
{
    *out = (hel_group_limits){.memory = HEL_UNLIMITED};
    char *groups = malloc(2 * TEXT_BYTES + sizeof(place));
    if (!groups)
        return;
    char *mounts = groups + TEXT_BYTES;
    place *p = (place *)(void *)(mounts + TEXT_BYTES);
    out->physical = physical_memory(root, groups);
    if (hel_system_text(root, "/proc/self/cgroup", groups, TEXT_BYTES) &&
        hel_system_text(root, "/proc/self/mountinfo", mounts, TEXT_BYTES))
        for (hierarchy h = V2; h < HIERARCHIES; h++)
            if (find_place(groups, mounts, h, p))
                read_hierarchy(out, root, h, p);
    free(groups);
}

uint64_t hel_default_memory(const hel_group_limits *limits)
{
    const uint64_t physical = limits->physical ? limits->physical : HEL_UNLIMITED;
    const uint64_t may = physical < limits->memory ? physical : limits->memory;
    return (may == HEL_UNLIMITED ? FALLBACK : may) / 2;
}
