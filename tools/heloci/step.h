/* One step of `heloci run` or `bench`: this very program again, as a process of its own. */
#ifndef HELOCI_TOOL_STEP_H
#define HELOCI_TOOL_STEP_H

#include "tools/heloci/options.h"
#include "tools/heloci/sandbox.h"

enum { STEP_ARGS = 2 * OPT_COUNT + 8 };

typedef struct step {
    command_id command;
    const char *caller;          /* the command that starts it, in messages */
    const char *argv[STEP_ARGS]; /* NULL at the end; values are borrowed */
    char words[OPT_COUNT][24];   /* "--name", for argv */
    unsigned argc;
    const sandbox_plan *sandbox; /* NULL = an owner's step */
    /* results */
    sandbox_report barriers;
    double wall, cpu;   /* seconds */
    double peak_memory; /* bytes */
} step;

/* Starts the argument list with the options of `o` that `command` takes too, but for --out, --keep,
 * --remove, --format and --log, which belong to single steps. */
void step_begin(step *s, command_id command, const options *o);
/* Adds "--name value"; a NULL value adds nothing. */
void step_add(step *s, option_id option, const char *value);
/* Runs to the end. Returns the exit code; `program` = descriptor of the executable. A signal to
 * this process is passed on. What keeps a step from starting is printed. */
int step_run(step *s, int program);

#endif
