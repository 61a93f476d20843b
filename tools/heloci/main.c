/*
 * heloci: one program, one subcommand per step. This file only finds the command, lets the tables
 * parse its options, and makes sure that what was printed reached its reader.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heloci/version.h"
#include "tools/heloci/interrupt.h"
#include "tools/heloci/paths.h"
#include "tools/heloci/tool.h"

static int (*const commands[CMD_COUNT])(const options *) = {
    [CMD_RUN] = command_run,         [CMD_PARAMS] = command_params,   [CMD_KEYGEN] = command_keygen,
    [CMD_ENCRYPT] = command_encrypt, [CMD_NULL] = command_null,       [CMD_SCAN] = command_scan,
    [CMD_MERGE] = command_merge,     [CMD_DECRYPT] = command_decrypt, [CMD_REPORT] = command_report,
    [CMD_INSPECT] = command_inspect, [CMD_VERIFY] = command_verify,   [CMD_DOCTOR] = command_doctor,
    [CMD_SUBMIT] = command_submit,   [CMD_BENCH] = command_bench,
};

static int finish(int rc)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && rc == 0) {
        fprintf(stderr, "heloci: standard output could not be written\n");
        return EXIT_IO;
    }
    return rc;
}

static int help(int argc, char **argv)
{
    unsigned columns = terminal_columns(STDOUT_FILENO);
    int command = argc > 2 ? command_find(argv[2]) : -1;
    if (command >= 0)
        help_command(stdout, (command_id)command, columns);
    else
        help_overview(stdout, columns);
    return 0;
}

static int unknown_command(const char *name)
{
    const char *close = command_suggest(name);
    if (close)
        fprintf(stderr, "heloci: there is no command '%s'; did you mean '%s'?\n", name, close);
    else
        fprintf(stderr, "heloci: there is no command '%s'; `heloci help` lists all\n", name);
    return EXIT_USAGE;
}

static int print_line(void *arg, const char *text)
{
    (void)arg;
    printf("%s\n", text);
    return 0;
}

static int version(int argc, char **argv)
{
    hel_engine *engine;
    if (argc < 3 || strcmp(argv[2], "--json") != 0) {
        printf("heloci %s\n", hel_version());
        return 0;
    }
    hel_status status = hel_engine_create(&engine, NULL);
    if (status == HEL_OK)
        status = hel_build_json(engine, print_line, NULL);
    if (status == HEL_OK)
        hel_engine_free(engine);
    return hel_status_exit_code(status);
}

int main(int argc, char **argv)
{
    interrupt_install(); /* at once: a batch system may be in a hurry */
    if (argc < 2) {
        help_overview(stderr, terminal_columns(STDERR_FILENO));
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return finish(help(argc, argv));
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        return finish(version(argc, argv));
    int command = command_find(name);
    if (command < 0)
        return unknown_command(name);
    options o;
    int rc = options_parse(&o, (command_id)command, argc, argv, stderr);
    if (rc == 0 && o.given[OPT_HELP]) {
        help_command(stdout, o.command, terminal_columns(STDOUT_FILENO));
    } else if (rc == 0) {
        rc = paths_check(&o);
        rc = rc ? rc : commands[command](&o);
    }
    free((void *)o.operands);
    return finish(rc);
}
