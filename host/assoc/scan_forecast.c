/* The scan's model for those who have rates of their own. */
#include <math.h>

#include "heloci/assoc.h"
#include "host/base/error.h"
#include "host/sched/forecast.h"

#define SPANS_MOST (1u << 24) /* the model walks through two units at the least */

hel_status hel_scan_forecast(hel_engine *engine, const hel_scan_load *load, hel_scan_outlook *out)
{
    hel_error_clear(engine);
    HEL_REQUIRE(engine, load && load->size == sizeof *load && out, HEL_E_USAGE,
                "forecast: malformed load");
    HEL_REQUIRE(engine, (uint64_t)load->steps * load->spans <= SPANS_MOST, HEL_E_USAGE,
                "forecast: %u steps of %u spans, the rule is 2^24 spans in a unit", load->steps,
                load->spans);
    const double times[] = {load->begin,    load->read,   load->copy,
                            load->products, load->expand, load->finish};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        HEL_REQUIRE(engine, isfinite(times[i]) && times[i] >= 0, HEL_E_USAGE,
                    "forecast: %g is no time", times[i]);
    const hel_pipeline p = {.units = load->units,
                            .steps = load->steps,
                            .spans = load->spans,
                            .slots = load->slots,
                            .begin = load->begin,
                            .read = load->read,
                            .copy = load->copy,
                            .products = load->products,
                            .expand = load->expand,
                            .finish = load->finish};
    const hel_forecast f = hel_forecast_run(&p);
    *out = (hel_scan_outlook){.wall = f.wall,
                              .read = f.read,
                              .copy = f.copy,
                              .products = f.products,
                              .expand = f.expand,
                              .finish = f.finish,
                              .starved = f.starved,
                              .full = f.full};
    return HEL_OK;
}
