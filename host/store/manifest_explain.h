/* hel_inspect of a manifest. */
#ifndef HEL_STORE_MANIFEST_EXPLAIN_H
#define HEL_STORE_MANIFEST_EXPLAIN_H

#include "host/store/explain.h"

/* Every fact, once the signature has been checked; files beside it are not looked at. */
hel_status hel_manifest_explain(const hel_explainer *to, const char *path);

#endif
