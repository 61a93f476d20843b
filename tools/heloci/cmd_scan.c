/* heloci scan: the compute centre's step. No option of it could name a secret. */
#include <stdlib.h>
#include <string.h>

#include "tools/heloci/shard_option.h"
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

static const char *environment(void *arg, const char *name)
{
    (void)arg;
    return getenv(name);
}

static int read_shard(const options *o, hel_scan_config *config)
{
    char why[512];
    if (!o->given[OPT_SHARD])
        return 0;
    const int rc = shard_option_read(o->text[OPT_SHARD], environment, NULL, &config->shard,
                                     &config->shards, why, sizeof why);
    if (rc)
        fprintf(stderr, "heloci scan: --shard: %s\n", why);
    return rc;
}

/* The manifest of PREFIX.sums, or of PREFIX.03-of-16.sums. */
static void say_signer(const tool *t, const hel_scan_config *config)
{
    char number[16], suffix[64] = ".sums.manifest";
    if (config->shards) {
        snprintf(number, sizeof number, "%u", config->shards);
        snprintf(suffix, sizeof suffix, ".%0*u-of-%u.sums.manifest", (int)strlen(number),
                 config->shard, config->shards);
    }
    tool_say_signer(t, config->out, suffix);
}

static void say_done(const tool *t, const hel_scan_config *config, const hel_scan_stats *stats)
{
    if (stats->already) {
        tool_say(t, "  shard %u of %u was finished already; remove its file to compute it again\n",
                 config->shard, config->shards);
        return;
    }
    if (stats->resumed)
        tool_say(t, "  went on from a checkpoint: %.1f %% had been done\n",
                 100 * (double)stats->resumed / (double)stats->genotypes);
    say_stats(t, stats);
    say_signer(t, config);
}

int command_scan(const options *o)
{
    tool t;
    uint32_t devices[NUMBERS_MOST];
    hel_scan_config config = HEL_SCAN_CONFIG_INIT;
    int rc = read_shard(o, &config);
    if (rc == 0)
        rc = tool_open(&t, o);
    if (rc)
        return rc;
    config.geno = o->text[OPT_GENO];
    config.weights = o->text[OPT_WEIGHTS];
    config.evk = o->text[OPT_EVK];
    config.out = o->text[OPT_OUT];
    config.verify = o->real[OPT_VERIFY];
    config.devices = devices;
    config.device_count = tool_devices(o, devices);
    config.io = (hel_io)o->number[OPT_IO];
    if (o->given[OPT_CHECKPOINT])
        config.checkpoint = o->real[OPT_CHECKPOINT] > 0 ? o->real[OPT_CHECKPOINT] : -1;
    config.note = tool_text;
    config.note_arg = &t;
    if (o->given[OPT_EXPLAIN]) {
        config.plan = tool_text;
        config.plan_arg = &t;
        config.plan_only = 1;
    }
    config.sign = tool_signing_key(o);
    hel_scan_stats stats = {0};
    hel_status status = hel_scan(t.engine, &config, &stats);
    progress_end(&t.bar);
    if (status == HEL_OK && !(config.plan_only && !stats.already))
        say_done(&t, &config, &stats);
    return tool_close(&t, status);
}
