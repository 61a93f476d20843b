/* The passphrase of a sealed key: from a file that only its owner can read, into locked memory. */
#ifndef HELOCI_TOOL_PASSPHRASE_H
#define HELOCI_TOOL_PASSPHRASE_H

#include <stddef.h>

enum { PASSPHRASE_BYTES = 4096 };

/* First line of `path` without its line end. Returns 0 and *out (passphrase_free() it), or an exit
 * code after putting the reason in `why`: 66 not there, 77 readable to others, 65 empty, too long
 * or with a NUL inside. */
int passphrase_read(char **out, const char *path, char *why, size_t why_bytes);
/* Wipes and frees; NULL is allowed. */
void passphrase_free(char *passphrase);

#endif
