// Microsoft SEAL 4.x: CKKS operations at the top level. SEAL has one special prime and as many
// key-switching digits as primes; it has no 128-bit parameters at N = 2^16. Two threads run
// operations of their own ("each"); an operation of SEAL does not use threads.
#include "bench/peers/peer.hpp"

#include "seal/seal.h"
#include "seal/util/ntt.h"

namespace
{

#ifdef PEER_HEXL
const char *const library = "SEAL+HEXL";
#else
const char *const library = "SEAL";
#endif

struct preset {
    const char *name;
    int log_n, first, scale, middle, special; // bits; `middle` primes of `scale` bits
};

// logarithms of Q and QP as in the comparisons published for these rings, and some of log2(Q) that
// hybrid key switching with three digits leaves at the same security
const preset presets[] = {
    {"2^13:60+2x40|60", 13, 60, 40, 2, 60},   {"2^13:50+2x40|50", 13, 50, 40, 2, 50},
    {"2^14:60+6x40|60", 14, 60, 40, 6, 60},   {"2^14:50+5x50|50", 14, 50, 50, 5, 50},
    {"2^14:50+6x50|50", 14, 50, 50, 6, 50},   {"2^15:60+11x50|60", 15, 60, 50, 11, 60},
    {"2^15:50+12x50|50", 15, 50, 50, 12, 50}, {"2^15:60+14x50|60", 15, 60, 50, 14, 60},
};

// Objects of one preset, and for every thread its results and its memory pool.
struct fixture {
    seal::SEALContext context;
    double scale;
    seal::KeyGenerator generator;
    seal::PublicKey public_key;
    seal::RelinKeys relin;
    seal::GaloisKeys galois;
    seal::Evaluator evaluator;
    seal::CKKSEncoder encoder;
    seal::Encryptor encryptor;
    seal::Decryptor decryptor;
    peer::slots x, y, decoded[2];
    seal::Plaintext plain_x, plain_y, plain_out[2];
    seal::Ciphertext a, b, lazy, prod, out[2];
    seal::MemoryPoolHandle pool[2];
    bench_subject subject;

    fixture(const seal::EncryptionParameters &parameters, const preset &p);
    peer::slots slots_of(const seal::Ciphertext &c);
    void entry(const char *op, int switches, const std::function<void(int)> &run,
               const std::function<peer::slots()> &result, const peer::slots &want);
    void transforms();
    void messages();
    void arithmetic();
};

double log2_of(const std::vector<seal::Modulus> &primes)
{
    double sum = 0;
    for (const auto &q : primes)
        sum += std::log2(static_cast<double>(q.value()));
    return sum;
}

seal::PublicKey public_key_of(seal::KeyGenerator &generator)
{
    seal::PublicKey key;
    generator.create_public_key(key);
    return key;
}

seal::RelinKeys relin_keys_of(seal::KeyGenerator &generator)
{
    seal::RelinKeys keys;
    generator.create_relin_keys(keys);
    return keys;
}

seal::GaloisKeys rotation_keys_of(seal::KeyGenerator &generator)
{
    seal::GaloisKeys keys;
    generator.create_galois_keys(std::vector<int>{1}, keys);
    return keys;
}

fixture::fixture(const seal::EncryptionParameters &parameters, const preset &p)
    : context(parameters, true, seal::sec_level_type::tc128), scale(std::ldexp(1.0, p.scale)),
      generator(context), public_key(public_key_of(generator)), relin(relin_keys_of(generator)),
      galois(rotation_keys_of(generator)), evaluator(context), encoder(context),
      encryptor(context, public_key, generator.secret_key()),
      decryptor(context, generator.secret_key()), subject()
{
    const std::size_t n = parameters.poly_modulus_degree();
    const auto &top = context.first_context_data()->parms().coeff_modulus();
    for (auto &handle : pool)
        handle = seal::MemoryPoolHandle::New();
    x = peer::message(1, n / 2);
    y = peer::message(2, n / 2);
    encoder.encode(x, scale, plain_x);
    encoder.encode(y, scale, plain_y);
    encryptor.encrypt(plain_x, a);
    encryptor.encrypt(plain_y, b);
    evaluator.multiply(a, b, lazy);
    evaluator.relinearize(lazy, relin, prod);
    subject.preset = p.name;
    subject.mode = "one";
    subject.n = static_cast<double>(n);
    subject.log_q = log2_of(top);
    subject.log_qp = log2_of(parameters.coeff_modulus());
    subject.log_bound = seal::CoeffModulus::MaxBitCount(n);
    subject.dnum = subject.limbs = static_cast<double>(top.size());
    subject.word_bits = 64;
    subject.scale_bits = p.scale;
    subject.threads = subject.batch = subject.operations = 1;
    subject.ciphertext_bytes = 16.0 * static_cast<double>(n) * subject.limbs;
    subject.key_bytes = subject.ciphertext_bytes * (subject.limbs + 1);
}

peer::slots fixture::slots_of(const seal::Ciphertext &c)
{
    seal::Plaintext plain;
    peer::slots out_slots;
    decryptor.decrypt(c, plain);
    encoder.decode(plain, out_slots);
    return out_slots;
}

void fixture::entry(const char *op, int switches, const std::function<void(int)> &run,
                    const std::function<peer::slots()> &result, const peer::slots &want)
{
    bench_subject s = subject;
    s.op = op;
    s.key_switches = switches;
    for (int threads = 1; threads <= 2; threads++) {
        s.threads = s.operations = threads;
        s.mode = threads == 1 ? "one" : "each";
        peer::measure(s, {run, peer::plain_rounds, threads}, result, want);
    }
}

// All limbs of a polynomial modulo Q.
void fixture::transforms()
{
    const auto tables = context.first_context_data()->small_ntt_tables();
    const std::size_t n = static_cast<std::size_t>(subject.n);
    const std::size_t limbs = static_cast<std::size_t>(subject.limbs);
    std::vector<std::uint64_t> data[2];
    for (auto &d : data)
        d.assign(a.data(), a.data() + n * limbs);
    entry("ntt_forward", 0,
          [&](int t) {
              for (std::size_t i = 0; i < limbs; i++)
                  seal::util::ntt_negacyclic_harvey(data[t].data() + i * n, tables[i]);
          },
          {}, {});
    entry("ntt_inverse", 0,
          [&](int t) {
              for (std::size_t i = 0; i < limbs; i++)
                  seal::util::inverse_ntt_negacyclic_harvey(data[t].data() + i * n, tables[i]);
          },
          {}, {});
}

void fixture::messages()
{
    const auto slots_out = [&] { return slots_of(out[0]); };
    entry(
        "encode", 0, [&](int t) { encoder.encode(x, scale, plain_out[t], pool[t]); },
        [&] {
            peer::slots got;
            encoder.decode(plain_out[0], got);
            return got;
        },
        x);
    entry(
        "decode", 0, [&](int t) { encoder.decode(plain_x, decoded[t], pool[t]); },
        [&] { return decoded[0]; }, x);
    entry(
        "encrypt_public", 0, [&](int t) { encryptor.encrypt(plain_x, out[t], pool[t]); }, slots_out,
        x);
    entry(
        "encrypt_symmetric", 0,
        [&](int t) { encryptor.encrypt_symmetric(plain_x, out[t], pool[t]); }, slots_out, x);
    entry(
        "decrypt", 0, [&](int t) { decryptor.decrypt(a, plain_out[t]); },
        [&] {
            peer::slots got;
            encoder.decode(plain_out[0], got);
            return got;
        },
        x);
    entry(
        "decrypt_decode", 0,
        [&](int t) {
            decryptor.decrypt(a, plain_out[t]);
            encoder.decode(plain_out[t], decoded[t], pool[t]);
        },
        [&] { return decoded[0]; }, x);
}

void fixture::arithmetic()
{
    const auto slots_out = [&] { return slots_of(out[0]); };
    peer::slots sum(x), squares = peer::product(x, x), turned(x);
    const peer::slots xy = peer::product(x, y);
    for (std::size_t i = 0; i < x.size(); i++) {
        sum[i] += y[i];
        turned[i] = x[(i + 1) % x.size()];
    }
    entry(
        "add", 0, [&](int t) { evaluator.add(a, b, out[t]); }, slots_out, sum);
    entry(
        "mul_plain", 0, [&](int t) { evaluator.multiply_plain(a, plain_y, out[t], pool[t]); },
        slots_out, xy);
    entry(
        "mul", 0, [&](int t) { evaluator.multiply(a, b, out[t], pool[t]); }, slots_out, xy);
    entry(
        "relinearize", 1, [&](int t) { evaluator.relinearize(lazy, relin, out[t], pool[t]); },
        slots_out, xy);
    entry(
        "mul_relin", 1,
        [&](int t) {
            evaluator.multiply(a, b, out[t], pool[t]);
            evaluator.relinearize_inplace(out[t], relin, pool[t]);
        },
        slots_out, xy);
    entry(
        "square_relin", 1,
        [&](int t) {
            evaluator.square(a, out[t], pool[t]);
            evaluator.relinearize_inplace(out[t], relin, pool[t]);
        },
        slots_out, squares);
    entry(
        "rescale", 0, [&](int t) { evaluator.rescale_to_next(prod, out[t], pool[t]); }, slots_out,
        xy);
    entry(
        "rotate", 1, [&](int t) { evaluator.rotate_vector(a, 1, galois, out[t], pool[t]); },
        slots_out, turned);
}

void run(const preset &p)
{
    std::vector<int> bits{p.first};
    bits.insert(bits.end(), static_cast<std::size_t>(p.middle), p.scale);
    bits.push_back(p.special);
    seal::EncryptionParameters parameters(seal::scheme_type::ckks);
    parameters.set_poly_modulus_degree(std::size_t{1} << p.log_n);
    parameters.set_coeff_modulus(seal::CoeffModulus::Create(std::size_t{1} << p.log_n, bits));
    fixture f(parameters, p);
    f.transforms();
    f.messages();
    f.arithmetic();
}

// One limb of 50 and of 60 bits, for times per bit of the modulus.
void run_limbs()
{
    for (int log_n = 12; log_n <= 16; log_n++) {
        for (int bits = 50; bits <= 60; bits += 10) {
            const std::size_t n = std::size_t{1} << log_n;
            const auto q = seal::CoeffModulus::Create(n, {bits})[0];
            const seal::util::NTTTables tables(log_n, q);
            std::vector<std::uint64_t> data(n, 1);
            for (std::size_t i = 0; i < n; i++)
                data[i] = i * i % q.value();
            const std::string name = "2^" + std::to_string(log_n) + ":" + std::to_string(bits);
            bench_subject s = {};
            s.preset = name.c_str();
            s.mode = "one";
            s.n = static_cast<double>(n);
            s.log_q = std::log2(static_cast<double>(q.value()));
            s.limbs = s.threads = s.batch = s.operations = s.per_bit = 1;
            s.word_bits = 64;
            s.op = "ntt_forward_limb";
            peer::measure(s,
                          {[&](int) { seal::util::ntt_negacyclic_harvey(data.data(), tables); },
                           peer::plain_rounds, 1},
                          {}, {});
            s.op = "ntt_inverse_limb";
            peer::measure(
                s,
                {[&](int) { seal::util::inverse_ntt_negacyclic_harvey(data.data(), tables); },
                 peer::plain_rounds, 1},
                {}, {});
        }
    }
}

} // namespace

int main(int argc, char **argv)
{
    const std::string version = std::to_string(SEAL_VERSION_MAJOR) + "." +
                                std::to_string(SEAL_VERSION_MINOR) + "." +
                                std::to_string(SEAL_VERSION_PATCH);
    peer::start(argc, argv, "peer_seal", library, version.c_str());
    if (bench_wanted_preset("limbs"))
        run_limbs();
    for (const preset &p : presets)
        if (bench_wanted_preset(p.name))
            run(p);
    return bench_end();
}
