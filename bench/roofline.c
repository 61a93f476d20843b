/* See roofline.h. */
#include <math.h>

#include "bench/roofline.h"

double roofline_issue_rate(unsigned processors)
{
    return processors * 4 * 32 * 1.98;
}

double roofline_predicted_ns(const roofline *r, const roofline_work *w)
{
    const double memory = r->bytes_per_ns > 0 ? w->moved_bytes / r->bytes_per_ns : 0;
    const double issue = r->instructions_per_ns > 0 ? w->instructions / r->instructions_per_ns : 0;
    return fmax(memory, issue);
}

void roofline_report(const roofline *r, const roofline_work *w, double wall_ns, double device_ns)
{
    const double measured = device_ns > 0 ? device_ns : wall_ns;
    const double predicted = roofline_predicted_ns(r, w);
    double least = 0;
    int met = 1;
    if (!(measured > 0))
        return;
    if (device_ns > 0)
        bench_counter("device_ns", device_ns);
    bench_counter("measured_ns", measured);
    if (r->bytes_per_ns > 0 && w->compulsory_bytes > 0) {
        least = w->compulsory_bytes / r->bytes_per_ns;
        bench_counter("compulsory_bytes", w->compulsory_bytes);
        bench_counter("compulsory_ns", least);
        bench_counter("ratio_to_compulsory", measured / least);
    }
    if (predicted > 0) {
        bench_counter("predicted_ns", predicted);
        bench_counter("ratio_to_predicted", measured / predicted);
    }
    if (w->target > 0) {
        bench_counter("target_ns", w->target);
        met &= measured <= w->target;
    }
    if (w->most_ratio > 0 && least > 0) {
        bench_counter("target_ratio", w->most_ratio);
        met &= measured <= w->most_ratio * least;
    }
    if (w->target > 0 || w->most_ratio > 0)
        bench_counter("target_met", met);
}
