/*
 * The race checker, built under ThreadSanitizer: `races` runs the kernels, which must be silent;
 * `races barrier` and `races blocks` run kernels with a barrier taken out and with blocks that
 * share a word, which it must report (ThreadSanitizer then ends the program with status 66).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ref/ref_ring.h"
#include "tests/sim/faulty.h"
#include "tests/sim/sim_device.h"

void k_faulty_sum(const void *args);
void k_faulty_blocks(const void *args);

static int faulty(sim_kernel kernel, k_fault fault)
{
    static uint32_t in[256], out[64];
    const k_faulty args = {in, out, fault};
    return sim_launch(kernel, (sim_dim){4, 1, 1}, (sim_dim){64, 1, 1}, &args, 256, NULL) != NULL;
}

static int need(hel_engine *engine, hel_status status)
{
    if (status != HEL_OK)
        fprintf(stderr, "%s: %s\n", hel_status_name(status), hel_engine_error(engine));
    return status != HEL_OK;
}

/* A key switch and a rescale: transforms, conversions, inner products, divisions, samplers. */
static int kernels(uint32_t log_n, uint32_t limbs, hel_device *device)
{
    hel_engine *engine;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_PORTABLE, log_n, limbs + 2);
    const hel_basis_shape shape = {
        .ring = ring, .q_count = limbs, .p_count = 2, .digit_limbs = 2, .drop_max = 1};
    const size_t n = ring->n, row = (limbs + 2) * n;
    const uint8_t seed[32] = {3};
    hel_backend *b;
    hel_stream *s = NULL;
    hel_basis *p = NULL;
    uint32_t *key = NULL, *data = NULL;
    const uint32_t digits = (limbs + 1) / 2;
    int bad = need(engine, hel_backend_device_create(engine, &b, device));
    if (bad)
        return 1;
    bad = need(engine, b->ops->stream_create(b, engine, &s)) ||
          need(engine, b->ops->basis_create(b, engine, &p, &shape)) ||
          need(engine, b->ops->alloc(s, &key, 2 * digits * row * sizeof *key)) ||
          need(engine, b->ops->alloc(s, &data, 4 * limbs * n * sizeof *data));
    const hel_view halves = {key, 2 * digits, limbs + 2, limbs, row};
    const hel_view a = {data, 1, limbs, limbs, limbs * n};
    const hel_view out[2] = {{data + limbs * n, 1, limbs, limbs, limbs * n},
                             {data + 2 * limbs * n, 1, limbs, limbs, limbs * n}};
    const hel_view low = {data + 3 * limbs * n, 1, limbs - 1, limbs - 1, limbs * n};
    const hel_key_view view = {key, limbs, digits};
    bad = bad || need(engine, b->ops->uniform(s, p, halves, seed, HEL_DOMAIN_SWITCH_A, 1)) ||
          need(engine, b->ops->small(s, p, a, seed, HEL_DOMAIN_CIPHER_E, 1, 1)) ||
          need(engine, b->ops->key_switch(s, p, out, a, view, 5, &a, NULL)) ||
          need(engine, b->ops->mul_add(s, p, out[0], out[1], a)) ||
          need(engine, b->ops->rescale(s, p, low, out[0]));
    if (s) {
        b->ops->release(s, key);
        b->ops->release(s, data);
        b->ops->stream_free(s);
    }
    b->ops->basis_free(b, p);
    hel_backend_free(b);
    ref_ring_end(engine, ring);
    return bad;
}

int main(int argc, char **argv)
{
    const sim_options options = {SIM_RANDOM, 11};
    if (argc == 2 && strcmp(argv[1], "barrier") == 0)
        return faulty(k_faulty_sum, K_FAULT_NO_BARRIER);
    if (argc == 2 && strcmp(argv[1], "blocks") == 0)
        return faulty(k_faulty_blocks, K_FAULT_BLOCKS_RACE);
    if (argc == 2 && strcmp(argv[1], "none") == 0)
        return faulty(k_faulty_sum, K_FAULT_NONE) || faulty(k_faulty_blocks, K_FAULT_NONE);
    return kernels(10, 3, sim_device_create(&options, SIM_SHARED_HOPPER)) ||
           kernels(11, 2, sim_device_create(&options, SIM_SHARED_HOPPER));
}
