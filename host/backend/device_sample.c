/* Random limbs as launches. */
#include "host/backend/device_private.h"
#include "host/base/bytes.h"
#include "host/base/mem.h"

static k_sample sample_args(const hel_basis *p, const hel_view *out, const uint8_t seed[32],
                            hel_domain domain, uint64_t object, uint32_t step)
{
    k_sample args = {.ring = hel_dev_ring(p),
                     .out = hel_dev_rows(p, out),
                     .object_low = (uint32_t)object,
                     .object_high = (uint32_t)(object >> 32),
                     .step = step,
                     .domain = (uint32_t)domain,
                     .wide = (uint32_t)hel_domain_is_wide(domain),
                     .ternary = domain == HEL_DOMAIN_TERNARY,
                     .limbs = out->limbs};
    for (int i = 0; i < 8; i++)
        args.key[i] = hel_get_u32(seed + 4 * i);
    return args;
}

static hel_status launch(hel_stream *s, k_id kernel, k_sample *args, uint32_t rows, uint32_t batch,
                         uint32_t blocks)
{
    const uint32_t grid[3] = {rows, batch, (blocks + K_SAMPLE_THREADS - 1) / K_SAMPLE_THREADS};
    hel_status status = hel_dev_launch(s, kernel, grid, K_SAMPLE_THREADS, 0, args, sizeof *args);
    hel_wipe(args, sizeof *args);
    return status;
}

hel_status hel_dev_uniform(hel_stream *s, const hel_basis *p, hel_view out, const uint8_t seed[32],
                           hel_domain domain, uint64_t object)
{
    k_sample args = sample_args(p, &out, seed, domain, object, 1);
    return launch(s, K_ID_k_uniform, &args, out.limbs, out.batch, p->shape.ring->n / 16);
}

hel_status hel_dev_small(hel_stream *s, const hel_basis *p, hel_view out, const uint8_t seed[32],
                         hel_domain domain, uint64_t object, uint32_t step)
{
    k_sample args = sample_args(p, &out, seed, domain, object, step);
    HEL_TRY(launch(s, K_ID_k_small, &args, 1, out.batch, p->shape.ring->n / 8));
    hel_status status = hel_dev_ntt_forward(s, p, out);
    for (uint32_t b = 0; b < out.batch && status != HEL_OK; b++) /* no coefficients stay there */
        s->ops->wipe(s, out.data + b * out.stride,
                     (size_t)out.limbs * p->shape.ring->n * sizeof *out.data);
    return status;
}
