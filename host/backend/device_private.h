/* The device instance of the backend: its structs and what its sources share. */
#ifndef HEL_BACKEND_DEVICE_PRIVATE_H
#define HEL_BACKEND_DEVICE_PRIVATE_H

#include <pthread.h>

#include "host/backend/cpu_private.h"
#include "host/backend/device_launch.h"

typedef struct hel_dev_block {
    struct hel_dev_block *next; /* of the list that it is on */
    void *data;
    size_t bytes;
    int used;                            /* handed out, or kept by a recording */
    const hel_stream *home;              /* where it was allocated last */
    struct hel_dev_recording *recording; /* that replays work on it */
} hel_dev_block;

#define HEL_DEV_CLASSES 208u

typedef struct hel_dev_list {
    hel_dev_block *first[HEL_DEV_CLASSES];
    size_t count;
} hel_dev_list;

typedef struct hel_dev_backend {
    hel_backend base;
    hel_device *device;
    hel_backend *host;      /* the CPU instance: constants, slots */
    pthread_mutex_t lock;   /* of all that follows, and of the streams' lists */
    hel_dev_block **blocks; /* all, by address */
    size_t block_count, block_room;
    hel_dev_list idle, late, settling; /* see device_arena.c */
    uint64_t late_bytes, bytes_now, bytes_most, bytes_held;
    struct hel_dev_stream *streams;
    uint32_t recordings; /* that have begun and not ended */
} hel_dev_backend;

typedef struct hel_dev_recording {
    void *graph;
    const hel_stream *stream;
    hel_dev_list idle; /* blocks that only replays use */
} hel_dev_recording;

typedef struct hel_dev_stream {
    hel_stream base;
    struct hel_dev_stream *next;
    void *queue;
    hel_stream *host;
    hel_dev_list mine;            /* released blocks that only this stream's queued work uses */
    hel_dev_recording *recording; /* that has begun */
} hel_dev_stream;

typedef struct hel_dev_conversion {
    k_conversion c;
    void *storage; /* on the device */
} hel_dev_conversion;

typedef struct hel_dev_basis {
    hel_basis base;
    hel_basis *host; /* a hel_cpu_basis: the constants' source */
    k_limb *limb;    /* on the device */
    void *tables;
    hel_dev_conversion *digit;   /* [q_count] */
    k_conversion *digit_table;   /* the same on the device */
    hel_dev_conversion *special; /* one; NULL without special primes */
    hel_dev_conversion *drop;    /* as hel_cpu_basis.drop */
} hel_dev_basis;

static inline hel_dev_backend *hel_dev_of(const hel_stream *s)
{
    return (hel_dev_backend *)s->backend;
}

static inline const hel_dev_basis *hel_dev_basis_of(const hel_basis *p)
{
    return (const hel_dev_basis *)p;
}

/* device_basis.c */
hel_status hel_dev_basis_create(hel_backend *b, hel_engine *engine, hel_basis **out,
                                const hel_basis_shape *shape);
void hel_dev_basis_free(hel_backend *b, hel_basis *basis);

/* device_arena.c */
hel_status hel_dev_alloc(hel_stream *s, void *out, size_t bytes);
void hel_dev_release(hel_stream *s, void *p);
hel_status hel_dev_uses(hel_stream *s, uint64_t *bytes_now, uint64_t *bytes_most);
hel_status hel_dev_record_begin(hel_stream *s);
hel_status hel_dev_record_end(hel_stream *s, void **out);
hel_status hel_dev_replay(hel_stream *s, void *recording);
void hel_dev_recording_free(hel_stream *s, void *recording);
void hel_dev_all_idle(hel_dev_backend *b, hel_dev_stream *d); /* the stream has been waited for */
void hel_dev_arena_join(hel_dev_backend *b, hel_dev_stream *d);
void hel_dev_arena_leave(hel_dev_backend *b, hel_dev_stream *d); /* it has been waited for */
void hel_dev_arena_end(hel_dev_backend *b);                      /* all streams are gone */

/* device_memory.c: hel_device_fail of the backend's device */
hel_status hel_dev_fail(hel_engine *engine, const hel_dev_backend *b, hel_status status,
                        const char *what);

/* device_limbs.c */

/* Some neighbouring limbs of a view: rows of primes prime, prime + 1, .. of the ring. */
typedef struct hel_dev_part {
    uint32_t *data;
    size_t stride;
    uint32_t batch, count, prime;
} hel_dev_part;

/* Limbs first .. first + count - 1 of v, on one side of its border between Q and P. */
hel_dev_part hel_dev_part_of(const hel_basis *p, const hel_view *v, uint32_t first, uint32_t count);

hel_status hel_dev_ntt(hel_stream *s, const hel_basis *p, const hel_dev_part *part, int inverse);
hel_status hel_dev_copy_part(hel_stream *s, const hel_basis *p, const hel_dev_part *out,
                             const hel_dev_part *a);

hel_status hel_dev_copy(hel_stream *s, const hel_basis *p, hel_view out, hel_view a);
hel_status hel_dev_ntt_forward(hel_stream *s, const hel_basis *p, hel_view x);
hel_status hel_dev_ntt_inverse(hel_stream *s, const hel_basis *p, hel_view x);
hel_status hel_dev_add(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b);
hel_status hel_dev_sub(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b);
hel_status hel_dev_mul(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b);
hel_status hel_dev_mul_add(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b);
hel_status hel_dev_mul_scalar(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                              const uint32_t *c);
hel_status hel_dev_add_scalar(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                              const uint32_t *c);
hel_status hel_dev_tensor(hel_stream *s, const hel_basis *p, const hel_view d[3],
                          const hel_view a[2], const hel_view b[2]);
hel_status hel_dev_dot(hel_stream *s, const hel_basis *p, hel_view out, const hel_view *a,
                       const hel_view *b, uint32_t terms, int accumulate);
hel_status hel_dev_automorph(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                             uint32_t g);

/* device_switch.c */

/* Whether a block's or a cluster's shared memory holds a row: else transforms take two passes. */
int hel_dev_once(const hel_stream *s, const hel_basis *p);
/* A step for all `items`, one launch or two (kernels/switch.h): y of `limbs` limbs; */
hel_status hel_dev_sources(hel_stream *s, const hel_basis *p, const k_sources *args, uint32_t limbs,
                           uint32_t items);
/* the lifted limbs of all digits, with copies also their own; */
hel_status hel_dev_lift(hel_stream *s, const hel_basis *p, const k_raise *args, int copies,
                        uint32_t items);
/* `rows` quotients, y_items of their y differing (1: all items share it). */
hel_status hel_dev_finish(hel_stream *s, const hel_basis *p, k_finish *args, uint32_t rows,
                          uint32_t items, uint32_t y_items);
/* Digits of a's items into out, as decompose; y: scratch of a->limbs rows for each that differs. */
hel_status hel_dev_digits(hel_stream *s, const hel_basis *p, const hel_view *out, const hel_view *a,
                          uint32_t *y, int copies);
hel_status hel_dev_key_switch(hel_stream *s, const hel_basis *p, const hel_view out[2], hel_view a,
                              hel_key_view key, uint32_t g, const hel_view *add0,
                              const hel_view *add1);
hel_status hel_dev_switch_digits(hel_stream *s, const hel_basis *p, const hel_view out[2],
                                 hel_view digits, hel_key_view key, uint32_t g,
                                 const hel_view *add0, const hel_view *add1);

/* device_digits.c */
hel_status hel_dev_rescale(hel_stream *s, const hel_basis *p, hel_view out, hel_view a);
hel_status hel_dev_decompose(hel_stream *s, const hel_basis *p, hel_view out, hel_view a);
hel_status hel_dev_key_inner(hel_stream *s, const hel_basis *p, const hel_view acc[2],
                             hel_view digits, hel_key_view key, uint32_t g);
hel_status hel_dev_mod_down(hel_stream *s, const hel_basis *p, hel_view out, hel_view acc,
                            const hel_view *add);
hel_status hel_dev_mod_up(hel_stream *s, const hel_basis *p, hel_view out, hel_view a);

/* device_sample.c */
hel_status hel_dev_uniform(hel_stream *s, const hel_basis *p, hel_view out, const uint8_t seed[32],
                           hel_domain domain, uint64_t object);
hel_status hel_dev_small(hel_stream *s, const hel_basis *p, hel_view out, const uint8_t seed[32],
                         hel_domain domain, uint64_t object, uint32_t step);
hel_status hel_dev_encode(hel_stream *s, const hel_basis *p, hel_view out, const double *x,
                          uint32_t log_slots, double scale);
hel_status hel_dev_decode(hel_stream *s, const hel_basis *p, double *x, hel_view a,
                          uint32_t log_slots, double scale);

#endif
