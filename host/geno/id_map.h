/*
 * Hash map from a pair of strings (FID, IID), or from one string with "" as the first, to a u32.
 * Keys are borrowed and must outlive the map.
 */
#ifndef HEL_GENO_ID_MAP_H
#define HEL_GENO_ID_MAP_H

#include "host/base/error.h"

#define HEL_ID_NONE UINT32_MAX

typedef struct hel_id_slot {
    const char *first, *second; /* second == NULL: empty */
    uint32_t value, tag;
} hel_id_slot;

typedef struct hel_id_map {
    hel_id_slot *slot;
    size_t slots, used; /* slots: a power of two or 0 */
} hel_id_map;

/* Adds the key unless it is there; *found = the value it had before, or HEL_ID_NONE when new. */
hel_status hel_id_map_put(hel_engine *engine, hel_id_map *map, const char *first,
                          const char *second, uint32_t value, uint32_t *found);
/* The key's value or HEL_ID_NONE. Thread-safe. */
uint32_t hel_id_map_get(const hel_id_map *map, const char *first, const char *second);
void hel_id_map_free(hel_id_map *map); /* safe on a zeroed struct */

#endif
