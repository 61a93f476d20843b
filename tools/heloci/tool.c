/* Opens and closes a subcommand. */
#include "tools/heloci/tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "tools/heloci/passphrase.h"

/* Processes that see secrets leave no core file and let no other process of the user look in. */
static void shut_in(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* the leak checker traces its own process */
#endif
}

static int open_passphrase(tool *t)
{
    const char *path = t->o->text[OPT_PASSPHRASE_FILE];
    if (!path)
        path = getenv("HELOCI_PASSPHRASE_FILE");
    if (!path || !path[0])
        return 0;
    char why[512];
    int rc = passphrase_read(&t->passphrase, path, why, sizeof why);
    if (rc)
        return tool_fail(t, rc, "%s", why);
    return 0;
}

int errno_exit(int error)
{
    return error == EACCES || error == EPERM || error == EROFS ? EXIT_NO_PERMISSION : EXIT_IO;
}

const char *tool_backend(const options *o)
{
    return o->given[OPT_BACKEND] ? o->text[OPT_BACKEND] : "auto";
}

const char *tool_signing_key(const options *o)
{
    const char *path = o->given[OPT_SIGN] ? o->text[OPT_SIGN] : getenv("HELOCI_SIGNING_KEY");
    return path && path[0] ? path : NULL;
}

uint32_t tool_devices(const options *o, uint32_t number[NUMBERS_MOST])
{
    number[0] = 0;
    if (!o->given[OPT_DEVICE])
        return 0;
    const int count = options_numbers(&option_table[OPT_DEVICE], o->text[OPT_DEVICE], number);
    return count > 0 ? (uint32_t)count : HEL_DEVICES_ALL;
}

int tool_open(tool *t, const options *o)
{
    memset(t, 0, sizeof *t);
    t->o = o;
    t->command = command_table[o->command].name;
    t->quiet = o->given[OPT_QUIET];
    progress_begin(&t->bar, t->command,
                   t->quiet ? PROGRESS_NONE : (progress_style)o->number[OPT_PROGRESS]);
    int log = event_log_open(&t->log, o);
    if (log)
        return log;
    if (option_table[OPT_PASSPHRASE_FILE].commands >> o->command & 1) { /* the owner's steps */
        shut_in();
        int rc = open_passphrase(t);
        if (rc)
            return rc;
    }
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    config.threads = (uint32_t)o->number[OPT_THREADS];
    config.memory_bytes = o->number[OPT_MEMORY];
    config.simd = (hel_simd)o->number[OPT_SIMD];
    if (option_table[OPT_BACKEND].commands >> o->command & 1) {
        uint32_t number[NUMBERS_MOST];
        (void)tool_devices(o, number);
        config.backend = tool_backend(o);
        config.device = number[0];
    }
    config.progress = progress_update;
    config.progress_arg = &t->bar;
    if (t->log.fd >= 0) {
        config.log = event_log_fields;
        config.log_arg = &t->log;
    }
    hel_status status = hel_engine_create(&t->engine, &config);
    if (status == HEL_OK)
        return 0;
    if (status == HEL_E_UNSUPPORTED)
        return tool_fail(t, hel_status_exit_code(status),
                         "--simd %s: this machine does not have it", o->text[OPT_SIMD]);
    return tool_fail(t, hel_status_exit_code(status), "the engine does not start: %s",
                     hel_status_name(status));
}

/* Some reasons begin with the step's name already. */
static void say_reason(tool *t, hel_status status)
{
    const char *reason = hel_engine_error(t->engine);
    const size_t length = strlen(t->command);
    if (!reason || !reason[0])
        reason = hel_status_name(status);
    else if (strncmp(reason, t->command, length) == 0 && strncmp(reason + length, ": ", 2) == 0)
        reason += length + 2;
    fflush(stdout);
    fprintf(stderr, "heloci %s: %s\n", t->command, reason);
    event_log_error(&t->log, hel_status_name(status), hel_status_exit_code(status), reason);
}

static int release(tool *t, int exit_code)
{
    hel_engine_free(t->engine);
    t->engine = NULL;
    passphrase_free(t->passphrase);
    t->passphrase = NULL;
    event_log_close(&t->log, exit_code);
    return exit_code;
}

int tool_close(tool *t, hel_status status)
{
    progress_end(&t->bar);
    if (status != HEL_OK)
        say_reason(t, status);
    return release(t, hel_status_exit_code(status));
}

int tool_fail(tool *t, int exit_code, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    progress_end(&t->bar);
    fflush(stdout);
    fprintf(stderr, "heloci %s: %s\n", t->command, text);
    event_log_error(&t->log, NULL, exit_code, text);
    return release(t, exit_code);
}

void tool_say_signer(const tool *t, const char *prefix, const char *suffix)
{
    char path[4096];
    hel_signature s;
    snprintf(path, sizeof path, "%s%s", prefix, suffix);
    if (t->quiet || hel_manifest_signature(t->engine, path, &s) != HEL_OK)
        return;
    tool_say(t, "  %s  signed by %s%s\n", path, s.key,
             strcmp(s.origin, "one-time") == 0 ? ", a key of this run only" : "");
}

void tool_say(const tool *t, const char *format, ...)
{
    if (t->quiet)
        return;
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
}

int tool_text(void *arg, const char *text)
{
    tool *t = arg;
    progress_end(&t->bar);
    if (t->quiet)
        return 0;
    while (*text) {
        text += strspn(text, " ");
        size_t length = strcspn(text, "\n");
        printf("  %.*s\n", (int)length, text);
        text += length;
        text += *text == '\n';
    }
    return ferror(stdout) != 0;
}
