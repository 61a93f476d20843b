/*
 * Text as JSON (RFC 8259) wants it. Names of files are bytes to the system and characters to JSON:
 * a byte that is no UTF-8 becomes U+FFFD, so that every name has a text, and always the same one.
 */
#ifndef HEL_BASE_JSON_TEXT_H
#define HEL_BASE_JSON_TEXT_H

#include "host/base/bytes.h"

/* Bytes of the well-formed character (RFC 3629) at `text`, 1 to 4; 0 = none, or the end. */
size_t hel_utf8_length(const char *text);
/* Appends `text`, every byte that is part of no character as U+FFFD. No final 0 byte. */
hel_status hel_utf8_clean(hel_engine *engine, hel_buf *out, const char *text);
/* Appends the quoted string: valid JSON, one line, no control character. */
hel_status hel_json_string(hel_engine *engine, hel_buf *out, const char *text);

#endif
