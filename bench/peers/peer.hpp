// What the benchmarks of other CKKS libraries share: messages, the check that an operation gave the
// right slots, threads, and the record that goes into the JSON. The operations, their names and
// their meaning are those of bench/b_ckks.c, so that tools/compare can put them side by side.
#ifndef HEL_BENCH_PEER_HPP
#define HEL_BENCH_PEER_HPP

#include <dlfcn.h>
#include <malloc.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "bench/bench.h"

namespace peer
{

using slots = std::vector<double>;

// Uniform in [-1, 1), from a fixed generator.
inline slots message(std::uint64_t seed, std::size_t count)
{
    slots x(count);
    for (double &v : x) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        v = static_cast<double>(static_cast<std::int64_t>(seed) >> 11) * 0x1p-52;
    }
    return x;
}

inline slots product(const slots &a, const slots &b)
{
    slots out(a.size());
    for (std::size_t i = 0; i < a.size(); i++)
        out[i] = a[i] * b[i];
    return out;
}

// Bits that the root of the mean squared error leaves.
inline double precision(const slots &got, const slots &want)
{
    double sum = 0;
    for (std::size_t i = 0; i < want.size(); i++)
        sum += (got.at(i) - want[i]) * (got.at(i) - want[i]);
    return -0.5 * std::log2(sum / static_cast<double>(want.size()) + 0x1p-200);
}

// Results of several MiB are mapped and unmapped at every call by the C library's defaults, which
// costs more than the operation: peers get the better setting, and the context says which.
inline void start(int argc, char **argv, const char *program, const char *library,
                  const char *version)
{
    bench_begin_as(argc, argv, program, library, version);
    bench_context("adapter_compiler", "c++ " __VERSION__);
    if (dlsym(RTLD_DEFAULT, "tc_version")) {
        bench_context("allocator", "tcmalloc");
    } else {
        mallopt(M_MMAP_THRESHOLD, 1 << 30);
        mallopt(M_TRIM_THRESHOLD, 2000 << 20);
        mallopt(M_TOP_PAD, 64 << 20);
        bench_context("allocator", "glibc, never mapping or trimming");
    }
}

struct action {
    std::function<void(int)> run; // one operation, of the thread with this number
    // Runs `iterations` rounds on all threads; libraries with their own threads replace it.
    std::function<void(const action &, std::size_t)> rounds;
    int threads;
};

inline void plain_rounds(const action &a, std::size_t iterations)
{
    auto loop = [&](int thread) {
        for (std::size_t i = 0; i < iterations; i++)
            a.run(thread);
    };
    std::vector<std::thread> others;
    for (int t = 1; t < a.threads; t++)
        others.emplace_back(loop, t);
    loop(0);
    for (std::thread &t : others)
        t.join();
}

extern "C" inline void peer_run(void *p, std::size_t iterations)
{
    const action &a = *static_cast<const action *>(p);
    a.rounds(a, iterations);
}

inline std::string entry_name(const bench_subject &s)
{
    return std::string(s.op) + "/" + s.preset + "/t" + std::to_string(static_cast<int>(s.threads)) +
           "-" + s.mode;
}

// Runs once, compares the slots of `result` with `want` (both may be empty where the operation has
// no slots), then measures.
inline void measure(bench_subject s, const action &a, const std::function<slots()> &result,
                    const slots &want)
{
    const std::string name = entry_name(s);
    if (!bench_wanted(name.c_str()))
        return;
    if (result && !bench_listing()) {
        a.run(0);
        s.precision_bits = precision(result(), want);
        if (!(s.precision_bits > 8)) {
            std::fprintf(stderr, "%s: wrong slots: %.1f bits are right\n", name.c_str(),
                         s.precision_bits);
            std::exit(70);
        }
    }
    bench_run(name.c_str(), peer_run, const_cast<action *>(&a), bench_rate{0, s.operations});
    bench_describe(&s);
}

} // namespace peer

#endif
