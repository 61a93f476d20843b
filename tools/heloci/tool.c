/* Opens and closes a subcommand. */
#include "tools/heloci/tool.h"

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
        fprintf(stderr, "heloci %s: %s\n", t->command, why);
    return rc;
}

const char *tool_backend(const options *o)
{
    return o->given[OPT_BACKEND] ? o->text[OPT_BACKEND] : "auto";
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
    hel_status status = hel_engine_create(&t->engine, &config);
    if (status == HEL_OK)
        return 0;
    passphrase_free(t->passphrase);
    t->passphrase = NULL;
    if (status == HEL_E_UNSUPPORTED)
        fprintf(stderr, "heloci %s: --simd %s: this machine does not have it\n", t->command,
                o->text[OPT_SIMD]);
    else
        fprintf(stderr, "heloci %s: the engine does not start: %s\n", t->command,
                hel_status_name(status));
    return hel_status_exit_code(status);
}

/* Some reasons begin with the step's name already. */
static void say_reason(const tool *t, hel_status status)
{
    const char *reason = hel_engine_error(t->engine);
    const size_t length = strlen(t->command);
    if (!reason || !reason[0])
        reason = hel_status_name(status);
    else if (strncmp(reason, t->command, length) == 0 && strncmp(reason + length, ": ", 2) == 0)
        reason += length + 2;
    fflush(stdout);
    fprintf(stderr, "heloci %s: %s\n", t->command, reason);
}

int tool_close(tool *t, hel_status status)
{
    progress_end(&t->bar);
    if (status != HEL_OK)
        say_reason(t, status);
    hel_engine_free(t->engine);
    passphrase_free(t->passphrase);
    return hel_status_exit_code(status);
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
