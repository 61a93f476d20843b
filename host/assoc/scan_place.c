/* Threads and buffers on the nodes where their work is: those of a device's lane near the device,
 * by its PCI bus id; workers and accumulators of the CPU spread over all nodes. */
#include "host/assoc/scan_device.h"
#include "host/sched/placement.h"

static const char *pci_of(const struct scan *s)
{
    return s->device ? hel_backend_device(s->device->backend)->pci : "";
}

hel_status hel_scan_place_open(struct scan_job *job)
{
    hel_engine *engine = job->base.engine;
    hel_topology_source source = {0};
    for (uint32_t i = 0; i < job->lanes; i++)
        source.devices |= pci_of(&job->lane[i])[0] != 0;
    if (!job->lane[0].device)
        HEL_TRY(hel_place_engine(engine));
    const hel_status status = hel_topology_load(engine, &job->topology, &source);
    if (status == HEL_E_MEMORY)
        return status;
    if (status != HEL_OK) { /* what cannot be found out binds nothing */
        hel_error_drop(engine);
        return HEL_OK;
    }
    for (uint32_t i = 0; i < job->lanes; i++) {
        struct scan *s = &job->lane[i];
        const hel_placement_request request = {.workers = hel_engine_threads(engine),
                                               .readers = hel_scan_readers(s),
                                               .pci = pci_of(s)};
        HEL_TRY(hel_placement_create(engine, &s->place, job->topology, &request));
    }
    return HEL_OK;
}

void hel_scan_place_close(struct scan_job *job)
{
    for (uint32_t i = 0; job->lane && i < job->lanes; i++)
        hel_placement_free(job->lane[i].place);
    hel_topology_free(job->topology);
}

scan_where hel_scan_place_thread(const struct scan *s)
{
    scan_where where = {.moved = 0};
    if (s->place && s->device && hel_cpus_of_thread(&where.before))
        where.moved = hel_placement_bind_reader(s->place);
    return where;
}

void hel_scan_place_back(const scan_where *where)
{
    if (where->moved)
        (void)hel_cpus_bind(&where->before);
}

void hel_scan_place_memory(const struct scan *s, void *area, uint64_t bytes)
{
    if (s->place && !s->device)
        (void)hel_placement_bind_large(s->place, area, bytes);
}

hel_status hel_scan_place_text(const struct scan *s, hel_buf *out)
{
    return s->place ? hel_placement_text(s->engine, s->place, out) : HEL_OK;
}
