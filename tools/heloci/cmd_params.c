/* heloci params: a parameter set of the scan with the proof that it is exact and secure, or the
 * named sets of the CKKS engine. */
#include <math.h>

#include "heloci/ckks.h"
#include "tools/heloci/tool.h"

static void print_digest(const uint8_t digest[32])
{
    printf("parameter set ");
    for (int i = 0; i < 8; i++)
        printf("%02x", digest[i]);
}

static void print_set(const hel_params *p, const uint8_t digest[32])
{
    print_digest(digest);
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
static void print_estimator(uint32_t log_n, double log_qp)
{
    printf("LWE.Parameters(n=2**%u, q=2**%.0f, Xs=ND.UniformMod(3), Xe=ND.CenteredBinomial(21), "
           "m=oo)\n",
           log_n, ceil(log_qp));
}

/* ---- CKKS ---- */

static double mebi(uint64_t bytes)
{
    return (double)bytes / 1048576;
}

static hel_status ckks_row(hel_engine *engine, const char *name)
{
    hel_ckks_params p;
    hel_ckks_info f;
    hel_status status = hel_ckks_params_named(engine, name, &p);
    if (status == HEL_OK)
        status = hel_ckks_params_check(engine, &p, &f);
    if (status == HEL_OK)
        printf("%-8s 2^%-3u %6u  2^%-3u %4u + %-3u %4u %8.1f %8.1f %6.0f %9.1f %10.3f %9.2f\n",
               name, p.log_n, p.depth, p.scale_bits, f.q_limbs, p.special_limbs, f.dnum, f.log_q,
               f.log_qp, f.log_bound, f.precision_bits, mebi(f.ciphertext_bytes),
               mebi(f.key_bytes));
    return status;
}

static hel_status ckks_table(hel_engine *engine)
{
    const char *name, *description;
    hel_status status = HEL_OK;
    printf(
        "name     N     levels scale   primes   dnum   log2 Q  log2 QP  bound precision ciphertext"
        "       key\n"
        "                                Q + P                                      bits        "
        "MiB       MiB\n");
    for (size_t i = 0; status == HEL_OK && (name = hel_ckks_params_name(i, NULL)) != NULL; i++)
        status = ckks_row(engine, name);
    putchar('\n');
    for (size_t i = 0; status == HEL_OK && (name = hel_ckks_params_name(i, &description)); i++)
        printf("%-8s %s\n", name, description);
    printf(
        "\nPrecision: of a fresh public-key encryption at the top level. Sizes: of one ciphertext "
        "and one switching key\nin memory; seeded ones take half of that in a file.\n");
    return status;
}

static void print_levels(const hel_ckks_params *p, const hel_ckks_info *f)
{
    printf("\n  level  default scale  multiplier  primes\n");
    for (uint32_t l = p->depth + 1; l-- > 0;) {
        printf("  %5u  2^%-11.6f  %10llu ", l, log2(f->scale[l]),
               (unsigned long long)p->multiplier[l]);
        for (uint32_t i = l ? p->limbs[l - 1] : 0; i < p->limbs[l]; i++)
            printf(" %u", p->primes[i]);
        putchar('\n');
    }
    for (uint32_t i = 0; i < p->special_limbs; i++) {
        if (i % 6 == 0)
            printf("%s%-35s", i ? "\n" : "", i ? "" : "  P");
        printf(" %u", p->primes[f->q_limbs + i]);
    }
    putchar('\n');
}

static void print_ckks(const hel_ckks_params *p, const hel_ckks_info *f, const uint8_t digest[32])
{
    print_digest(digest);
    printf("\n  ring dimension        N = %u = 2^%u, %u slots\n", 1u << p->log_n, p->log_n,
           1u << (p->log_n - 1));
    printf("  multiplications       %u, one after another, at scales near 2^%u\n", p->depth,
           p->scale_bits);
    printf("  modulus               log2(Q) = %.2f in %u primes\n", f->log_q, f->q_limbs);
    printf("  key switching         %u digits of up to %u primes, %u special primes\n", f->dnum,
           p->digit_limbs, p->special_limbs);
    printf("  security              log2(QP) = %.2f, bound %.0f at %u bits\n", f->log_qp,
           f->log_bound, p->security);
    printf("  precision             %.1f bits: fresh, public key, standard deviation of a slot\n",
           f->precision_bits);
    printf("  level 0 holds         |values| below 2^%.1f\n", f->message_bits);
    printf("  ciphertext            %.3f MiB at the top level; seeded, in a file: %.3f MiB\n",
           mebi(f->ciphertext_bytes), mebi(f->seeded_bytes));
    printf("  switching key         %.2f MiB; in a file: %.2f MiB\n", mebi(f->key_bytes),
           mebi(f->seeded_key_bytes));
    print_levels(p, f);
}

static hel_status ckks_set(hel_engine *engine, const char *name, int estimator)
{
    hel_ckks_params p;
    hel_ckks_info f;
    uint8_t digest[32];
    hel_status status = hel_ckks_params_named(engine, name, &p);
    if (status == HEL_OK)
        status = hel_ckks_params_check(engine, &p, &f);
    if (status == HEL_OK)
        status = hel_ckks_params_digest(engine, &p, digest);
    if (status == HEL_OK && estimator)
        print_estimator(p.log_n, f.log_qp);
    else if (status == HEL_OK)
        print_ckks(&p, &f, digest);
    return status;
}

static hel_status ckks_all(hel_engine *engine, int estimator)
{
    const char *name;
    hel_status status = HEL_OK;
    if (!estimator)
        return ckks_table(engine);
    for (size_t i = 0; status == HEL_OK && (name = hel_ckks_params_name(i, NULL)) != NULL; i++)
        status = ckks_set(engine, name, 1);
    return status;
}

/* ---- the scan ---- */

static hel_status scan_set(hel_engine *engine, const options *o)
{
    hel_params_request request = HEL_PARAMS_REQUEST_INIT;
    request.weight_bits = (uint32_t)o->number[OPT_BITS];
    request.plane_max = (uint32_t)o->number[OPT_PLANE_MAX];
    request.chunk = (uint32_t)o->number[OPT_CHUNK];
    request.log_n = (uint32_t)o->number[OPT_LOG_N];
    hel_params params;
    hel_params_proof proof;
    uint8_t digest[32];
    hel_status status = hel_params_search(engine, &request, &params);
    if (status == HEL_OK)
        status = hel_params_check(engine, &params, &proof);
    if (status == HEL_OK)
        status = hel_params_digest(engine, &params, digest);
    if (status == HEL_OK && o->given[OPT_ESTIMATOR_INPUT]) {
        print_estimator(params.log_n, proof.log_qp);
    } else if (status == HEL_OK) {
        print_set(&params, digest);
        print_proof(&params, &proof);
        print_security(&proof);
    }
    return status;
}

int command_params(const options *o)
{
    static const int scan_only[] = {OPT_BITS, OPT_PLANE_MAX, OPT_CHUNK, OPT_LOG_N};
    tool t;
    int rc = tool_open(&t, o);
    if (rc)
        return rc;
    for (size_t i = 0; o->given[OPT_CKKS] && i < sizeof scan_only / sizeof *scan_only; i++)
        if (o->given[scan_only[i]]) {
            fprintf(stderr, "heloci params: --ckks does not go with --%s\n",
                    option_table[scan_only[i]].name);
            (void)tool_close(&t, HEL_OK);
            return EXIT_USAGE;
        }
    hel_status status;
    if (!o->given[OPT_CKKS])
        status = scan_set(t.engine, o);
    else if (!o->text[OPT_CKKS])
        status = ckks_all(t.engine, o->given[OPT_ESTIMATOR_INPUT]);
    else
        status = ckks_set(t.engine, o->text[OPT_CKKS], o->given[OPT_ESTIMATOR_INPUT]);
    return tool_close(&t, status);
}
