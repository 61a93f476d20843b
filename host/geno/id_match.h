/* Matching two lists of sample IDs, the rule of hel_table_join. */
#ifndef HEL_GENO_ID_MATCH_H
#define HEL_GENO_ID_MATCH_H

#include "host/geno/bed.h"

/* to_of[i] = index in `to` of the sample named by from[i], or HEL_ID_NONE; *matched counts hits.
 * `to` holds no (FID, IID) twice; `from` may. `name` (a path) goes into the error text. */
hel_status hel_id_match(hel_engine *engine, const char *name, const hel_sample *from,
                        uint32_t from_count, const hel_sample *to, uint32_t to_count,
                        uint32_t *to_of, uint32_t *matched);

#endif
