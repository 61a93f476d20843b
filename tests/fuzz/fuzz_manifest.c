/*
 * Any bytes as a manifest. The first byte chooses: 'R', the rest is a whole file; else the rest is
 * the first line, signed here, so that the parser behind the signature is reached.
 */
#include "host/base/mem.h"
#include "host/store/manifest_explain.h"
#include "host/store/manifest_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition)
{
    if (!condition)
        abort();
}

static int check_text(void *arg, const char *text)
{
    (void)arg;
    for (; *text; text++)
        need(*text == '\n' || ((unsigned char)*text >= 0x20 && *text != 0x7f));
    return 0;
}

static uint8_t *sign(const uint8_t *line, size_t bytes)
{
    uint8_t secret[HEL_ED25519_KEY_BYTES], signature[HEL_ED25519_SIGNATURE_BYTES];
    hel_signer *signer = NULL;
    uint8_t *out = malloc(bytes + 1 + HEL_SIGNATURE_LINE_BYTES);
    memset(secret, 9, sizeof secret);
    need(out && hel_signer_derived(NULL, &signer, secret) == HEL_OK);
    need(hel_signer_sign(NULL, signer, line, bytes, signature) == HEL_OK);
    if (bytes)
        memcpy(out, line, bytes);
    out[bytes] = '\n';
    need(hel_signature_line(NULL, (char *)out + bytes + 1, hel_signer_public(signer), signature) ==
         HEL_OK);
    hel_signer_close(signer);
    return out;
}

static void decode(const uint8_t *data, size_t size, int is_signed)
{
    hel_manifest_file f;
    const hel_explainer to = {.out = check_text};
    hel_status status = hel_manifest_decode(NULL, &f, "input", data, size);
    need(status == HEL_OK || status == HEL_E_FORMAT || status == HEL_E_VERIFY ||
         status == HEL_E_UNSUPPORTED);
    need(status == HEL_OK ? f.root != NULL : f.root == NULL);
    if (status != HEL_OK)
        return;
    need(hel_manifest_subjects(&f) > 0);
    for (size_t i = 0; i < hel_manifest_subjects(&f); i++) {
        const char *name = hel_manifest_subject_name(&f, i);
        need(name[0] && !strchr(name, '/') && hel_manifest_find(&f, name) <= i);
    }
    need(hel_manifest_explain_file(&to, &f) == HEL_OK);
    need(is_signed || size > HEL_SIGNATURE_LINE_BYTES);
    hel_manifest_drop(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (data[0] == 'R') {
        uint8_t *copy = malloc(size); /* of the size of the file: a byte too many is seen */
        need(copy != NULL);
        memcpy(copy, data + 1, size - 1);
        decode(copy, size - 1, 0);
        free(copy);
    } else {
        uint8_t *text = sign(data + 1, size - 1);
        decode(text, size + HEL_SIGNATURE_LINE_BYTES, 1);
        free(text);
    }
    need(hel_mem_in_use() == 0);
    return 0;
}
