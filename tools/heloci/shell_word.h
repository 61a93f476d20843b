/* Text as a shell reads it back. */
#ifndef HELOCI_TOOL_SHELL_WORD_H
#define HELOCI_TOOL_SHELL_WORD_H

#include <stdio.h>

/* Prints `text` as one word of a POSIX shell that stands for exactly these bytes, quoted where it
 * needs to be. */
void shell_word(FILE *out, const char *text);
/* Nothing in it means anything to a shell. */
int shell_plain(const char *text);

#endif
