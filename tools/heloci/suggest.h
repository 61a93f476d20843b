/* What may have been meant by a name that does not exist. */
#ifndef HELOCI_TOOL_SUGGEST_H
#define HELOCI_TOOL_SUGGEST_H

enum { SUGGEST_NEVER = 32 };

/* How many slips of the hand lead from `name` to `typed`, a third of the word at most, or 1 for a
 * beginning of it; SUGGEST_NEVER where they have nothing in common. */
unsigned suggest_slip(const char *typed, const char *name);

#endif
