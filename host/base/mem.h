/* Aligned, counted allocation with fail-the-nth injection; locked memory for secrets. */
#ifndef HEL_BASE_MEM_H
#define HEL_BASE_MEM_H

#include "host/base/error.h"

#define HEL_ALIGN 64

/* Zeroed, 64-byte aligned memory for count x bytes; count x bytes may be 0 (a unique pointer is
 * returned). Overflow and exhaustion give HEL_E_MEMORY; *out is NULL on failure. */
hel_status hel_calloc(hel_engine *engine, void *out, size_t count, size_t bytes);
/* The same without zeroing: for buffers that are written whole before they are read. */
hel_status hel_malloc(hel_engine *engine, void *out, size_t count, size_t bytes);
void hel_free(void *pointer); /* NULL allowed; for hel_malloc and hel_calloc only */

/* Zeroed memory kept out of swap and core dumps where the system allows it, wiped when freed. */
hel_status hel_secret_alloc(hel_engine *engine, void *out, size_t bytes);
void hel_secret_free(void *pointer);        /* NULL allowed */
void hel_wipe(void *pointer, size_t bytes); /* never optimised away */

/* Tests: the n-th allocation from now (1 = the next) fails once; 0 switches the injection off. */
void hel_mem_fail_nth(uint64_t nth);
/* Tests: bytes now allocated through this module. */
uint64_t hel_mem_in_use(void);

#endif
