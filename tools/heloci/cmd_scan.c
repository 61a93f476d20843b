/* heloci scan: the compute centre's step. No option of it could name a secret. */
#include "tools/heloci/tool.h"

static void say_stats(const tool *t, const hel_scan_stats *s)
{
    char genotypes[32], switches[32], buffers[32];
    format_count(genotypes, sizeof genotypes, (double)s->genotypes);
    format_count(switches, sizeof switches, (double)s->key_switches);
    format_bytes(buffers, sizeof buffers, (double)s->peak_buffers);
    tool_say(t, "  %s genotypes with padding, %s key switches, %u pass%s, buffers %s\n", genotypes,
             switches, s->passes, s->passes == 1 ? "" : "es", buffers);
    tool_say(t, "  core-seconds: expansion %.2f, products %.2f, output %.2f; %.2f s in all\n",
             s->cpu_expand, s->cpu_scan, s->cpu_output, s->wall);
}

int command_scan(const options *o)
{
    tool t;
    int rc = tool_open(&t, o);
    if (rc)
        return rc;
    hel_scan_config config = HEL_SCAN_CONFIG_INIT;
    config.geno = o->text[OPT_GENO];
    config.weights = o->text[OPT_WEIGHTS];
    config.evk = o->text[OPT_EVK];
    config.out = o->text[OPT_OUT];
    hel_scan_stats stats = {0};
    hel_status status = hel_scan(t.engine, &config, &stats);
    progress_end(&t.bar);
    if (status == HEL_OK)
        say_stats(&t, &stats);
    return tool_close(&t, status);
}
