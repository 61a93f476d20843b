/*
 * Explanations of single kinds for hel_inspect. An explanation reads what it prints through
 * hel_reader_checked or hel_reader_check, prints lines with hel_explain, and never prints a
 * byte of a secret.
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

#endif
