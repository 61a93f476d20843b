// Intel HEXL: transforms of one limb, which SEAL and OpenFHE use. Below 2^50 HEXL multiplies with
// AVX512-IFMA where the processor has it, above with AVX512-DQ.
#include "bench/peers/peer.hpp"

#include "hexl/hexl.hpp"

namespace
{

void run(std::uint64_t n, std::uint64_t bits)
{
    const std::uint64_t q = intel::hexl::GeneratePrimes(1, bits, false, n)[0];
    intel::hexl::NTT ntt(n, q);
    std::vector<std::uint64_t> x(n);
    for (std::uint64_t i = 0; i < n; i++)
        x[i] = i * i % q;
    const std::vector<std::uint64_t> before = x;
    const std::string preset =
        "2^" + std::to_string(static_cast<int>(std::log2(n))) + ":" + std::to_string(bits + 1);
    bench_subject s = {};
    s.preset = preset.c_str();
    s.mode = "one";
    s.n = static_cast<double>(n);
    s.log_q = std::log2(static_cast<double>(q));
    s.limbs = s.threads = s.batch = s.operations = s.per_bit = 1;
    s.word_bits = 64;
    const auto forward = [&](int) { ntt.ComputeForward(x.data(), x.data(), 1, 1); };
    const auto inverse = [&](int) { ntt.ComputeInverse(x.data(), x.data(), 1, 1); };
    forward(0);
    inverse(0);
    if (x != before) {
        std::fprintf(stderr, "peer_hexl: a transform and its inverse are not the identity\n");
        std::exit(70);
    }
    s.op = "ntt_forward_limb";
    peer::measure(s, {forward, peer::plain_rounds, 1}, {}, {});
    s.op = "ntt_inverse_limb";
    peer::measure(s, {inverse, peer::plain_rounds, 1}, {}, {});
}

} // namespace

int main(int argc, char **argv)
{
    peer::start(argc, argv, "peer_hexl", "HEXL", PEER_HEXL_VERSION);
    for (std::uint64_t n = 1 << 12; n <= 1 << 16; n *= 2) {
        run(n, 49);
        run(n, 59);
    }
    return bench_end();
}
