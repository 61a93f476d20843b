/* heloci merge: shards become the sums of everything. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "tools/heloci/tool.h"

/* Beside the shards: the result, its manifest, the log, standard streams and what was inherited. */
enum { OTHER_FILES = 32 };

/* Every shard is open until the end, and a shell's limit is 1024 most of the time. */
static int allow_files(tool *t, uint32_t shards)
{
    struct rlimit limit;
    const rlim_t need = (rlim_t)shards + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
        return 0;
    if (limit.rlim_max < need)
        return tool_fail(t, EXIT_IO,
                         "%u shards are open at the same time, which takes %llu files, and a "
                         "process may open %llu here (ulimit -H -n); have that limit raised, or "
                         "scan in fewer shards",
                         shards, (unsigned long long)need, (unsigned long long)limit.rlim_max);
    limit.rlim_cur = need;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return tool_fail(t, EXIT_IO, "the limit on open files cannot be raised to %llu: %s",
                         (unsigned long long)need, strerror(errno));
    return 0;
}

int command_merge(const options *o)
{
    tool t;
    int rc = tool_open(&t, o);
    if (rc == 0)
        rc = allow_files(&t, o->operand_count);
    if (rc)
        return rc;
    hel_merge_config config = HEL_MERGE_CONFIG_INIT;
    config.files = o->operands;
    config.count = o->operand_count;
    config.out = o->text[OPT_OUT];
    config.sign = tool_signing_key(o);
    hel_status status = hel_merge(t.engine, &config);
    progress_end(&t.bar);
    if (status == HEL_OK) {
        tool_say(&t, "  %s.sums  every variant, each from one of %u file%s\n", config.out,
                 config.count, config.count == 1 ? "" : "s");
        tool_say_signer(&t, config.out, ".sums.manifest");
    }
    return tool_close(&t, status);
}
