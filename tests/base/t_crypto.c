/* Published vectors of every primitive, and the properties that callers count on. */
#include "host/base/crypto.h"
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

#define EQUALS_HEX(data, hex)                                                                      \
    do {                                                                                           \
        uint8_t want_[256];                                                                        \
        size_t n_ = unhex(want_, hex);                                                             \
        char got_[513];                                                                            \
        hel_hex(got_, data, n_);                                                                   \
        cr_expect(memcmp(want_, data, n_) == 0, "got  %s\nwant %s", got_, hex);                    \
    } while (0)

Test(crypto, sha256)
{
    static const struct {
        const char *text, *digest;
    } rows[] = {/* FIPS 180-4 examples */
                {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}};
    uint8_t digest[32];
    hel_sha256 *h;
    cr_assert(hel_sha256_create(NULL, &h) == HEL_OK);
    for (size_t i = 0; i < 3; i++) {
        cr_assert(hel_sha256_once(NULL, rows[i].text, strlen(rows[i].text), digest) == HEL_OK);
        EQUALS_HEX(digest, rows[i].digest);
        for (const char *p = rows[i].text; *p; p++) /* the running form, and its restart */
            hel_sha256_update(h, p, 1);
        hel_sha256_final(h, digest);
        EQUALS_HEX(digest, rows[i].digest);
    }
    hel_sha256_free(h);
    hel_sha256_free(NULL);
    cr_assert(hel_mem_in_use() == 0);
}

Test(crypto, hmac_rfc4231)
{
    uint8_t key[131], data[50], mac[32];
    memset(key, 0x0b, 20);
    cr_assert(hel_hmac_sha256(NULL, key, 20, "Hi There", 8, mac) == HEL_OK);
    EQUALS_HEX(mac, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    cr_assert(hel_hmac_sha256(NULL, (const uint8_t *)"Jefe", 4, "what do ya want for nothing?", 28,
                              mac) == HEL_OK);
    EQUALS_HEX(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, 131);
    memset(data, 0xdd, 50);
    cr_assert(hel_hmac_sha256(NULL, key, 20, data, 50, mac) == HEL_OK);
    EQUALS_HEX(mac, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    cr_assert(hel_hmac_sha256(NULL, key, 131, text, sizeof text - 1, mac) == HEL_OK);
    EQUALS_HEX(mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* RFC 5869 written out: extract with a salt of zeros, expand in blocks. */
static void ref_hkdf(const uint8_t *key, size_t key_bytes, const uint8_t *info, size_t info_bytes,
                     uint8_t *out, size_t out_bytes)
{
    uint8_t prk[32], block[32], text[256], zeros[32] = {0};
    cr_assert(hel_hmac_sha256(NULL, zeros, 32, key, key_bytes, prk) == HEL_OK);
    for (size_t at = 0, i = 1; at < out_bytes; at += 32, i++) {
        size_t n = i > 1 ? 32 : 0;
        memcpy(text, block, n);
        memcpy(text + n, info, info_bytes);
        text[n + info_bytes] = (uint8_t)i;
        cr_assert(hel_hmac_sha256(NULL, prk, 32, text, n + info_bytes + 1, block) == HEL_OK);
        memcpy(out + at, block, out_bytes - at < 32 ? out_bytes - at : 32);
    }
}

Test(crypto, hkdf)
{
    uint8_t key[22], got[100], want[100];
    memset(key, 0x0b, sizeof key);
    ref_hkdf(key, sizeof key, key, 0, got, 42); /* RFC 5869 A.3 proves the oracle */
    EQUALS_HEX(got, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                    "9d201395faa4b61a96c8");
    /* our info: length of the label (u32), label, caller's bytes */
    static const uint8_t info[] = "\5\0\0\0label\1\2\3";
    ref_hkdf(key, sizeof key, info, 12, want, 100);
    for (size_t n = 1; n <= 100; n += 33) {
        cr_assert(hel_hkdf(NULL, key, sizeof key, "label", "\1\2\3", 3, got, n) == HEL_OK);
        cr_assert(memcmp(got, want, n) == 0);
    }
    cr_assert(hel_hkdf(NULL, key, sizeof key, "labe", "l\1\2\3", 4, got, 32) == HEL_OK);
    cr_assert(memcmp(got, want, 32) != 0, "label and info run into each other");
    cr_assert(hel_hkdf(NULL, key, sizeof key, "", NULL, 0, got, 32) == HEL_OK);
    ref_hkdf(key, sizeof key, (const uint8_t *)"\0\0\0", 4, want, 32);
    cr_assert(memcmp(got, want, 32) == 0);
    cr_assert(hel_mem_in_use() == 0);
}

Test(crypto, scrypt_rfc7914)
{
    uint8_t out[64];
    cr_assert(hel_scrypt(NULL, "pleaseletmein", (const uint8_t *)"SodiumChloride", 14, 14, out,
                         64) == HEL_OK);
    EQUALS_HEX(out, "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                    "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
}

Test(crypto, gcm)
{
    /* "The Galois/Counter Mode of Operation", test case 16 */
    uint8_t key[32], nonce[12], aad[20], text[60], out[60], tag[16], open[60];
    unhex(key, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    unhex(nonce, "cafebabefacedbaddecaf888");
    unhex(aad, "feedfacedeadbeeffeedfacedeadbeefabaddad2");
    unhex(text, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532"
                "fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    cr_assert(hel_gcm_seal(NULL, key, nonce, aad, 20, text, 60, out, tag) == HEL_OK);
    EQUALS_HEX(out,
               "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3"
               "da7b08b1056828838c5f61e6393ba7a0abcc9f662");
    EQUALS_HEX(tag, "76fc6ece0f4e1768cddf8853bb2d551b");
    cr_assert(hel_gcm_open(NULL, key, nonce, aad, 20, out, 60, open, tag) == HEL_OK);
    cr_assert(memcmp(open, text, 60) == 0);
    cr_assert(hel_gcm_open(NULL, key, nonce, aad, 19, out, 60, open, tag) == HEL_E_MISMATCH);
    for (int i = 0; i < 60; i++)
        cr_assert(open[i] == 0, "unauthenticated text is left behind");
    tag[15] ^= 1;
    cr_assert(hel_gcm_open(NULL, key, nonce, aad, 20, out, 60, open, tag) == HEL_E_MISMATCH);
    tag[15] ^= 1;
    memcpy(open, out, 60);
    cr_assert(hel_gcm_open(NULL, key, nonce, aad, 20, open, 60, open, tag) == HEL_OK);
    cr_assert(memcmp(open, text, 60) == 0, "in place");
    cr_assert(hel_gcm_seal(NULL, key, nonce, NULL, 0, text, 0, out, tag) == HEL_OK);
    cr_assert(hel_gcm_open(NULL, key, nonce, NULL, 0, out, 0, open, tag) == HEL_OK);
}

Test(crypto, chacha_rfc8439)
{
    static const char *const block =
        "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
        "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e";
    uint8_t key[32], out[64], whole[1000], part[1000];
    const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0}, other[3] = {0x09000000, 0x4a000000, 1};
    hel_chacha *c;
    for (int i = 0; i < 32; i++)
        key[i] = (uint8_t)i;
    cr_assert(hel_chacha_create(NULL, &c, key) == HEL_OK);
    cr_assert(hel_chacha_stream(c, 1, nonce, out, 64) == HEL_OK); /* section 2.3.2 */
    EQUALS_HEX(out, block);
    /* position alone decides: any order, any length, nothing left over from the call before */
    cr_assert(hel_chacha_stream(c, 0, nonce, whole, 1000) == HEL_OK);
    cr_assert(memcmp(whole + 64, out, 64) == 0);
    for (uint32_t i = 15; i-- > 0;) {
        cr_assert(hel_chacha_stream(c, 5, other, part, 13) == HEL_OK);
        cr_assert(hel_chacha_stream(c, i, nonce, part, 1000 - 64 * i) == HEL_OK);
        cr_assert(memcmp(part, whole + 64 * i, 1000 - 64 * i) == 0);
    }
    cr_assert(hel_chacha_stream(c, 0, nonce, part, 0) == HEL_OK);
    hel_chacha_free(c);
    hel_chacha_free(NULL);
    cr_assert(hel_mem_in_use() == 0);
}

Test(crypto, small_things)
{
    uint8_t a[64] = {0}, b[64] = {0};
    char hex[9];
    cr_assert(hel_random(NULL, a, 64) == HEL_OK && hel_random(NULL, b, 64) == HEL_OK);
    cr_assert(!hel_equal(a, b, 64) && hel_equal(a, a, 64) && hel_equal(a, b, 0));
    hel_hex(hex, (const uint8_t *)"\x00\x9a\xff\x10", 4);
    cr_assert_str_eq(hex, "009aff10");
    hel_hex(hex, a, 0);
    cr_assert_str_eq(hex, "");
}
