/* What larger cohorts take, by all rates there are; and how well rates of elsewhere fit this run.
 * See bench_run.h and bench_model.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/heloci/bench_run.h"
#include "tools/heloci/bench_table.h"

enum { COHORTS_MOST = 16, SETS_MOST = BENCH_BACKENDS + RATES_MOST + 1, DOUBLINGS = 7 };

typedef struct prediction {
    const bench_result *r;
    hel_engine *engine;
    const bench_rates *set[SETS_MOST];
    uint32_t sets;
    const bench_rates *owner; /* whose client's side is predicted with */
    bench_cluster cluster;
    bench_shape cohort[COHORTS_MOST];
    uint32_t cohorts;
    uint32_t traits;
    FILE *text, *markdown;
    bench_table *table;
} prediction;

static const double unlimited = INFINITY;

/* Measured here; from --rates; an H200's unless a GPU's are there. */
static void collect_rates(prediction *p)
{
    int gpu = 0;
    for (int b = 0; b < BENCH_BACKENDS; b++)
        if (p->r->rates[b].backend[0] && b != BENCH_SIM) {
            p->set[p->sets++] = &p->r->rates[b];
            gpu |= p->r->rates[b].device;
            if (!p->owner)
                p->owner = &p->r->rates[b];
        }
    for (uint32_t i = 0; i < p->r->given_count; i++) {
        p->set[p->sets++] = &p->r->given[i];
        gpu |= p->r->given[i].device;
        if (!p->owner && p->r->given[i].encrypt > 0)
            p->owner = &p->r->given[i];
    }
    if (!gpu)
        p->set[p->sets++] = &bench_rates_h200;
}

static void collect_cohorts(prediction *p)
{
    const options *o = p->r->o;
    const char *at = o->given[OPT_PREDICT] ? o->text[OPT_PREDICT] : "100000x500000,500000x10000000";
    while (*at && p->cohorts < COHORTS_MOST) {
        bench_shape *shape = &p->cohort[p->cohorts++];
        *shape = p->r->shape;
        if (!bench_cohort_read(&at, &shape->samples, &shape->variants))
            p->cohorts--, at = ""; /* the command line was checked */
    }
}

static const char *how(const bench_rates *rates)
{
    return rates->measured ? "from measured rates" : "predicted rates, not measured";
}

/* "1.5 h", in one of eight buffers. */
static const char *duration(double seconds)
{
    static _Thread_local char ring[8][32];
    static _Thread_local unsigned next;
    char *out = ring[next++ % 8];
    const double minute = 60, hour = 3600, day = 86400;
    if (seconds < 100)
        snprintf(out, sizeof ring[0], "%s s", bench_digits(seconds));
    else if (seconds < 100 * minute)
        snprintf(out, sizeof ring[0], "%s min", bench_digits(seconds / minute));
    else if (seconds < 100 * hour)
        snprintf(out, sizeof ring[0], "%s h", bench_digits(seconds / hour));
    else
        snprintf(out, sizeof ring[0], "%s days", bench_digits(seconds / day));
    return out;
}

/* ---- assumptions ---- */

static const char *const assumed[] = {
    "a node is the machine that the rates are from, with its threads and memory budget; nodes "
    "take equal shards of the variants and do not disturb each other; queues and uploads are "
    "left out",
    "rows are read in whole super-blocks of 8 blocks of variants, once for every shard and "
    "range of blocks that has a part of one: shards of fewer than 8 super-blocks, whose "
    "borders may lie within one, read more than their share",
    "every shard expands all weights, again for each range of blocks whose sums do not fit "
    "into memory together; GPUs of a node have a range each at the least, and work as one of "
    "so many times the speed",
    "the weights of a tile of samples fit into memory in all columns; with too little for "
    "that (or on a device for their accumulators) a scan works in batches of columns and "
    "reads the rows again for each, which is left out",
    "the scan ends with the SHA-256 of its sums for the manifest: in measured rates that is "
    "part of what is spread over all of them, in others it is left out",
    "the merge is one process that reads all shards' sums once and writes them once at the "
    "storage's rate; its checksums and the SHA-256 of every part and of the result, each by "
    "one thread, are left out and may take longer than that",
    "a process starts, reads keys and plans in the time that it took here; what the measured "
    "scan took beyond its pipeline's model (workers that waited for each other) is spread "
    "over all of its rates",
    "the client's side is one machine as measured; encryption is taken as proportional to "
    "genotypes, weights to weights, decryption with all that follows to encrypted sums, which "
    "is more than the tables' part",
    "core-hours are those of all nodes while the slowest works (GPU-hours where there is a "
    "GPU), and leave out the client and the merge",
};

static json_t *assumptions_json(const prediction *p)
{
    char text[512];
    json_t *all = json_array();
    snprintf(
        text, sizeof text,
        "the analysis is this run's: %u weight columns, %u sums per variant; its parameters, in "
        "chunks of %u samples, two planes",
        p->r->shape.columns, p->r->shape.outputs, p->r->params.chunk);
    json_add(&all, text_json(text));
    snprintf(text, sizeof text,
             "all nodes together read %s GB/s from storage, and a node no faster than it read and "
             "checked in the run that the rates are from, be that from the page cache",
             bench_digits(p->cluster.storage / 1e9));
    json_add(&all, text_json(text));
    for (size_t i = 0; i < sizeof assumed / sizeof *assumed; i++)
        json_add(&all, text_json(assumed[i]));
    if (p->sets && p->set[p->sets - 1] == &bench_rates_h200)
        json_add(&all, text_json(bench_rates_h200_text));
    return all;
}

static void print_assumptions(const prediction *p, const json_t *all)
{
    for (int m = 0; m < 2; m++) {
        FILE *f = m ? p->markdown : p->text;
        if (!f)
            continue;
        fprintf(f, "\nAssumptions:\n%s", m ? "\n" : "");
        for (size_t i = 0; i < json_array_size(all); i++)
            fprintf(f, "%s %s\n", m ? "*" : "  -", json_string_value(json_array_get(all, i)));
    }
}

/* ---- a cohort ---- */

static json_t *outlook_json(const bench_outlook *x)
{
    json_t *o = json_object();
    json_put(&o, "seconds", json_number(x->scan.wall));
    json_put(&o, "seconds_on_paper", json_number(x->paper));
    json_put(&o, "blocks_of_a_node", json_number(x->blocks));
    json_put(&o, "blocks_read_by_a_node", json_number(x->read));
    json_put(&o, "blocks_read_by_all", json_number(x->read_all));
    json_put(&o, "weights_expanded_times", json_number(x->ranges));
    json_put(&o, "reading_s", json_number(x->scan.read));
    json_put(&o, "copies_s", json_number(x->scan.copy));
    json_put(&o, "products_s", json_number(x->scan.products));
    json_put(&o, "expansion_s", json_number(x->scan.expand));
    json_put(&o, "finishing_s", json_number(x->scan.finish));
    json_put(&o, "waiting_for_rows_s", json_number(x->scan.starved));
    json_put(&o, "bound_by_storage", json_boolean(x->by_storage));
    json_put(&o, "merge_s", json_number(x->merge));
    json_put(&o, "billed_hours", json_number(x->billed));
    return o;
}

static hel_status predict_with(prediction *p, const bench_shape *shape, const bench_rates *rates,
                               json_t **all)
{
    const bench_cluster one = {1, p->cluster.storage};
    const bench_result *r = p->r;
    bench_outlook alone, shared;
    hel_status status = bench_model_scan(p->engine, rates, shape, &r->params, &one, &alone);
    if (status == HEL_OK)
        status = bench_model_scan(p->engine, rates, shape, &r->params, &p->cluster, &shared);
    if (status != HEL_OK)
        return status;
    json_t *o = json_object();
    json_put(&o, "rates", text_json(rates->name));
    json_put(&o, "measured", json_boolean(rates->measured));
    json_put(&o, "billed_in", text_json(rates->device ? "GPU-hours" : "core-hours"));
    json_put(&o, "one_node", outlook_json(&alone));
    json_put(&o, "nodes", json_number(p->cluster.nodes));
    json_put(&o, "all_nodes", outlook_json(&shared));
    json_add(all, o);
    bench_table_row(p->table);
    bench_table_cell(p->table, "%s", rates->name);
    bench_table_cell(p->table, "%s", rates->measured ? "measured" : "not measured");
    bench_table_cell(p->table, "%s", duration(alone.scan.wall));
    bench_table_cell(p->table, "%s%s", duration(shared.scan.wall),
                     shared.by_storage ? " (storage)" : "");
    bench_table_cell(p->table, "%s %s-h", bench_digits(shared.billed),
                     rates->device ? "GPU" : "core");
    return HEL_OK;
}

static json_t *bytes_json(const bench_bytes *b)
{
    json_t *o = json_object();
    json_put(&o, "genotypes_up", json_number(b->genotypes));
    json_put(&o, "weights_up", json_number(b->weights));
    json_put(&o, "sums_down", json_number(b->sums));
    json_put(&o, "genotypes_in_clear", json_number(b->clear));
    return o;
}

static json_t *owner_json(const bench_owner *x)
{
    json_t *o = json_object();
    json_put(&o, "key_generation_s", json_number(x->keygen));
    json_put(&o, "encrypt_db_s", json_number(x->encrypt));
    json_put(&o, "encrypt_query_s", json_number(x->null));
    json_put(&o, "decrypt_s", json_number(x->decrypt));
    json_put(&o, "postprocess_s", json_number(x->postprocess));
    return o;
}

static void print_client(const prediction *p, const bench_bytes *b, const bench_owner *x)
{
    char up[32], query[32], down[32];
    format_bytes(up, sizeof up, b->genotypes);
    format_bytes(query, sizeof query, b->weights);
    format_bytes(down, sizeof down, b->sums);
    for (int m = 0; m < 2; m++) {
        FILE *f = m ? p->markdown : p->text;
        if (f)
            fprintf(f,
                    "%s  %s of genotypes up, %s of weights up, %s of sums down\n"
                    "  the client, as measured here: encryption %s, weights %s, decryption %s\n",
                    m ? "\n" : "", up, query, down, duration(x->encrypt), duration(x->null),
                    duration(x->decrypt));
    }
}

static hel_status predict_cohort(prediction *p, const bench_shape *shape, json_t **all)
{
    char title[128], head[128];
    const bench_bytes bytes = bench_bytes_of(shape, &p->r->params);
    bench_owner owner = {0};
    json_t *o = json_object(), *scans = json_array();
    hel_status status = HEL_OK;
    snprintf(title, sizeof title, "Predicted, not measured: %s samples x %s variants",
             bench_grouped(shape->samples), bench_grouped(shape->variants));
    snprintf(head, sizeof head, "rates|they are|one node|%.0f nodes|cost", p->cluster.nodes);
    bench_table_begin(p->table, title, head);
    for (uint32_t i = 0; status == HEL_OK && i < p->sets; i++)
        status = predict_with(p, shape, p->set[i], &scans);
    if (status != HEL_OK) {
        json_decref(o);
        json_decref(scans);
        return status;
    }
    bench_table_end(p->table, p->text, p->markdown);
    json_put(&o, "samples", json_number(shape->samples));
    json_put(&o, "variants", json_number(shape->variants));
    json_put(&o, "weight_columns", json_count(shape->columns));
    json_put(&o, "sums_per_variant", json_count(shape->outputs));
    json_put(&o, "bytes", bytes_json(&bytes));
    if (p->owner) {
        owner = bench_model_owner(p->owner, shape, &p->r->params, p->traits);
        json_put(&o, "client", owner_json(&owner));
    }
    print_client(p, &bytes, &owner);
    json_put(&o, "scan", scans);
    json_add(all, o);
    return HEL_OK;
}

/* ---- weak scaling ---- */

/* The first cohort on every node, and so many times its variants on all. */
static hel_status weak_scaling(prediction *p, const bench_rates *rates, json_t **all)
{
    char title[256];
    json_t *o = json_object(), *points = json_array();
    double first[2] = {0};
    snprintf(title, sizeof title,
             "Weak scaling: %s samples x %s variants a node, storage of %s GB/s; %s (%s)",
             bench_grouped(p->cohort[0].samples), bench_grouped(p->cohort[0].variants),
             bench_digits(p->cluster.storage / 1e9), rates->name, how(rates));
    bench_table_begin(p->table, title,
                      "nodes|variants|on paper|simulated|efficiency on paper|simulated");
    for (int k = 0; k < DOUBLINGS; k++) {
        bench_outlook x;
        bench_shape shape = p->cohort[0];
        const bench_cluster cluster = {ldexp(1, k), p->cluster.storage};
        shape.variants *= cluster.nodes;
        const hel_status status =
            bench_model_scan(p->engine, rates, &shape, &p->r->params, &cluster, &x);
        if (status != HEL_OK) {
            json_decref(o);
            json_decref(points);
            return status;
        }
        if (k == 0) {
            first[0] = x.paper;
            first[1] = x.scan.wall;
        }
        bench_table_row(p->table);
        bench_table_cell(p->table, "%.0f", cluster.nodes);
        bench_table_cell(p->table, "%s", bench_grouped(shape.variants));
        bench_table_cell(p->table, "%s", duration(x.paper));
        bench_table_cell(p->table, "%s", duration(x.scan.wall));
        bench_table_cell(p->table, "%.2f", first[0] / x.paper);
        bench_table_cell(p->table, "%.2f", first[1] / x.scan.wall);
        json_t *point = json_object();
        json_put(&point, "nodes", json_number(cluster.nodes));
        json_put(&point, "variants", json_number(shape.variants));
        json_put(&point, "seconds_on_paper", json_number(x.paper));
        json_put(&point, "seconds_simulated", json_number(x.scan.wall));
        json_put(&point, "efficiency_simulated", json_number(first[1] / x.scan.wall));
        json_put(&point, "bound_by_storage", json_boolean(x.by_storage));
        json_add(&points, point);
    }
    bench_table_end(p->table, p->text, p->markdown);
    json_put(&o, "rates", text_json(rates->name));
    json_put(&o, "measured", json_boolean(rates->measured));
    json_put(&o, "points", points);
    json_add(all, o);
    return HEL_OK;
}

/* ---- validation: rates from elsewhere against this run ---- */

static void compare(prediction *p, const bench_rates *rates, const char *backend, const char *stage,
                    double predicted, const bench_record *record, json_t **all)
{
    if (record->count == 0 || !(predicted > 0))
        return;
    const double measured = bench_median(record->wall, record->count);
    json_t *o = json_object();
    json_put(&o, "rates", text_json(rates->name));
    json_put(&o, "backend", text_json(backend));
    json_put(&o, "stage", text_json(stage));
    json_put(&o, "predicted_s", json_number(predicted));
    json_put(&o, "measured_s", json_number(measured));
    json_put(&o, "ratio", json_number(predicted / measured));
    json_add(all, o);
    bench_table_row(p->table);
    bench_table_cell(p->table, "%s", stage);
    bench_table_cell(p->table, "%s", backend);
    bench_table_cell(p->table, "%s s", bench_digits(predicted));
    bench_table_cell(p->table, "%s s", bench_digits(measured));
    bench_table_cell(p->table, "%.3f", predicted / measured);
}

/* The forecast that a scan makes of itself (--explain), from rates of a sample. */
static void compare_own(prediction *p, json_t **all)
{
    for (int b = 0; b < BENCH_BACKENDS; b++) {
        const bench_result *r = p->r;
        const double forecast = json_get(r->record[STAGE_SAMPLE_RATES][b].report, "forecast_s", 0);
        const bench_rates own = {.name = "the scan's own forecast (--explain)"};
        bench_record after = {.report = NULL, .count = r->record[STAGE_COMPUTE][b].count};
        for (uint32_t i = 0; i < after.count; i++) {
            const json_t *run = json_array_get(r->server_reported[b], i);
            after.wall[i] = json_get(run, "wall_s", 0) - json_get(run, "planned_after_s", 0);
        }
        if (forecast > 0)
            compare(p, &own, bench_backend_names[b], "the scan, by its own forecast", forecast,
                    &after, all);
    }
}

static hel_status validate(prediction *p, json_t **root)
{
    const bench_result *r = p->r;
    const bench_cluster here = {1, unlimited};
    json_t *all = json_array();
    int client = 0;
    bench_table_begin(p->table, "Predictions for this very run: the scan's own, and by --rates",
                      "stage|backend|predicted|measured|ratio");
    compare_own(p, &all);
    for (uint32_t i = 0; i < r->given_count; i++) {
        const bench_rates *rates = &r->given[i];
        bench_outlook x;
        int b = 0;
        while (b < BENCH_BACKENDS && strcmp(bench_backend_names[b], rates->backend) != 0)
            b++;
        if (b == BENCH_BACKENDS || !r->record[STAGE_COMPUTE][b].count)
            continue;
        const hel_status status =
            bench_model_scan(p->engine, rates, &r->shape, &r->params, &here, &x);
        if (status != HEL_OK) {
            json_decref(all);
            return status;
        }
        compare(p, rates, rates->backend, bench_stage_table[STAGE_COMPUTE].name, x.scan.wall,
                &r->record[STAGE_COMPUTE][b], &all);
        if (client++)
            continue;
        const bench_owner owner = bench_model_owner(rates, &r->shape, &r->params, p->traits);
        compare(p, rates, "client", bench_stage_table[STAGE_ENCRYPT_DB].name, owner.encrypt,
                &r->record[STAGE_ENCRYPT_DB][0], &all);
        compare(p, rates, "client", bench_stage_table[STAGE_ENCRYPT_QUERY].name, owner.null,
                &r->record[STAGE_ENCRYPT_QUERY][0], &all);
        compare(p, rates, "client", bench_stage_table[STAGE_DECRYPT].name, owner.decrypt,
                &r->record[STAGE_DECRYPT][0], &all);
    }
    if (json_array_size(all))
        bench_table_end(p->table, p->text, p->markdown);
    json_put(root, "validation", all);
    return HEL_OK;
}

/* ---- all ---- */

static hel_status predict_all(prediction *p, json_t **root)
{
    json_t *model = json_object(), *cohorts = json_array(), *scaling = json_array();
    json_t *assumptions = assumptions_json(p);
    hel_status status = HEL_OK;
    for (uint32_t i = 0; status == HEL_OK && i < p->cohorts; i++)
        status = predict_cohort(p, &p->cohort[i], &cohorts);
    for (uint32_t i = 0; status == HEL_OK && p->cohorts && i < p->sets; i++)
        status = weak_scaling(p, p->set[i], &scaling);
    print_assumptions(p, assumptions);
    json_put(&model, "assumptions", assumptions);
    json_put(&model, "storage_bytes_per_second", json_number(p->cluster.storage));
    json_put(&model, "cohorts", cohorts);
    json_put(&model, "weak_scaling", scaling);
    if (status == HEL_OK)
        status = validate(p, &model);
    json_put(root, "model", model);
    return status;
}

hel_status bench_predict(const bench_result *r, hel_engine *engine, json_t **root, FILE *text,
                         FILE *markdown)
{
    const options *o = r->o;
    prediction p = {.r = r, .engine = engine, .text = text, .markdown = markdown};
    p.cluster.nodes = o->given[OPT_NODES] ? (double)o->number[OPT_NODES] : 16;
    p.cluster.storage = 1e9 * (o->given[OPT_STORAGE] ? o->real[OPT_STORAGE] : 10);
    p.traits = r->work.size.quantitative + r->work.size.binary;
    p.table = malloc(sizeof *p.table);
    if (!p.table)
        return HEL_E_MEMORY;
    collect_rates(&p);
    collect_cohorts(&p);
    const hel_status status = predict_all(&p, root);
    free(p.table);
    return status;
}
