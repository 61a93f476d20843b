/*
 * A backend's operations on a device, batched, beside predictions and the device's own copy rate.
 *
 *   b_device --backend NAME [--device N] [--smoke] [options of bench.h]
 *
 * --smoke: sizes and times for a simulator. Groups: copy, ntt_*, element-wise operations, key
 * switches and rotations at the sets cmp13 .. cmp16, ckks_* through the evaluator, scan_*. Each
 * entry has the time of one item, the compulsory bytes' time at the copy rate measured in this run
 * (context: device_copy_gb_per_second) and what the model predicts: see roofline.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/rig.h"
#include "tests/device/device_open.h"

static void context(const rig *b)
{
    char text[64];
    bench_context("backend", b->options.backend);
    bench_context("device", device_text(b->backend));
    snprintf(text, sizeof text, "%.1f", b->roofline.bytes_per_ns);
    bench_context("device_copy_gb_per_second", text);
    snprintf(text, sizeof text, "%.2f", b->roofline.instructions_per_ns / 1000);
    bench_context("assumed_instructions_t_per_second", text);
    snprintf(text, sizeof text, "%u", b->device ? b->device->processors : 0);
    bench_context("processors", text);
}

int main(int argc, char **argv)
{
    rig_options options = {.backend = "cuda"};
    char *rest[40] = {argv[0]};
    int kept = 1;
    for (int i = 1; i < argc && kept < 34; i++) {
        if (strcmp(argv[i], "--smoke") == 0)
            options.smoke = 1;
        else if (strcmp(argv[i], "--backend") == 0 && i + 1 < argc)
            options.backend = argv[++i];
        else if (strcmp(argv[i], "--device") == 0 && i + 1 < argc)
            options.device = (uint32_t)strtoul(argv[++i], NULL, 10);
        else
            rest[kept++] = argv[i];
    }
    if (options.smoke) {
        rest[kept++] = "--min-time";
        rest[kept++] = "0.0001";
        rest[kept++] = "--repetitions";
        rest[kept++] = "1";
    }
    rig b;
    bench_begin(kept, rest, "b_device");
    rig_open(&b, &options);
    if (!bench_listing())
        rig_measure_copies(&b);
    context(&b);
    rig_copies(&b);
    rig_transforms(&b);
    rig_elementwise(&b);
    rig_key_switches(&b);
    rig_ckks(&b);
    rig_scan(&b);
    rig_close(&b);
    return bench_end();
}
