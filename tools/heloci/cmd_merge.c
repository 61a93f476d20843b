/* heloci merge: shards become the sums of everything. */
#include "tools/heloci/tool.h"

int command_merge(const options *o)
{
    tool t;
    int rc = tool_open(&t, o);
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
