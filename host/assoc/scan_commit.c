/*
 * The end of a scan: its manifest, and the names of both files. Sums and manifest are whole on disk
 * before either gets its name, and the manifest's comes first (host/store/manifest.h).
 */
#include <string.h>

#include "heloci/provenance.h"
#include "host/assoc/scan_manifest.h"
#include "host/assoc/scan_private.h"
#include "host/base/clock.h"
#include "host/base/event.h"
#include "host/base/mem.h"

/* Of sums that are whole at `whole`. */
static hel_status write_manifest(struct scan_job *job, const char *whole, hel_manifest **out)
{
    struct scan *s = &job->base;
    const hel_scan_stats *t = &s->stats;
    const uint64_t first = (uint64_t)job->first_block << s->gl.log_n;
    const uint64_t end = (uint64_t)(job->first_block + job->block_count) << s->gl.log_n;
    const hel_scan_resumption resumed = {job->began, job->resumed, job->total};
    hel_manifest_stage stage[HEL_SCAN_STAGES];
    for (uint32_t i = 0; i < t->stages; i++) {
        const hel_scan_stage *x = &t->stage[i];
        const double all = x->workers * t->wall;
        stage[i] = (hel_manifest_stage){.name = x->name,
                                        .busy = x->busy,
                                        .bytes = x->bytes,
                                        .items = x->items,
                                        .unit = x->unit,
                                        .utilisation = all > 0 ? x->busy / all : -1};
    }
    const hel_scan_facts facts = {
        .command = "scan",
        .genotypes = s->geno,
        .weights = s->weights,
        .evk = s->evk,
        .params = &s->scheme->params,
        .samples = s->gl.samples,
        .variants = s->gl.variants,
        .columns = s->wl.columns,
        .outputs = s->outputs,
        .planes = s->gl.plane_count,
        .device = t->already ? NULL : hel_engine_backend_text(s->engine),
        .devices = t->on_device,
        .shard = job->shard.shard,
        .shards = job->shard.shards,
        .first_block = job->first_block,
        .blocks = job->block_count,
        .first_variant = first,
        .shard_variants = (end < s->gl.variants ? end : s->gl.variants) - first,
        .started = job->began,
        .wall = t->wall,
        .cpu = hel_scan_cpu_seconds() - job->cpu_began,
        .stage = stage,
        .stages = t->stages,
        .resumption = &resumed,
        .resumptions = job->resumed > 0,
        .checkpoints = t->checkpoints,
        .already = t->already,
        .passes = t->passes,
        .verify = t->already ? 0 : s->config->verify,
        .tiles = t->tiles,
        .tiles_verified = t->tiles_verified,
        .sums = t->sums,
        .sums_verified = t->sums_verified,
    };
    return hel_scan_manifest(s->engine, out, &facts, job->signer, whole, job->path);
}

hel_status hel_scan_commit(struct scan_job *job)
{
    hel_engine *engine = job->base.engine;
    char *part = NULL;
    hel_manifest *manifest = NULL;
    job->base.stats.wall = hel_clock_seconds() - job->started;
    HEL_TRY(hel_writer_finish(job->sums, NULL)); /* if that fails, the .part may still be of use */
    hel_status status = hel_path_join(engine, &part, job->path, ".part");
    if (status == HEL_OK)
        status = write_manifest(job, part, &manifest);
    if (status == HEL_OK)
        status = hel_manifest_commit(manifest);
    hel_manifest_free(manifest);
    hel_free(part);
    HEL_TRY(status);
    status = hel_writer_commit(job->sums, NULL);
    job->sums = NULL;
    if (status == HEL_OK)
        hel_event_result(engine, job->path);
    return status;
}

/* By the key that is given now, if one is: whoever names a signer later would find another. */
static int signed_as_wanted(struct scan_job *job)
{
    hel_engine *engine = job->base.engine;
    char *path = NULL;
    hel_signature found;
    char wanted[sizeof found.key];
    if (!job->base.config->sign || hel_path_join(NULL, &path, job->path, HEL_MANIFEST_SUFFIX))
        return 1;
    hel_base64(wanted, hel_signer_public(job->signer), HEL_ED25519_KEY_BYTES);
    const int same =
        hel_manifest_signature(engine, path, &found) == HEL_OK && strcmp(found.key, wanted) == 0;
    hel_free(path);
    return same;
}

hel_status hel_scan_mend_manifest(struct scan_job *job)
{
    hel_manifest *manifest = NULL;
    if (job->base.config->plan_only ||
        (hel_manifest_check(job->path) == HEL_MANIFEST_FITS && signed_as_wanted(job)))
        return HEL_OK;
    job->base.stats.wall = hel_clock_seconds() - job->started;
    hel_status status = write_manifest(job, job->path, &manifest);
    if (status == HEL_OK)
        status = hel_manifest_commit(manifest);
    hel_manifest_free(manifest);
    return status;
}
