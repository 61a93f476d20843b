/* Raw options of sbatch in a job description. */
#ifndef HELOCI_TOOL_JOB_EXTRA_H
#define HELOCI_TOOL_JOB_EXTRA_H

/* Begins as an option does. */
int extra_is_option(const char *text);
/* One of its options is set by the scripts already: *key = the key that says it, or NULL where the
 * scripts rely on what they set. Beginnings of a name count, as sbatch takes those too. */
int extra_is_taken(const char *text, const char **key);

#endif
