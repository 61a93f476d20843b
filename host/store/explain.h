/*
 * The generic half of hel_inspect: what every container says about itself, and how lines are
 * printed. Explanations of single kinds live above this layer (host/assoc/inspect.c), for they
 * decode what the container neither knows nor checks. An explanation reads through
 * hel_reader_checked or hel_reader_check, and never prints a byte of a secret.
 */
#ifndef HEL_STORE_EXPLAIN_H
#define HEL_STORE_EXPLAIN_H

#include "heloci/store.h"
#include "host/store/container.h"

typedef struct hel_explainer {
    hel_engine *engine;
    hel_text_fn out;
    void *arg;
} hel_explainer;

/* One line: name padded to a column, then the formatted value; HEL_E_CANCELLED when the receiver
 * asks to stop. Values are cut at about 400 characters. */
hel_status hel_explain(const hel_explainer *to, const char *name, const char *format, ...)
    HEL_PRINTF(3, 4);
/* A line of hexadecimal; none when all bytes are zero (the kind has no such thing). */
hel_status hel_explain_digest(const hel_explainer *to, const char *name, const uint8_t *data,
                              size_t bytes);
/* Header and table of sections. */
hel_status hel_explain_frame(hel_reader *r, const hel_explainer *to);
/* Section SKEY of a secret key: its size, and whether it is sealed. */
hel_status hel_explain_sealing(hel_reader *r, const hel_explainer *to);

#endif
