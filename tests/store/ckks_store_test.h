/*
 * What the suites of CKKS files share: a toy context with all its keys, a folder, objects of every
 * shape, and files made of any bytes.
 */
#ifndef HEL_CKKS_STORE_TEST_H
#define HEL_CKKS_STORE_TEST_H

#include "host/base/mem.h"
#include "host/store/container.h"
#include "tests/base/test_dir.h"
#include "tests/ref/ref_ckks.h"

#define OK(f, call)                                                                                \
    do {                                                                                           \
        hel_status ok_ = (call);                                                                   \
        cr_assert_eq(ok_, HEL_OK, "%s: %s: %s", #call, hel_status_name(ok_),                       \
                     hel_engine_error((f)->engine));                                               \
    } while (0)

/* The call fails with the code, and the sentence begins with the path and holds the words. */
#define REFUSED(f, call, code, path, words)                                                        \
    do {                                                                                           \
        hel_status refused_ = (call);                                                              \
        const char *said_ = hel_engine_error((f)->engine);                                         \
        cr_assert_eq(refused_, code, "%s: %s: %s", #call, hel_status_name(refused_), said_);       \
        cr_assert(strncmp(said_, path, strlen(path)) == 0 && strstr(said_, words),                 \
                  "%s: '%s' lacks '%s'", #call, said_, words);                                     \
    } while (0)

typedef enum how { SYMMETRIC, PUBLIC } how;

/* Freed with hel_ckks_plain_free and hel_ckks_cipher_free. */
static inline hel_ckks_plain *new_plain(const ref_ckks *f)
{
    hel_ckks_plain *p;
    OK(f, hel_ckks_plain_create(f->ckks, &p));
    return p;
}

static inline hel_ckks_cipher *new_cipher(const ref_ckks *f)
{
    hel_ckks_cipher *x;
    OK(f, hel_ckks_cipher_create(f->ckks, &x));
    return x;
}

static inline hel_ckks_plain *random_plain(const ref_ckks *f, ref_random *r, uint32_t slots,
                                           uint32_t batch, uint32_t level)
{
    const size_t count = (size_t)slots * batch;
    double *re = malloc((2 * count + 1) * sizeof *re);
    hel_ckks_plain *p = new_plain(f);
    ref_ckks_fill(r, re, re + count, count);
    OK(f, hel_ckks_encode(f->ckks, p, re, re + count, slots, batch, level, 0));
    free(re);
    return p;
}

static inline hel_ckks_cipher *random_cipher(const ref_ckks *f, ref_random *r, uint32_t slots,
                                             uint32_t batch, uint32_t level, how way)
{
    hel_ckks_plain *p = random_plain(f, r, slots, batch, level);
    hel_ckks_cipher *x = new_cipher(f);
    if (way == SYMMETRIC)
        OK(f, hel_ckks_encrypt_symmetric(f->ckks, x, p, f->secret));
    else
        OK(f, hel_ckks_encrypt(f->ckks, x, p, f->public_key));
    hel_ckks_plain_free(p);
    return x;
}

/* Whole content of a section; free(). */
static inline uint8_t *read_section(const ref_ckks *f, const char *path, uint32_t id, size_t *bytes,
                                    hel_head *head)
{
    hel_reader *r;
    const uint8_t *data;
    uint64_t size;
    OK(f, hel_reader_open(f->engine, &r, path, 0));
    OK(f, hel_reader_checked(r, id, &data, &size));
    uint8_t *copy = malloc(size + 1);
    memcpy(copy, data, size);
    *bytes = size;
    if (head)
        *head = *hel_reader_head(r);
    hel_reader_close(r);
    return copy;
}

static inline size_t object_bytes(const ref_ckks *f, const char *path)
{
    size_t bytes;
    free(read_section(f, path, HEL_SECTION_OBJECT, &bytes, NULL));
    return bytes;
}

/* A whole file around any bytes; a section with NULL is left out. */
static inline void write_sections(const ref_ckks *f, const char *path, const hel_head *head,
                                  const uint8_t *params, size_t params_bytes, uint32_t id,
                                  const uint8_t *object, size_t bytes)
{
    hel_head copy = *head;
    hel_writer *w;
    OK(f, hel_writer_open(f->engine, &w, path, &copy));
    if (params)
        OK(f, hel_writer_put_section(w, HEL_SECTION_PARAMS, params, params_bytes));
    if (object)
        OK(f, hel_writer_put_section(w, id, object, bytes));
    OK(f, hel_writer_commit(w, NULL));
}

#endif
