/* The vectors of RFC 8032, what verification refuses, and the two text forms. */
#include "host/base/crypto.h"
#include "host/base/ed25519.h"
#include "host/base/mem.h"
#include "tests/base/test_dir.h"

static size_t unhex(uint8_t *out, const char *hex)
{
    size_t n = 0;
    unsigned byte;
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        out[n++] = (uint8_t)byte;
    return n;
}

/* Section 7.1: TEST 1, TEST 2, TEST 3, TEST SHA(abc). */
static const struct {
    const char *secret, *public_key, *message, *signature;
} vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
     "c6594a7c15e9716ed28dc027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fe"
     "ebbd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431"
     "e0303dca179c138ac17ad9bef1177331a704"},
};
enum { VECTORS = sizeof vectors / sizeof vectors[0] };

Test(ed25519, rfc8032)
{
    for (size_t i = 0; i < VECTORS; i++) {
        uint8_t secret[32], public_key[32], message[64], signature[64], got[64];
        cr_assert(unhex(secret, vectors[i].secret) == 32);
        cr_assert(unhex(public_key, vectors[i].public_key) == 32);
        const size_t bytes = unhex(message, vectors[i].message);
        cr_assert(unhex(signature, vectors[i].signature) == 64);
        cr_assert(hel_ed25519_public(NULL, secret, got) == HEL_OK);
        cr_expect(memcmp(got, public_key, 32) == 0, "vector %zu", i);
        cr_assert(hel_ed25519_sign(NULL, secret, message, bytes, got) == HEL_OK);
        cr_expect(memcmp(got, signature, 64) == 0, "vector %zu", i);
        cr_expect(hel_ed25519_verify(NULL, public_key, message, bytes, signature) == HEL_OK);
    }
}

Test(ed25519, every_flipped_bit_is_refused)
{
    uint8_t public_key[32], message[2], signature[64];
    unhex(public_key, vectors[2].public_key);
    unhex(message, vectors[2].message);
    unhex(signature, vectors[2].signature);
    uint8_t *const part[] = {public_key, message, signature};
    const size_t bytes[] = {sizeof public_key, sizeof message, sizeof signature};
    for (int p = 0; p < 3; p++)
        for (size_t bit = 0; bit < 8 * bytes[p]; bit++) {
            part[p][bit / 8] ^= (uint8_t)(1u << bit % 8);
            cr_expect(hel_ed25519_verify(NULL, public_key, message, 2, signature) == HEL_E_VERIFY,
                      "part %d, bit %zu", p, bit);
            part[p][bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    cr_expect(hel_ed25519_verify(NULL, public_key, message, 1, signature) == HEL_E_VERIFY);
    cr_expect(hel_ed25519_verify(NULL, public_key, message, 2, signature) == HEL_OK);
}

/* S + L is the same number modulo the order: a second signature of one message, were it taken. */
Test(ed25519, the_other_form_of_a_signature_is_refused)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                      0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    uint8_t public_key[32], signature[64];
    unsigned carry = 0;
    unhex(public_key, vectors[0].public_key);
    unhex(signature, vectors[0].signature);
    for (int i = 0; i < 32; i++) {
        carry += (unsigned)signature[32 + i] + order[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    cr_assert(carry == 0);
    cr_expect(hel_ed25519_verify(NULL, public_key, "", 0, signature) == HEL_E_VERIFY);
}

/* The id is what `openssl pkey -pubout -outform der | sha256sum` begins with. */
Test(ed25519, id_is_of_the_public_key_info)
{
    uint8_t public_key[32], der[HEL_ED25519_SPKI_BYTES], digest[32];
    char id[HEL_ED25519_ID_BYTES], hex[65];
    unhex(public_key, vectors[0].public_key);
    hel_ed25519_spki(der, public_key);
    cr_expect(memcmp(der, "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12) == 0);
    cr_expect(memcmp(der + 12, public_key, 32) == 0);
    cr_assert(hel_sha256_once(NULL, der, sizeof der, digest) == HEL_OK);
    hel_hex(hex, digest, 32);
    cr_assert(hel_ed25519_id(NULL, id, public_key) == HEL_OK);
    cr_expect(strlen(id) == 16 && strncmp(id, hex, 16) == 0, "%s", id);
}

Test(base64, rfc4648)
{
    static const struct {
        const char *text, *encoded;
    } rows[] = {{"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[16];
        uint8_t back[16];
        const size_t bytes = strlen(rows[i].text), length = strlen(rows[i].encoded);
        hel_base64(out, (const uint8_t *)rows[i].text, bytes);
        cr_expect_str_eq(out, rows[i].encoded);
        cr_expect(hel_base64_decode(back, bytes, out, length) == 1);
        cr_expect(memcmp(back, rows[i].text, bytes) == 0);
        cr_expect(hel_base64_decode(back, bytes + 1, out, length) == 0 || bytes % 3 != 0);
    }
}

Test(base64, one_text_only)
{
    static const char *const bad[] = {
        "Zh==", "Zg=A", "Zg= ", " Zg=", "Zg\n=", "Z===", "====", "Zg", "Z!==", "Zg==Zg==", "_w=="};
    uint8_t out[8];
    cr_expect(hel_base64_decode(out, 1, "Zg==", 4) == 1 && out[0] == 'f');
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect(hel_base64_decode(out, 1, bad[i], strlen(bad[i])) == 0, "'%s'", bad[i]);
    cr_expect(hel_base64_decode(out, 97, bad[0], 132) == 0);
}

Test(base64, random_bytes_come_back)
{
    uint64_t state = test_seed();
    for (size_t n = test_scale(2000); n > 0; n--) {
        uint8_t data[96], back[96];
        char text[129];
        const size_t bytes = test_random(&state) % 97;
        test_random_bytes(&state, data, bytes);
        hel_base64(text, data, bytes);
        cr_assert(hel_base64_decode(back, bytes, text, strlen(text)) == 1);
        cr_assert(memcmp(back, data, bytes) == 0);
    }
}
