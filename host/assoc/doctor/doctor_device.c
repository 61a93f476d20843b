/* Backends, the devices that their libraries find, and where work would run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/assoc/doctor/doctor_private.h"
#include "host/base/mem.h"

#define DEVICES 64u
#define READERS 2u /* of the placements that are shown; the number does not matter */

static int is_chosen(const hel_doctor_state *d, const char *backend)
{
    return strcmp(hel_engine_backend_name(d->engine), backend) == 0;
}

/* ---- backends ---- */

typedef struct survey {
    hel_doctor_state *d;
    const char *backend;
} survey;

static void note_device(void *arg, const hel_device_info *info)
{
    const survey *s = arg;
    hel_doctor_state *d = s->d;
    if (d->devices == DEVICES)
        return;
    hel_doctor_device *device = &d->device[d->devices++];
    snprintf(device->backend, sizeof device->backend, "%s", s->backend);
    device->info = *info;
    d->usable += !info->why[0];
}

static int has_nvidia(const hel_doctor_state *d)
{
    char path[512];
    snprintf(path, sizeof path, "%s/dev/nvidiactl", d->root);
    return access(path, F_OK) == 0;
}

/* Why there is no device is no trouble unless somebody counts on one. */
static hel_entry judge(const hel_doctor_state *d, hel_entry e, const hel_library_info *l,
                       const char *backend, char *advice, size_t room)
{
    const int cuda = strcmp(backend, "cuda") == 0;
    const char *granted = cuda ? hel_granted_gpus() : NULL;
    const uint32_t wanted = hel_engine_backend_device(d->engine);
    if (l->devices && wanted >= l->devices &&
        (is_chosen(d, backend) || (cuda && is_chosen(d, "auto")))) {
        snprintf(advice, room, "Use --device %u or less: there is no device %u.", l->devices - 1,
                 wanted);
        return hel_entry_marked(e, HEL_MARK_ABSENT, advice);
    }
    if (l->devices)
        return e;
    if (is_chosen(d, backend)) {
        snprintf(advice, room, "Use --backend cpu, or see to it that %s can be used.", backend);
        return hel_entry_marked(e, HEL_MARK_ABSENT, advice);
    }
    if (granted && is_chosen(d, "auto")) {
        snprintf(advice, room,
                 "The job was given GPUs (%s) that would stand idle: install libheloci_cuda.so.0, "
                 "or ask for none.",
                 granted);
        return hel_entry_marked(e, HEL_MARK_ABSENT, advice);
    }
    if (cuda && has_nvidia(d) && !is_chosen(d, "cpu"))
        return hel_entry_marked(e, HEL_MARK_PROBLEM,
                                "This machine has an NVIDIA driver: install libheloci_cuda.so.0 "
                                "beside libheloci, or name its folder in HELOCI_BACKEND_DIR.");
    return e;
}

static hel_status tell_backend(hel_doctor_state *d, const char *backend)
{
    survey s = {d, backend};
    hel_library_info l;
    char advice[256];
    hel_backend_survey(backend, &l, note_device, &s);
    hel_entry e = hel_entry_number("devices", backend, HEL_VALUE_COUNT, l.devices);
    e = judge(d, e, &l, backend, advice, sizeof advice);
    if (l.devices)
        HEL_TRY(hel_tell(d, e, "%u device%s, %s", l.devices, l.devices == 1 ? "" : "s", l.about));
    else
        HEL_TRY(hel_tell(d, e, "%s%s%s%s", l.why, l.about[0] ? " (" : "", l.about,
                         l.about[0] ? ")" : ""));
    HEL_TRY(hel_tell(d, hel_entry_text("backend", NULL), "%s", backend));
    HEL_TRY(hel_tell(d, hel_entry_text("about", NULL), "%s", l.about));
    if (l.why[0])
        HEL_TRY(hel_tell(d, hel_entry_text("why", NULL), "%s", l.why));
    d->item++;
    return HEL_OK;
}

hel_status hel_doctor_backends(hel_doctor_state *d)
{
    const char *chosen = hel_engine_backend_name(d->engine);
    HEL_TRY(hel_calloc(d->engine, &d->device, DEVICES, sizeof *d->device));
    d->item = 0;
    HEL_TRY(hel_tell(d, hel_entry_number("devices", "cpu", HEL_VALUE_COUNT, 1), "%s, %u threads",
                     hel_engine_simd_name(d->engine), hel_engine_threads(d->engine)));
    HEL_TRY(hel_tell(d, hel_entry_text("backend", NULL), "cpu"));
    d->item++;
    HEL_TRY(tell_backend(d, "cuda"));
    if (strcmp(chosen, "cpu") != 0 && strcmp(chosen, "auto") != 0 && strcmp(chosen, "cuda") != 0)
        HEL_TRY(tell_backend(d, chosen));
    if (!d->devices)
        return HEL_OK;
    hel_topology_free(d->topology); /* once more, with the bus */
    return hel_topology_load(d->engine, &d->topology, &(hel_topology_source){.devices = 1});
}

/* ---- devices ---- */

static hel_status create_placement(const hel_doctor_state *d, hel_placement **p, const char *pci)
{
    const hel_placement_request request = {hel_engine_threads(d->engine), pci ? READERS : 0, pci};
    return hel_placement_create(d->engine, p, d->topology, &request);
}

static hel_status tell_device(hel_doctor_state *d, const hel_doctor_device *device)
{
    const hel_device_info *i = &device->info;
    const int chosen = (is_chosen(d, device->backend) || is_chosen(d, "auto")) &&
                       i->device == hel_engine_backend_device(d->engine);
    char label[64], total[32], left[32];
    snprintf(label, sizeof label, "%s %u", device->backend, i->device);
    hel_entry e = hel_entry_text(i->why[0] ? "why" : "model", label);
    if (i->why[0])
        return hel_tell(d,
                        hel_entry_marked(e, chosen ? HEL_MARK_ABSENT : HEL_MARK_PROBLEM,
                                         "Use another --device: this one does not open."),
                        "%s", i->why);
    HEL_TRY(hel_tell(d, e, "%s; %s, %s of it free", i->model, hel_bytes_text(total, i->total_bytes),
                     hel_bytes_text(left, i->free_bytes)));
    HEL_TRY(hel_tell(d, hel_entry_number("memory_bytes", NULL, HEL_VALUE_BYTES, i->total_bytes),
                     "%s", total));
    return hel_tell(d, hel_entry_number("free_bytes", NULL, HEL_VALUE_BYTES, i->free_bytes), "%s",
                    left);
}

static hel_status tell_nearest(hel_doctor_state *d, const hel_placement *p)
{
    const hel_topology *t = d->topology;
    char cpus[256];
    hel_entry e = {.name = "node", .label = "  nearest node", .kind = HEL_VALUE_NONE};
    if (p->near == HEL_NEAR_UNKNOWN)
        return hel_tell(d, e, "unknown: it is not seen on the bus");
    if (p->near == HEL_NEAR_ALL)
        return hel_tell(d, e, "none: as near to one as to another");
    const hel_node *n = &t->node[p->nearest];
    e.kind = HEL_VALUE_COUNT;
    e.number = n->number;
    if (p->instead != HEL_ANYWHERE)
        e = hel_entry_marked(
            e, HEL_MARK_PROBLEM,
            "Ask the scheduler for processors beside the device (Slurm: "
            "--gpu-bind=closest or fewer --gpus): its data cross to another node.");
    HEL_TRY(hel_tell(d, e, "%u, of which this process may use processors %s", n->number,
                     hel_cpus_text(cpus, sizeof cpus, &n->allowed)));
    return hel_tell(d, hel_entry_text("processors", NULL), "%s", cpus);
}

hel_status hel_doctor_devices(hel_doctor_state *d)
{
    for (uint32_t i = 0; i < d->devices; i++) {
        const hel_doctor_device *device = &d->device[i];
        hel_placement *p;
        d->item = i;
        HEL_TRY(tell_device(d, device));
        HEL_TRY(hel_tell(d, hel_entry_text("backend", NULL), "%s", device->backend));
        HEL_TRY(hel_tell(d, hel_entry_number("device", NULL, HEL_VALUE_COUNT, device->info.device),
                         "%u", device->info.device));
        HEL_TRY(hel_tell(d, hel_entry_text("pci", device->info.pci[0] ? "  PCI bus id" : NULL),
                         "%s", device->info.pci));
        if (!device->info.pci[0])
            continue;
        HEL_TRY(create_placement(d, &p, device->info.pci));
        const hel_status status = tell_nearest(d, p);
        hel_placement_free(p);
        HEL_TRY(status);
    }
    return HEL_OK;
}

/* ---- placement ---- */

/* Lines "what: where", all of them or those of one kind. prefix: in front of the labels. */
static hel_status tell_lines(hel_doctor_state *d, const hel_placement *p, const char *prefix,
                             const char *only)
{
    hel_buf text = {0};
    hel_status status = hel_placement_text(d->engine, p, &text);
    if (status == HEL_OK)
        status = hel_buf_put(d->engine, &text, "", 1);
    for (char *line = (char *)text.data, *end; status == HEL_OK && *line; line = end + 1) {
        char label[96];
        end = line + strcspn(line, "\n");
        *end = 0;
        char *words = strstr(line, ": ");
        if (!words)
            continue;
        *words = 0;
        snprintf(label, sizeof label, "%s%s", prefix, line);
        if (!only || strcmp(line, only) == 0)
            status = hel_tell(d, hel_entry_text(line, label), "%s", words + 2);
    }
    hel_buf_free(&text);
    return status;
}

hel_status hel_doctor_placement(hel_doctor_state *d)
{
    hel_placement *p;
    char prefix[64];
    d->item = 0;
    HEL_TRY(create_placement(d, &p, NULL));
    hel_status status = hel_tell(d, hel_entry_text("for", NULL), "cpu");
    if (status == HEL_OK)
        status = tell_lines(d, p, "", NULL);
    hel_placement_free(p);
    for (uint32_t i = 0; status == HEL_OK && i < d->devices; i++) {
        const hel_doctor_device *device = &d->device[i];
        if (device->info.why[0])
            continue;
        HEL_TRY(create_placement(d, &p, device->info.pci));
        d->item++;
        snprintf(prefix, sizeof prefix, "%s %u: ", device->backend, device->info.device);
        status =
            hel_tell(d, hel_entry_text("for", NULL), "%s %u", device->backend, device->info.device);
        if (status == HEL_OK)
            status = tell_lines(d, p, prefix, "readers");
        if (status == HEL_OK)
            status = tell_lines(d, p, prefix, "buffers");
        hel_placement_free(p);
    }
    return status;
}
