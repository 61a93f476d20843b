/* Reading the dataset file. */
#include "host/assoc/dataset.h"

static hel_status decode(hel_engine *engine, hel_dataset *d, const char *path)
{
    const uint8_t *data;
    uint64_t bytes;
    HEL_TRY(hel_reader_section(d->reader, HEL_SECTION_LAYOUT, &data, &bytes));
    HEL_REQUIRE(engine, bytes >= HEL_DIGEST_BYTES, HEL_E_FORMAT, "%s: layout: truncated", path);
    HEL_TRY(hel_geno_layout_decode(engine, data, bytes - HEL_DIGEST_BYTES, UINT64_MAX, &d->layout));
    memcpy(d->geno_content, data + bytes - HEL_DIGEST_BYTES, HEL_DIGEST_BYTES);
    HEL_TRY(hel_reader_section(d->reader, HEL_SECTION_SAMPLES, &data, &bytes));
    HEL_TRY(hel_samples_decode(engine, data, bytes, &d->samples));
    HEL_TRY(hel_reader_section(d->reader, HEL_SECTION_VARIANTS, &data, &bytes));
    HEL_TRY(hel_variants_decode(engine, data, bytes, &d->variants));
    HEL_REQUIRE(engine,
                d->samples.count == d->layout.samples && d->variants.count == d->layout.variants,
                HEL_E_FORMAT,
                "%s: %u samples and %u variants are named, the layout has %llu and "
                "%llu",
                path, d->samples.count, d->variants.count, (unsigned long long)d->layout.samples,
                (unsigned long long)d->layout.variants);
    d->has_missing = !(d->layout.planes >> HEL_PLANE_MISS & 1);
    if (d->has_missing) {
        HEL_TRY(hel_reader_section(d->reader, HEL_SECTION_MISSING, &data, &bytes));
        HEL_TRY(hel_missing_open(engine, &d->missing, data, bytes));
        HEL_REQUIRE(engine,
                    d->missing.samples == d->samples.count &&
                        d->missing.variants == d->variants.count,
                    HEL_E_FORMAT, "%s: the list of missing calls is of another cohort", path);
    }
    HEL_TRY(hel_reader_section(d->reader, HEL_SECTION_DIGESTS, &data, &bytes));
    HEL_REQUIRE(engine,
                bytes == (uint64_t)d->layout.blocks * d->layout.plane_count * d->layout.samples * 8,
                HEL_E_FORMAT, "%s: the section of verification digests has the wrong size", path);
    d->digest = data;
    return HEL_OK;
}

hel_status hel_dataset_open(hel_engine *engine, hel_dataset *d, const hel_owner *owner,
                            const char *path)
{
    *d = (hel_dataset){0};
    HEL_TRY(hel_owner_reader(engine, &d->reader, owner, path, HEL_KIND_DATASET));
    hel_status status = hel_name_file(engine, path, decode(engine, d, path));
    if (status != HEL_OK)
        hel_dataset_close(d);
    return status;
}

void hel_dataset_close(hel_dataset *d)
{
    hel_samples_free(&d->samples);
    hel_variants_free(&d->variants);
    hel_reader_close(d->reader);
    *d = (hel_dataset){0};
}
