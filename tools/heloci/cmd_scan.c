/* heloci scan: the compute centre's step. No option of it could name a secret. */
#include <stdlib.h>
#include <string.h>

#include "tools/heloci/tool.h"

/* What computed and, where the choice fell on the CPU, why; in short where no GPU's library is
 * installed at all. */
static void say_backend(const tool *t)
{
    static const char none[] = " (no CUDA backend: libheloci_cuda.so.0: cannot open shared object";
    const char *text = hel_engine_backend_text(t->engine), *why = strstr(text, none);
    if (why)
        tool_say(t, "  computed by %.*s (no CUDA backend is installed)\n", (int)(why - text), text);
    else
        tool_say(t, "  computed by %s\n", text);
}

static void say_stats(const tool *t, const hel_scan_stats *s)
{
    char genotypes[32], switches[32], buffers[32];
    format_count(genotypes, sizeof genotypes, (double)s->genotypes);
    format_count(switches, sizeof switches, (double)s->key_switches);
    format_bytes(buffers, sizeof buffers, (double)s->peak_buffers);
    tool_say(t, "  %s genotypes with padding, %s key switches, %u pass%s, buffers %s\n", genotypes,
             switches, s->passes, s->passes == 1 ? "" : "es", buffers);
    say_backend(t);
    if (s->on_device) {
        char device[32];
        format_bytes(device, sizeof device, (double)s->device_bytes);
        tool_say(t,
                 "  device-seconds: expansion %.2f, products %.2f, output %.2f, copies %.2f; %s of "
                 "its memory\n",
                 s->device_expand, s->device_scan, s->device_output, s->device_copy, device);
    }
    tool_say(t, "  core-seconds: expansion %.2f, products %.2f, output %.2f; %.2f s in all\n",
             s->cpu_expand, s->cpu_scan, s->cpu_output, s->wall);
    if (t->o->real[OPT_VERIFY] > 0)
        tool_say(t,
                 "  verified %llu of %llu tiles and %llu of %llu finished blocks, bit for bit; "
                 "%.2f core-seconds\n",
                 (unsigned long long)s->tiles_verified, (unsigned long long)s->tiles,
                 (unsigned long long)s->sums_verified, (unsigned long long)s->sums, s->cpu_check);
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
    config.verify = o->real[OPT_VERIFY];
    config.sign = o->given[OPT_SIGN] ? o->text[OPT_SIGN] : getenv("HELOCI_SIGNING_KEY");
    if (config.sign && !config.sign[0])
        config.sign = NULL;
    hel_scan_stats stats = {0};
    hel_status status = hel_scan(t.engine, &config, &stats);
    progress_end(&t.bar);
    if (status == HEL_OK) {
        say_stats(&t, &stats);
        tool_say_signer(&t, config.out, ".sums.manifest");
    }
    return tool_close(&t, status);
}
