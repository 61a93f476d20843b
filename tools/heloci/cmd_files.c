/* Commands on single files: report, inspect, verify. */
#include <string.h>

#include "tools/heloci/tool.h"
#include "tools/heloci/top_hits.h"

enum { HITS_ON_TERMINAL = 5, APART = 10000000 /* base pairs: one line per peak */ };

static void say_report(const tool *t, const hel_report_config *config,
                       const hel_report_summary *summary)
{
    tool_say(t,
             "  %llu variants, %llu tested, lambda %.3f, %llu genome-wide, -log10 p up to %.2f\n",
             (unsigned long long)summary->variants, (unsigned long long)summary->tested,
             summary->lambda_gc, (unsigned long long)summary->genome_wide, summary->max_log10p);
    top_hits hits;
    if (!t->quiet && top_hits_read(&hits, config->table, HITS_ON_TERMINAL, APART) == 0)
        top_hits_print(&hits, APART / 1000000, stdout);
    tool_say(t, "  pictures  %s.manhattan.png  %s.qq.png  (and .svg)\n", config->out, config->out);
    tool_say(t, "  page      %s.html\n", config->out);
}

int command_report(const options *o)
{
    tool t;
    int rc = tool_open(&t, o);
    if (rc)
        return rc;
    hel_report_config config = HEL_REPORT_CONFIG_INIT;
    config.table = o->text[OPT_TABLE];
    config.out = o->text[OPT_OUT];
    config.title = o->text[OPT_TITLE];
    config.top = (uint32_t)o->number[OPT_TOP];
    hel_report_summary summary;
    hel_status status = hel_report(t.engine, &config, &summary);
    progress_end(&t.bar);
    if (status == HEL_OK)
        say_report(&t, &config, &summary);
    return tool_close(&t, status);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What the manifest says of its key, which only its holder can know. */
static const char *origin_text(const char *origin)
{
    static const struct {
        const char *origin, *text;
    } rows[] = {{"one-time", ", drawn for that run only: it names nobody"},
                {"owner", ", said to be derived from an owner's secret key"},
                {"file", ", said to be kept in a file"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(origin, rows[i].origin) == 0)
            return rows[i].text;
    return "";
}

static int print_text(void *arg, const char *text)
{
    (void)arg;
    size_t length = strlen(text);
    fputs(text, stdout);
    if (length && text[length - 1] != '\n')
        putchar('\n');
    return ferror(stdout) != 0;
}

int command_inspect(const options *o)
{
    tool t;
    int rc = tool_open(&t, o);
    if (rc)
        return rc;
    return tool_close(&t, hel_inspect(t.engine, o->operand, print_text, NULL));
}

static void say_verified(const tool *t, const hel_verify_report *r)
{
    const char *file = t->o->operand;
    if (r->container)
        tool_say(t, "%s: every checksum holds\n", file);
    if (!r->manifest) {
        tool_say(t, "%s: no manifest; nothing says who made it\n", file);
        return;
    }
    if (strcmp(r->name, base_name(file)) == 0)
        tool_say(t, "%s: the signature holds; %u file%s as signed\n", file, r->subjects,
                 r->subjects == 1 ? "" : "s");
    else
        tool_say(t, "%s: as signed in %s\n", file, r->name);
    tool_say(t, "  signed by %s\n  key id    %s%s\n", r->signature.key, r->signature.key_id,
             origin_text(r->signature.origin));
}

int command_verify(const options *o)
{
    tool t;
    int rc = tool_open(&t, o);
    if (rc)
        return rc;
    hel_verify_config config = HEL_VERIFY_CONFIG_INIT;
    hel_verify_report report;
    config.path = o->operand;
    config.signer = o->text[OPT_SIGNER];
    hel_status status = hel_verify(t.engine, &config, &report);
    progress_end(&t.bar);
    if (status == HEL_OK)
        say_verified(&t, &report);
    return tool_close(&t, status);
}
