/**
 * @file store.h
 * @brief Looking into heloci's files: explain one, check one.
 *
 * Both need no key: nothing secret is printed, and of owner-only files only the frame.
 * The format is described in host/store/FORMAT.md.
 */
#ifndef HELOCI_STORE_H
#define HELOCI_STORE_H

#include "heloci/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Receives text, a line or more at a time; a non-zero return stops with HEL_E_CANCELLED. */
typedef int (*hel_text_fn)(void *arg, const char *text);

/** Explains a file: kind, version, sizes, digests, sections, and what its kind adds (shape of the
 *  ciphertexts, bytes per genotype, sealed or not). Structure is checked, content is not. */
HEL_API HEL_MUST_CHECK hel_status hel_inspect(hel_engine *engine, const char *path, hel_text_fn out,
                                              void *arg);

/** Checks every checksum in a file, with progress. HEL_OK, or HEL_E_FORMAT naming section and
 *  byte range of the first damage. */
HEL_API HEL_MUST_CHECK hel_status hel_verify_file(hel_engine *engine, const char *path);

#ifdef __cplusplus
}
#endif

#endif
