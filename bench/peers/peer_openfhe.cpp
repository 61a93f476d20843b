// OpenFHE 1.x: CKKS operations at the top level, hybrid key switching, manual rescaling. Two
// threads are measured in two ways: "one", an operation on two OpenMP threads of its own, and
// "each", two OpenMP threads with an operation each, inside of which OpenFHE does not fork again.
// OpenFHE's decryption decodes in the same call; results are always new objects.
#include "bench/peers/peer.hpp"

#include "openfhe.h"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace
{

using namespace lbcrypto;

#ifdef WITH_INTEL_HEXL
const char *const library = "OpenFHE+HEXL";
#else
const char *const library = "OpenFHE";
#endif

struct preset {
    const char *name;
    uint32_t log_n, first, scale, limbs, dnum; // bits, primes of Q
};

const preset presets[] = {
    {"2^13:60+2x40/3", 13, 60, 40, 3, 3},   {"2^13:50+2x40/3", 13, 50, 40, 3, 3},
    {"2^14:60+5x40/3", 14, 60, 40, 6, 3},   {"2^14:49+5x48/3", 14, 49, 48, 6, 3},
    {"2^14:60+6x40/7", 14, 60, 40, 7, 7},   {"2^15:60+11x50/3", 15, 60, 50, 12, 3},
    {"2^15:50+11x49/3", 15, 50, 49, 12, 3}, {"2^16:60+22x50/3", 16, 60, 50, 23, 3},
};

// OpenFHE forks for its loops unless no parallel region may be active.
void forking(int levels)
{
#ifdef _OPENMP
    omp_set_max_active_levels(levels);
#else
    (void)levels;
#endif
}

void alone(const peer::action &a, std::size_t iterations)
{
    forking(0);
    for (std::size_t i = 0; i < iterations; i++)
        a.run(0);
}

void forked(const peer::action &a, std::size_t iterations)
{
    forking(1);
    for (std::size_t i = 0; i < iterations; i++)
        a.run(0);
    forking(0);
}

void side_by_side(const peer::action &a, std::size_t iterations)
{
    forking(1);
#ifdef _OPENMP
#pragma omp parallel num_threads(a.threads)
    for (std::size_t i = 0; i < iterations; i++)
        a.run(omp_get_thread_num());
#endif
    forking(0);
}

template <typename Params> double log2_of(const Params &params)
{
    double sum = 0;
    for (const auto &limb : params->GetParams())
        sum += std::log2(limb->GetModulus().ConvertToDouble());
    return sum;
}

struct fixture {
    CryptoContext<DCRTPoly> cc;
    KeyPair<DCRTPoly> keys;
    peer::slots x, y;
    Plaintext plain_x, plain_y, plain_out[2];
    Ciphertext<DCRTPoly> a, b, lazy, prod, out[2];
    bench_subject subject;

    explicit fixture(const preset &p);
    ~fixture();
    peer::slots slots_of(const Plaintext &plain);
    void entry(const char *op, int switches, const std::function<void(int)> &run,
               const std::function<peer::slots()> &result, const peer::slots &want);
    void transforms();
    void messages();
    void arithmetic();
};

fixture::fixture(const preset &p) : subject()
{
    CCParams<CryptoContextCKKSRNS> parameters;
    parameters.SetRingDim(1u << p.log_n);
    parameters.SetBatchSize(1u << (p.log_n - 1));
    parameters.SetMultiplicativeDepth(p.limbs - 1);
    parameters.SetFirstModSize(p.first);
    parameters.SetScalingModSize(p.scale);
    parameters.SetScalingTechnique(FIXEDMANUAL);
    parameters.SetKeySwitchTechnique(HYBRID);
    parameters.SetNumLargeDigits(p.dnum);
    parameters.SetSecretKeyDist(UNIFORM_TERNARY);
    parameters.SetSecurityLevel(HEStd_128_classic);
    forking(0);
    cc = GenCryptoContext(parameters);
    cc->Enable(PKE);
    cc->Enable(KEYSWITCH);
    cc->Enable(LEVELEDSHE);
    keys = cc->KeyGen();
    cc->EvalMultKeyGen(keys.secretKey);
    cc->EvalRotateKeyGen(keys.secretKey, {1});
    const std::size_t n = std::size_t{1} << p.log_n;
    x = peer::message(1, n / 2);
    y = peer::message(2, n / 2);
    plain_x = cc->MakeCKKSPackedPlaintext(x);
    plain_y = cc->MakeCKKSPackedPlaintext(y);
    a = cc->Encrypt(keys.publicKey, plain_x);
    b = cc->Encrypt(keys.publicKey, plain_y);
    lazy = cc->EvalMultNoRelin(a, b);
    prod = cc->EvalMult(a, b);
    const auto rns = std::dynamic_pointer_cast<CryptoParametersRNS>(cc->GetCryptoParameters());
    const double special = static_cast<double>(rns->GetParamsP()->GetParams().size());
    subject.preset = p.name;
    subject.mode = "one";
    subject.n = static_cast<double>(n);
    subject.log_q = log2_of(a->GetElements()[0].GetParams());
    subject.log_qp = subject.log_q + log2_of(rns->GetParamsP());
    subject.log_bound = static_cast<double>(
        StdLatticeParm::FindMaxQ(HEStd_ternary, HEStd_128_classic, static_cast<usint>(n)));
    subject.dnum = rns->GetNumPartQ();
    subject.limbs = p.limbs;
    subject.word_bits = 64;
    subject.scale_bits = p.scale;
    subject.threads = subject.batch = subject.operations = 1;
    subject.ciphertext_bytes = 16.0 * subject.n * subject.limbs;
    subject.key_bytes = 16.0 * subject.n * (subject.limbs + special) * subject.dnum;
}

fixture::~fixture()
{
    cc->ClearEvalMultKeys();
    cc->ClearEvalAutomorphismKeys();
    CryptoContextFactory<DCRTPoly>::ReleaseAllContexts();
}

peer::slots fixture::slots_of(const Plaintext &plain)
{
    plain->SetLength(x.size());
    return plain->GetRealPackedValue();
}

void fixture::entry(const char *op, int switches, const std::function<void(int)> &run,
                    const std::function<peer::slots()> &result, const peer::slots &want)
{
    bench_subject s = subject;
    s.op = op;
    s.key_switches = switches;
    peer::measure(s, {run, alone, 1}, result, want);
#ifdef _OPENMP
    s.threads = 2;
    peer::measure(s, {run, forked, 2}, result, want);
    s.mode = "each";
    s.operations = 2;
    peer::measure(s, {run, side_by_side, 2}, result, want);
#endif
}

void fixture::transforms()
{
    DCRTPoly data[2] = {a->GetElements()[0], a->GetElements()[1]};
    entry("ntt_forward", 0,
          [&](int t) {
              data[t].OverrideFormat(Format::COEFFICIENT);
              data[t].SwitchFormat();
          },
          {}, {});
    entry("ntt_inverse", 0,
          [&](int t) {
              data[t].OverrideFormat(Format::EVALUATION);
              data[t].SwitchFormat();
          },
          {}, {});
}

void fixture::messages()
{
    const auto decrypted = [&] {
        Plaintext plain;
        cc->Decrypt(keys.secretKey, out[0], &plain);
        return slots_of(plain);
    };
    entry(
        "encode", 0, [&](int t) { plain_out[t] = cc->MakeCKKSPackedPlaintext(x); },
        [&] {
            out[0] = cc->Encrypt(keys.publicKey, plain_out[0]);
            return decrypted();
        },
        x);
    entry(
        "encrypt_public", 0, [&](int t) { out[t] = cc->Encrypt(keys.publicKey, plain_x); },
        decrypted, x);
    entry(
        "encrypt_symmetric", 0, [&](int t) { out[t] = cc->Encrypt(keys.secretKey, plain_x); },
        decrypted, x);
    entry(
        "decrypt_decode", 0, [&](int t) { cc->Decrypt(keys.secretKey, a, &plain_out[t]); },
        [&] { return slots_of(plain_out[0]); }, x);
}

void fixture::arithmetic()
{
    const auto decrypted = [&] {
        Plaintext plain;
        cc->Decrypt(keys.secretKey, out[0], &plain);
        return slots_of(plain);
    };
    peer::slots sum(x), turned(x);
    const peer::slots xy = peer::product(x, y), squares = peer::product(x, x);
    for (std::size_t i = 0; i < x.size(); i++) {
        sum[i] += y[i];
        turned[i] = x[(i + 1) % x.size()];
    }
    entry(
        "add", 0, [&](int t) { out[t] = cc->EvalAdd(a, b); }, decrypted, sum);
    entry(
        "mul_plain", 0, [&](int t) { out[t] = cc->EvalMult(a, plain_y); }, decrypted, xy);
    entry(
        "mul", 0, [&](int t) { out[t] = cc->EvalMultNoRelin(a, b); }, decrypted, xy);
    entry(
        "relinearize", 1, [&](int t) { out[t] = cc->Relinearize(lazy); }, decrypted, xy);
    entry(
        "mul_relin", 1, [&](int t) { out[t] = cc->EvalMult(a, b); }, decrypted, xy);
    entry(
        "square_relin", 1, [&](int t) { out[t] = cc->EvalSquare(a); }, decrypted, squares);
    entry(
        "rescale", 0, [&](int t) { out[t] = cc->Rescale(prod); }, decrypted, xy);
    entry(
        "rotate", 1, [&](int t) { out[t] = cc->EvalRotate(a, 1); }, decrypted, turned);
}

} // namespace

int main(int argc, char **argv)
{
    peer::start(argc, argv, "peer_openfhe", library, GetOPENFHEVersion().c_str());
    for (const preset &p : presets) {
        if (!bench_wanted_preset(p.name))
            continue;
        fixture f(p);
        f.transforms();
        f.messages();
        f.arithmetic();
    }
    return bench_end();
}
