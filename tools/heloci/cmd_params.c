/* heloci params: a parameter set with the proof that it is exact and secure. */
#include <math.h>

#include "tools/heloci/tool.h"

static void print_set(const hel_params *p, const uint8_t digest[32])
{
    printf("parameter set ");
    for (int i = 0; i < 8; i++)
        printf("%02x", digest[i]);
    printf("%s\n", p->toy ? "  INSECURE: toy parameters" : "");
    printf("  ring dimension        N = %u = 2^%u\n", 1u << p->log_n, p->log_n);
    printf("  scan modulus          %u primes below 2^30\n", p->scan_limbs);
    printf("  expansion modulus     %u primes, %u more for key switching, digits of %u\n",
           p->expand_limbs, p->special_limbs, p->digit_limbs);
    printf("  results travel with   %u primes\n", p->out_limbs);
    printf("  weights               %u bits: integers from -%u to %u\n", p->weight_bits,
           (1u << (p->weight_bits - 1)) - 1, (1u << (p->weight_bits - 1)) - 1);
    printf("  genotype planes       entries up to %u\n", p->plane_max);
    printf("  chunk                 %u samples per decrypted sum\n", p->chunk);
    printf("  scales                Da = q_last * 2^%u, Dz = %llu = 2^%.2f\n", p->da_shift,
           (unsigned long long)p->dz, log2((double)p->dz));
    printf("  ciphertexts           %u bytes per genotype and plane\n", 4 * p->scan_limbs);
}

static void print_proof(const hel_params *p, const hel_params_proof *proof)
{
    printf("\nexactness, for the worst data possible (n = %u, G = %u, b = %u)\n", p->chunk,
           p->plane_max, p->weight_bits);
    printf("  range   2 n G 2^(b-1) Da Dz + Da Dz = 2^%.3f  <  Q = 2^%.3f   %s\n",
           proof->range_bits, proof->log_q, proof->range_holds ? "holds" : "FAILS");
    printf("  noise   Da Dz / 2 = %.1f sigma_E  >=  %.0f sigma_E               %s\n", proof->margin,
           HEL_PARAMS_TAU, proof->noise_holds ? "holds" : "FAILS");
    printf("          sigma_E = 2^%.2f for a sum, sigma_Z = 2^%.2f for an expanded weight\n",
           log2(proof->sigma_e), log2(proof->sigma_z));
    /* A sum of bounded symmetric terms: P(wrong) <= 2 exp(-margin^2 / 2). */
    printf("          a sum is wrong with probability below 2^%.0f\n",
           1 - proof->margin * proof->margin / 2 / log(2));
}

static void print_security(const hel_params_proof *proof)
{
    printf("\nsecurity, 128 bits, uniform ternary secret, centred binomial error (sigma = 3.24)\n");
    printf("  log2 of the largest modulus under which the secret appears: %.2f, limit %.0f: %s\n",
           proof->log_qp, proof->log_bound, proof->secure ? "within" : "BEYOND");
    printf("  table (Bossuat et al., Security Guidelines for Implementing Homomorphic Encryption,\n"
           "  IACR CiC 2025, Table 5.2):\n   ");
    for (uint32_t log_n = 10; log_n <= 17; log_n++)
        if (hel_security_limit(log_n))
            printf(" 2^%u: %u%s", log_n, hel_security_limit(log_n), log_n < 17 ? "," : "\n");
}

/* Rounded up: a larger modulus is the weaker one. */
static void print_estimator(const hel_params *p, const hel_params_proof *proof)
{
    printf("LWE.Parameters(n=2**%u, q=2**%.0f, Xs=ND.UniformMod(3), Xe=ND.CenteredBinomial(21), "
           "m=oo)\n",
           p->log_n, ceil(proof->log_qp));
}

int command_params(const options *o)
{
    tool t;
    int rc = tool_open(&t, o);
    if (rc)
        return rc;
    hel_params_request request = HEL_PARAMS_REQUEST_INIT;
    request.weight_bits = (uint32_t)o->number[OPT_BITS];
    request.plane_max = (uint32_t)o->number[OPT_PLANE_MAX];
    request.chunk = (uint32_t)o->number[OPT_CHUNK];
    request.log_n = (uint32_t)o->number[OPT_LOG_N];
    hel_params params;
    hel_params_proof proof;
    uint8_t digest[32];
    hel_status status = hel_params_search(t.engine, &request, &params);
    if (status == HEL_OK)
        status = hel_params_check(t.engine, &params, &proof);
    if (status == HEL_OK)
        status = hel_params_digest(t.engine, &params, digest);
    if (status == HEL_OK && o->given[OPT_ESTIMATOR_INPUT]) {
        print_estimator(&params, &proof);
    } else if (status == HEL_OK) {
        print_set(&params, digest);
        print_proof(&params, &proof);
        print_security(&proof);
    }
    return tool_close(&t, status);
}
