/* A scheme: a checked parameter set with its ring and scale factors. */
#include "host/base/cpu.h"
#include "host/base/mem.h"
#include "host/ckks/exact/expand_ops.h"

static const hel_expand_ops *choose_ops(const hel_engine *engine)
{
    switch (hel_engine_simd(engine)) {
    case HEL_SIMD_AVX512:
        return hel_expand_ops_avx512();
    case HEL_SIMD_AVX2:
        return hel_expand_ops_avx2();
    default:
        return hel_expand_ops_portable();
    }
}

static hel_status build(hel_engine *engine, hel_scheme *s, const hel_params *p)
{
    s->params = *p;
    s->n = 1u << p->log_n;
    s->total = p->expand_limbs + p->special_limbs;
    s->digits = (p->expand_limbs + p->digit_limbs - 1) / p->digit_limbs;
    s->out_scale = p->dz << p->da_shift;
    s->expand_ops = choose_ops(engine);
    HEL_TRY(hel_params_digest(engine, p, s->digest));
    HEL_TRY(hel_ring_create(engine, &s->ring, p->log_n, s->total));
    const hel_limb *limb = s->ring->limb;
    for (uint32_t i = 0; i < p->scan_limbs; i++) {
        uint32_t q = limb[i].q, shift = hel_mod_pow(2, p->da_shift, q);
        s->da[i] = hel_mod_mul(limb[p->scan_limbs - 1].q % q, shift, q);
    }
    for (uint32_t i = 0; i < p->expand_limbs; i++) {
        uint32_t q = limb[i].q, wz = hel_mod_mul(limb[i].n_inv, (uint32_t)(p->dz % q), q);
        for (uint32_t d = p->scan_limbs; d < p->expand_limbs; d++)
            wz = hel_mod_mul(wz, limb[d].q % q, q);
        s->wz[i] = wz;
    }
    return HEL_OK;
}

hel_status hel_scheme_create_unchecked(hel_engine *engine, hel_scheme **out,
                                       const hel_params *params)
{
    hel_scheme *s;
    *out = NULL;
    HEL_TRY(hel_params_shape(engine, params));
    HEL_TRY(hel_calloc(engine, &s, 1, sizeof *s));
    hel_status status = build(engine, s, params);
    if (status != HEL_OK) {
        hel_scheme_free(s);
        return status;
    }
    *out = s;
    return HEL_OK;
}

hel_status hel_scheme_create(hel_engine *engine, hel_scheme **out, const hel_params *params)
{
    *out = NULL;
    HEL_TRY(hel_params_evaluate(engine, params, NULL));
    return hel_scheme_create_unchecked(engine, out, params);
}

void hel_scheme_free(hel_scheme *s)
{
    if (!s)
        return;
    hel_ring_free(s->ring);
    hel_free(s);
}
