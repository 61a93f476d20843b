/* Manifests beside their results: which one speaks of a file, whether it still does, who signed. */
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "tests/store/manifest_test.h"

TestSuite(manifest_files, .init = setup, .fini = teardown);

Test(manifest_files, verify_compares_the_file)
{
    hel_signer *signer = manifest_signer(7);
    write_manifest(signer);
    hel_verify_report r = verified(result, NULL);
    cr_expect(r.manifest == 1 && r.container == 0 && r.subjects == 1);
    cr_expect_str_eq(r.name, "x.sums.manifest");
    cr_expect_str_eq(r.signature.key_id, hel_signer_id(signer));
    cr_expect_str_eq(r.signature.origin, "owner");
    r = verified(manifest, NULL);
    cr_expect(r.manifest == 1 && r.subjects == 1);
    cr_expect(hel_manifest_check(result) == HEL_MANIFEST_FITS);

    test_write_file(result, "the sumz", 8, 0644);
    FAILS(HEL_E_MISMATCH, "another SHA-256", refused(result, NULL));
    FAILS(HEL_E_MISMATCH, "another SHA-256", refused(manifest, NULL));
    cr_expect(hel_manifest_check(result) == HEL_MANIFEST_BROKEN);
    test_write_file(result, "the sums ", 9, 0644);
    FAILS(HEL_E_MISMATCH, "9 bytes, and 8", refused(result, NULL));
    unlink(result); /* as a kill between the two renames leaves it */
    FAILS(HEL_E_IO, "x.sums: cannot be opened", refused(manifest, NULL));
    FAILS(HEL_E_IO, "x.sums: cannot be opened", refused(result, NULL));
    cr_expect(hel_manifest_check(result) == HEL_MANIFEST_BROKEN);
    hel_signer_close(signer);
}

Test(manifest_files, verify_of_a_container_does_both)
{
    char path[PATH_MAX + 64];
    size_t bytes;
    snprintf(path, sizeof path, "%s.manifest", geno);
    hel_verify_report r = verified(geno, NULL);
    cr_expect(r.container == 1 && r.manifest == 0 && r.name[0] == 0);
    hel_signer *signer = manifest_signer(7);
    FAILS(HEL_E_IO, "cannot be opened", refused(geno, hel_signer_id(signer))); /* an id is no key */
    char key[45];
    hel_base64(key, hel_signer_public(signer), 32);
    FAILS(HEL_E_VERIFY, "has no manifest", refused(geno, key));
    hel_manifest *m;
    OK(hel_manifest_create(engine, &m, "genotypes", "test"));
    hel_manifest_subject(m, geno, NULL);
    OK(hel_manifest_finish(m, signer, geno));
    OK(hel_manifest_commit(m));
    hel_manifest_free(m);
    r = verified(geno, key);
    cr_expect(r.container == 1 && r.manifest == 1);
    /* Damage is named by the container's checksums, a whole but other container by the manifest. */
    uint8_t *data = test_read_file(geno, &bytes);
    data[512] ^= 1;
    test_write_file(geno, data, bytes, 0644);
    FAILS(HEL_E_FORMAT, "section CTXT", refused(geno, NULL));
    manifest_container(engine, geno, HEL_KIND_GENOTYPES);
    FAILS(HEL_E_MISMATCH, "another SHA-256", refused(geno, NULL));
    test_write_file(geno, data, 100, 0644);
    FAILS(HEL_E_FORMAT, "truncated", refused(geno, NULL));
    free(data);
    hel_signer_close(signer);
}

Test(manifest_files, the_signer_can_be_demanded)
{
    char key[45], other_key[45], pem[PATH_MAX + 32], text[PATH_MAX + 32];
    hel_signer *signer = manifest_signer(7), *other = manifest_signer(8);
    write_manifest(signer);
    hel_base64(key, hel_signer_public(signer), 32);
    hel_base64(other_key, hel_signer_public(other), 32);
    EVP_PKEY *public_key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, hel_signer_public(signer), 32);
    snprintf(pem, sizeof pem, "%s/pub.pem", dir.path);
    snprintf(text, sizeof text, "%s/pub.txt", dir.path);
    FILE *file = fopen(pem, "w");
    cr_assert(PEM_write_PUBKEY(file, public_key) == 1);
    fclose(file);
    EVP_PKEY_free(public_key);
    char line[64];
    snprintf(line, sizeof line, "%s\r\n", key);
    test_write_file(text, line, strlen(line), 0644);
    const char *const same[] = {key, pem, text};
    for (int i = 0; i < 3; i++) {
        cr_expect(verified(result, same[i]).manifest == 1);
        cr_expect(verified(manifest, same[i]).manifest == 1);
    }
    FAILS(HEL_E_VERIFY, "not by", refused(result, other_key));
    FAILS(HEL_E_VERIFY, "not by", refused(manifest, other_key));
    FAILS(HEL_E_IO, "cannot be opened", refused(result, "/nonexistent/key"));
    FAILS(HEL_E_INPUT, "not an Ed25519 public key", refused(result, result));
    FAILS(HEL_E_INPUT, "not a file of one key", refused(result, dir.path));
    FAILS(HEL_E_IO, "", refused(result, "")); /* no key, and no file either */
    hel_signer_close(signer);
    hel_signer_close(other);
}

/* One manifest for the tables of a run; each of them finds it. */
Test(manifest_files, tables_share_one)
{
    static const char *const names[] = {"run.A.glm.linear", "run_A.regenie", "run.B_c.d.ssf.tsv"};
    hel_manifest *m;
    char run[PATH_MAX + 32], path[PATH_MAX + 64], odd[PATH_MAX + 64];
    hel_signer *signer = manifest_signer(7);
    snprintf(run, sizeof run, "%s/run", dir.path);
    OK(hel_manifest_create(engine, &m, "tables", "decrypt"));
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir.path, names[i]);
        test_write_file(path, names[i], strlen(names[i]), 0644);
        hel_manifest_subject(m, path, NULL);
    }
    OK(hel_manifest_finish(m, signer, run));
    OK(hel_manifest_commit(m));
    hel_manifest_free(m);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir.path, names[i]);
        hel_verify_report r = verified(path, NULL);
        cr_expect(r.manifest == 1 && r.subjects == 1 && strcmp(r.name, "run.manifest") == 0, "%s",
                  names[i]);
    }
    snprintf(path, sizeof path, "%s/run.manifest", dir.path);
    cr_expect(verified(path, NULL).subjects == 3);
    /* A file that it does not list has no manifest; and is nothing that could be checked. */
    snprintf(odd, sizeof odd, "%s/run.A.other", dir.path);
    test_write_file(odd, "x", 1, 0644);
    FAILS(HEL_E_FORMAT, "", refused(odd, NULL));
    char key[45];
    hel_base64(key, hel_signer_public(signer), 32);
    FAILS(HEL_E_VERIFY, "has no manifest", refused(odd, key));
    FAILS(HEL_E_IO, "cannot be opened", refused("/nonexistent/file", key));
    /* A container has one of its own or none: that of the tables beside it is not looked at. */
    snprintf(odd, sizeof odd, "%s/run.sums", dir.path);
    manifest_container(engine, odd, HEL_KIND_SUMS);
    hel_verify_report none = verified(odd, NULL);
    cr_expect(none.container == 1 && none.manifest == 0);
    /* FILE.manifest itself must speak of the file. */
    snprintf(odd, sizeof odd, "%s/run", dir.path);
    test_write_file(odd, "x", 1, 0644);
    FAILS(HEL_E_MISMATCH, "other files", refused(odd, NULL));
    snprintf(odd, sizeof odd, "%s/run_A.regenie", dir.path);
    test_write_file(odd, "x", 1, 0644);
    FAILS(HEL_E_MISMATCH, "1 bytes", refused(path, NULL));
    hel_signer_close(signer);
}

/* Parts of a merge, sums of a decryption: their manifests are linked to when they fit. */
Test(manifest_files, inputs_carry_their_manifest)
{
    hel_manifest *m;
    hel_manifest_file f;
    hel_reader *r;
    char sums[PATH_MAX + 32], path[PATH_MAX + 64], hex[65];
    uint8_t digest[32];
    uint64_t bytes;
    hel_signer *signer = manifest_signer(7);
    snprintf(sums, sizeof sums, "%s/y.sums", dir.path);
    snprintf(path, sizeof path, "%s.manifest", sums);
    manifest_container(engine, sums, HEL_KIND_SUMS);
    OK(hel_reader_open(engine, &r, sums, HEL_KIND_SUMS));
    OK(hel_manifest_create(engine, &m, "sums", "merge"));
    cr_expect(hel_manifest_input_signed(m, "part", r) == HEL_MANIFEST_ABSENT);
    hel_manifest *of_part;
    OK(hel_manifest_create(engine, &of_part, "sums", "scan"));
    hel_manifest_subject(of_part, sums, NULL);
    OK(hel_manifest_finish(of_part, signer, sums));
    OK(hel_manifest_commit(of_part));
    hel_manifest_free(of_part);
    cr_expect(hel_manifest_input_signed(m, "part", r) == HEL_MANIFEST_FITS);
    OK(hel_file_digest(engine, path, &bytes, digest));
    hel_hex(hex, digest, 32);
    size_t length;
    uint8_t *text = test_read_file(path, &length);
    text[length / 2] ^= 1;
    test_write_file(path, text, length, 0644);
    free(text);
    cr_expect(hel_manifest_input_signed(m, "part", r) == HEL_MANIFEST_BROKEN);
    cr_expect_str_eq(hel_engine_error(engine), "");
    hel_manifest_subject(m, result, NULL);
    OK(hel_manifest_finish(m, signer, result));
    OK(hel_manifest_commit(m));
    OK(hel_manifest_load(engine, &f, manifest));
    const json_t *inputs = json_object_get(f.root, "inputs");
    cr_assert(json_array_size(inputs) == 3);
    cr_expect(!at(json_array_get(inputs, 0), "manifest", NULL));
    cr_expect_str_eq(json_string_value(at(json_array_get(inputs, 1), "manifest", "sha256")), hex);
    cr_expect_str_eq(json_string_value(at(json_array_get(inputs, 1), "manifest", "key_id")),
                     hel_signer_id(signer));
    cr_expect(!at(json_array_get(inputs, 2), "manifest", NULL));
    hel_manifest_drop(&f);
    hel_manifest_free(m);
    hel_reader_close(r);
    hel_signer_close(signer);
    cr_expect(hel_mem_in_use() == 0);
}

/* A manifest of an earlier result gives way; a .part of a killed run does not hinder. */
Test(manifest_files, an_older_one_is_replaced_whole)
{
    hel_signer *signer = manifest_signer(7);
    size_t bytes;
    test_write_file(test_dir_path(&dir, "x.sums.manifest.part"), "torn", 4, 0644);
    write_manifest(signer);
    cr_expect_not(test_exists(test_dir_path(&dir, "x.sums.manifest.part")));
    uint8_t *old = test_read_file(manifest, &bytes);
    hel_manifest *m = filled();
    OK(hel_manifest_finish(m, signer, result));
    hel_manifest_free(m); /* not committed */
    size_t again;
    uint8_t *now = test_read_file(manifest, &again);
    cr_expect(again == bytes && memcmp(old, now, bytes) == 0);
    cr_expect_not(test_exists(test_dir_path(&dir, "x.sums.manifest.part")));
    free(old);
    free(now);
    hel_signer_close(signer);
}
