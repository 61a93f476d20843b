/* Open addressing with linear probing, at most half full. */
#include <string.h>

#include <xxhash.h>

#include "host/base/mem.h"
#include "host/geno/id_map.h"

static uint64_t hash_of(const char *first, const char *second)
{
    return XXH3_64bits_withSeed(second, strlen(second), XXH3_64bits(first, strlen(first)));
}

/* The slot of the key, or the empty slot where it belongs. */
static hel_id_slot *probe(const hel_id_map *map, const char *first, const char *second,
                          uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    for (size_t i = (size_t)hash & (map->slots - 1);; i = (i + 1) & (map->slots - 1)) {
        hel_id_slot *slot = &map->slot[i];
        if (!slot->second || (slot->tag == tag && strcmp(slot->second, second) == 0 &&
                              strcmp(slot->first, first) == 0))
            return slot;
    }
}

static hel_status grow(hel_engine *engine, hel_id_map *map)
{
    hel_id_map grown = {.slots = map->slots ? 2 * map->slots : 64, .used = map->used};
    HEL_TRY(hel_calloc(engine, &grown.slot, grown.slots, sizeof *grown.slot));
    for (size_t i = 0; i < map->slots; i++) {
        const hel_id_slot *old = &map->slot[i];
        if (old->second)
            *probe(&grown, old->first, old->second, hash_of(old->first, old->second)) = *old;
    }
    hel_free(map->slot);
    *map = grown;
    return HEL_OK;
}

hel_status hel_id_map_put(hel_engine *engine, hel_id_map *map, const char *first,
                          const char *second, uint32_t value, uint32_t *found)
{
    if (2 * map->used >= map->slots)
        HEL_TRY(grow(engine, map));
    uint64_t hash = hash_of(first, second);
    hel_id_slot *slot = probe(map, first, second, hash);
    *found = HEL_ID_NONE;
    if (slot->second) {
        *found = slot->value;
        return HEL_OK;
    }
    *slot = (hel_id_slot){first, second, value, (uint32_t)(hash >> 32)};
    map->used++;
    return HEL_OK;
}

uint32_t hel_id_map_get(const hel_id_map *map, const char *first, const char *second)
{
    if (!map->slots)
        return HEL_ID_NONE;
    const hel_id_slot *slot = probe(map, first, second, hash_of(first, second));
    return slot->second ? slot->value : HEL_ID_NONE;
}

void hel_id_map_free(hel_id_map *map)
{
    hel_free(map->slot);
    *map = (hel_id_map){0};
}
