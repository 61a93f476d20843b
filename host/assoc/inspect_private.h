/* Explanations of the CKKS kinds, for hel_inspect's table; contracts as in host/store/explain.h. */
#ifndef HEL_ASSOC_INSPECT_PRIVATE_H
#define HEL_ASSOC_INSPECT_PRIVATE_H

#include "host/store/explain.h"

hel_status hel_explain_ckks_params(hel_reader *r, const hel_explainer *to);
hel_status hel_explain_ckks_secret(hel_reader *r, const hel_explainer *to);
hel_status hel_explain_ckks_public(hel_reader *r, const hel_explainer *to);
hel_status hel_explain_ckks_keys(hel_reader *r, const hel_explainer *to);
hel_status hel_explain_ckks_plain(hel_reader *r, const hel_explainer *to);
hel_status hel_explain_ckks_cipher(hel_reader *r, const hel_explainer *to);

#endif
