/*
 * What every subcommand shares: an engine made from the options, its progress, its passphrase, and
 * one way to report failure. Each command is a function from options to an exit code.
 */
#ifndef HELOCI_TOOL_TOOL_H
#define HELOCI_TOOL_TOOL_H

#include "heloci/heloci.h"
#include "tools/heloci/event_log.h"
#include "tools/heloci/options.h"
#include "tools/heloci/progress_bar.h"

enum { EXIT_USAGE = 64, EXIT_IO = 74, EXIT_CANCELLED = 75, EXIT_NO_PERMISSION = 77 };

typedef struct tool {
    const options *o;
    const char *command;
    hel_engine *engine;
    progress_bar bar;
    event_log log;
    char *passphrase; /* NULL = none given */
    int quiet;
} tool;

/* Of a file that could not be opened, made or moved: EXIT_NO_PERMISSION or EXIT_IO. */
int errno_exit(int error);
/* What --backend says, or its default. */
const char *tool_backend(const options *o);
/* The numbers in --device; HEL_DEVICES_ALL for all, 0 where it is not given (then number[0] =
 * 0). */
uint32_t tool_devices(const options *o, uint32_t number[NUMBERS_MOST]);
/* The PEM file that signs: --sign, or HELOCI_SIGNING_KEY; NULL = none. */
const char *tool_signing_key(const options *o);
/* Log, engine, and passphrase where the command takes one. Returns 0 or an exit code, reason
 * printed. */
int tool_open(tool *t, const options *o);
/* Ends the progress, prints "heloci <command>: <reason>" for a failure, frees everything, and
 * returns the exit code. */
int tool_close(tool *t, hel_status status);
/* The same for a failure that the program found itself; prints "heloci <command>: <text>". Returns
 * exit_code. */
int tool_fail(tool *t, int exit_code, const char *format, ...) HEL_PRINTF(3, 4);
/* "  <path>  signed by ..." for a manifest that was just written, unless --quiet. */
void tool_say_signer(const tool *t, const char *prefix, const char *suffix);
/* A line of the account on stdout, unless --quiet. */
void tool_say(const tool *t, const char *format, ...) HEL_PRINTF(2, 3);
/* A hel_text_fn with a tool as its argument: prints its lines, two columns in. */
int tool_text(void *arg, const char *text);

int command_run(const options *o);
int command_params(const options *o);
int command_keygen(const options *o);
int command_encrypt(const options *o);
int command_null(const options *o);
int command_scan(const options *o);
int command_merge(const options *o);
int command_decrypt(const options *o);
int command_report(const options *o);
int command_inspect(const options *o);
int command_verify(const options *o);
int command_doctor(const options *o);
int command_submit(const options *o);
int command_bench(const options *o);

#endif
