/* From facts to a manifest; what the fields mean is in host/store/MANIFEST.md. */
#include "host/assoc/scan_manifest.h"

#include <string.h>

#include "host/base/mem.h"

static hel_status put_inputs(hel_engine *engine, hel_manifest *m, const hel_scan_facts *f)
{
    if (f->genotypes)
        hel_manifest_input(m, "genotypes", f->genotypes);
    if (f->weights)
        hel_manifest_input(m, "weights", f->weights);
    if (f->evk)
        hel_manifest_input(m, "evaluation keys", f->evk);
    for (uint32_t i = 0; i < f->parts; i++)
        if (hel_manifest_input_signed(m, "part", f->part[i]) == HEL_MANIFEST_BROKEN)
            return hel_fail(engine, HEL_E_MISMATCH,
                            "%s: its manifest does not fit it (heloci verify says why); compute "
                            "this part again",
                            hel_reader_path(f->part[i]));
    return HEL_OK;
}

/* The backend in words, without the remark about where its library was looked for: folders are
 * nobody's business. */
static hel_status put_device(hel_engine *engine, hel_manifest *m, const char *text)
{
    char *copy;
    if (!text || !strchr(text, '/')) {
        hel_manifest_text(m, "device", "text", text);
        return HEL_OK;
    }
    HEL_TRY(hel_path_join(engine, &copy, text, ""));
    char *slash = strchr(copy, '/'), *remark = strstr(copy, " (");
    *(remark && remark < slash ? remark : copy) = 0;
    hel_manifest_text(m, "device", "text", copy);
    hel_free(copy);
    return HEL_OK;
}

static void put_shape(hel_manifest *m, const hel_scan_facts *f)
{
    hel_manifest_count(m, "scan", "samples", f->samples);
    hel_manifest_count(m, "scan", "variants", f->variants);
    if (f->columns)
        hel_manifest_count(m, "scan", "columns", f->columns);
    if (f->outputs)
        hel_manifest_count(m, "scan", "sums_per_variant", f->outputs);
    if (f->planes)
        hel_manifest_count(m, "scan", "planes", f->planes);
    if (f->passes)
        hel_manifest_count(m, "scan", "passes", f->passes);
    if (f->checkpoints)
        hel_manifest_count(m, "scan", "checkpoints", f->checkpoints);
    if (f->already)
        hel_manifest_flag(m, "scan", "found", 1);
    if (f->shards) {
        hel_manifest_count(m, "shard", "index", f->shard);
        hel_manifest_count(m, "shard", "count", f->shards);
        hel_manifest_count(m, "shard", "first_block", f->first_block);
        hel_manifest_count(m, "shard", "blocks", f->blocks);
        hel_manifest_count(m, "shard", "first_variant", f->first_variant);
        hel_manifest_count(m, "shard", "variants", f->shard_variants);
    }
    if (f->verify > 0) {
        hel_manifest_real(m, "recomputed", "asked", f->verify);
        hel_manifest_count(m, "recomputed", "tiles", f->tiles_verified);
        hel_manifest_count(m, "recomputed", "of_tiles", f->tiles);
        hel_manifest_count(m, "recomputed", "blocks", f->sums_verified);
        hel_manifest_count(m, "recomputed", "of_blocks", f->sums);
    }
}

hel_status hel_scan_manifest(hel_engine *engine, hel_manifest **out, const hel_scan_facts *f,
                             const hel_signer *signer, const char *whole, const char *path)
{
    hel_manifest *m;
    *out = NULL;
    HEL_TRY(hel_manifest_create(engine, &m, "sums", f->command));
    hel_status status = put_inputs(engine, m, f);
    if (status == HEL_OK) {
        if (f->params)
            hel_manifest_params(m, f->params);
        put_shape(m, f);
        status = put_device(engine, m, f->device);
        if (f->devices)
            hel_manifest_count(m, "device", "count", f->devices);
        for (uint32_t i = 0; i < f->stages; i++)
            hel_manifest_stage_add(m, &f->stage[i]);
        for (uint32_t i = 0; i < f->resumptions; i++)
            hel_manifest_resumed(m, f->resumption[i].time, f->resumption[i].done,
                                 f->resumption[i].total);
        hel_manifest_subject(m, whole, path);
        hel_manifest_timing(m, f->started, f->wall, f->cpu);
    }
    if (status == HEL_OK)
        status = hel_manifest_finish(m, signer, path);
    if (status == HEL_OK)
        *out = m;
    else
        hel_manifest_free(m);
    return status;
}
