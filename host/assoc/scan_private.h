/*
 * The scan's state, shared by its files:
 *   job_scan.c          inputs, lanes, the call
 *   scan_work.c         units of work, steps and spans: what comes after what
 *   scan_lane.c         one lane's loop
 *   scan_rows.c         genotype rows: where they lie, the feed that reads them ahead
 *   scan_place.c        threads and buffers on their nodes
 *   scan_rates.c        what things take here, and what follows for the plan
 *   scan_explain.c      the plan in words
 *   scan_sums.c         the file of results
 *   scan_commit.c       its manifest, and the names of both
 *   scan_checkpoint.c   where a stopped scan stands, written down
 *   scan_resume.c       and taken up again; both share scan_pause.h
 *   scan_stats.c        what it did, in figures
 *   scan_cpu.c          the arithmetic on the CPU: memory plan, table of calls
 *   scan_tile.c         expansion of a tile's weights, multiply-accumulate (CPU)
 *   scan_output.c       finished sums (CPU)
 *   scan_device.c       the arithmetic on a device; its memory plan in scan_device_plan.c
 *   scan_check.c        recomputes a random part of it (--verify)
 *
 * A unit is a chunk of samples and a range of blocks whose accumulators are held together. A lane
 * (the CPU, or one device) takes units from the common list. In a unit: for every tile of samples
 * expand its weights once, then let every super-block of the range meet them; then relinearize,
 * switch and write. Where not all columns' weights can be held, a tile meets the genotypes once per
 * batch of columns. A step is one (tile, batch).
 *
 *   feed: read, check --> slots --> [copy] --> expand, accumulate --> finish --> write
 *
 * Bytes per genotype and plane: 12 read from the file, 12 made from the seed.
 */
#ifndef HEL_ASSOC_SCAN_PRIVATE_H
#define HEL_ASSOC_SCAN_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "heloci/assoc.h"
#include "host/assoc/layout.h"
#include "host/assoc/shard.h"
#include "host/backend/backend.h"
#include "host/backend/tensor.h"
#include "host/base/affinity.h"
#include "host/sched/feed.h"
#include "host/sched/stage.h"

#define LANES          HEL_TENSOR_LANES
#define SLICE_GROUPS   32 /* CPU: groups of 16 positions that one work item treats */
#define BLOCKS_AT_ONCE 2  /* CPU: blocks that share a weight line fetched into L1 */

struct scan;
struct scan_job;

/* Accumulators that are held together, over a chunk of samples. */
typedef struct scan_unit {
    uint32_t chunk, first, count; /* blocks */
    uint32_t samples;             /* of the chunk that the accumulators have met already */
    uint64_t kept; /* those accumulators: number of the first block's in the checkpoint */
} scan_unit;

/* One tile of samples and batch of columns of a unit. */
typedef struct scan_step {
    uint32_t unit; /* number among those that the lane has taken */
    uint32_t chunk, range_first, range_count;
    uint32_t tile_first, tile_samples, batch_first, batch_count;
    uint32_t super_first, supers; /* super-blocks that the range meets */
    uint64_t span;                /* ordinal of its first span in the feed */
    int begins_unit, ends_tile, ends_unit;
} scan_step;

/* Where the arithmetic happens. "At hand": s->at, the step. */
typedef struct scan_ops {
    const char *name; /* "CPU" */
    /* Chooses tile, column_batch, range, slots and result_blocks, and counts what they take. */
    hel_status (*plan)(struct scan *s);
    hel_status (*allocate)(struct scan *s);
    void (*release)(struct scan *s);      /* whatever has been allocated */
    hel_status (*clear)(struct scan *s);  /* accumulators of the range to zero */
    hel_status (*expand)(struct scan *s); /* weights of the step at hand, unless they are there */
    /* `supers` super-blocks from `first` on meet the weights. next (may be NULL): the step that
     * follows, whose weights may be expanded meanwhile. */
    hel_status (*accumulate)(struct scan *s, uint32_t first, uint32_t supers,
                             const scan_step *next);
    /* Blocks first .. first + count - 1 of the range, finished:
     * [block][output][2][out_limbs][N]. */
    hel_status (*finish)(struct scan *s, uint32_t first, uint32_t count, uint32_t *sums);
    /* Seconds and other figures at the end. */
    hel_status (*account)(struct scan *s);
    /* For the check and the checkpoint. A weight of the step at hand: [2][scan][N]; accumulators of
     * a block of the range: [slot][3][scan][N], read and written. */
    hel_status (*weight)(struct scan *s, uint32_t sample, uint32_t column, uint32_t *out);
    hel_status (*sums)(struct scan *s, uint32_t block, uint32_t *out);
    hel_status (*restore)(struct scan *s, uint32_t block, const uint32_t *in);
    /* Memory of the feed's slots; NULL: ordinary memory. */
    hel_status (*slot_alloc)(struct scan *s, void **out, uint64_t bytes);
    void (*slot_free)(struct scan *s, void *p);
} scan_ops;

struct scan_worker {
    hel_chacha *chacha; /* genotype seed */
    uint32_t *a;        /* [BLOCKS_AT_ONCE][SLICE_GROUPS][a_stride] */
    uint32_t *slice;    /* one slice of accepted residues */
    uint8_t *words;     /* its key stream */
    uint32_t *column;   /* columns of a plane in the batch at hand */
    uint32_t *expand;   /* expander scratch */
    uint32_t *output;   /* d0, d1, d2 and key-switch scratch */
};

/* Weights of one step. */
typedef struct scan_weights {
    uint32_t *z; /* [limb][group][HEL_SEGMENT][batch][2][16] */
    uint32_t chunk, tile_first, batch_first, batch_count;
    int there;
} scan_weights;

/* Expanders of the ciphertexts that a step's weights come from. */
typedef struct scan_expander {
    hel_expander *x;
    uint64_t object;
} scan_expander;

/* The CPU's part. */
struct scan_cpu {
    hel_tensor_fn tensor;
    uint32_t workers, groups; /* groups = N / 16 */
    size_t a_stride;          /* words of one group's tile of genotypes, padded against aliasing */
    uint32_t ahead;           /* 1: the next step's weights are expanded beside the products */
    struct scan_worker *worker;
    scan_weights weights[2]; /* the second one with `ahead` only */
    uint32_t *acc;           /* [block of range][limb][group][outputs][3][16] */
    uint32_t expanders;
    scan_expander *expander; /* [expanders] */
    size_t *item_end;        /* [super-blocks of the range] scratch of accumulate */
    atomic_uint *items_left; /* [super-blocks of the range] likewise */
    const uint8_t *rows;     /* instead of the feed: rows of the tile and super-block at hand */
    uint32_t *result;        /* of the blocks that are being finished */
    uint32_t output_block;
};

/* The feed's place: spans that it has named. */
typedef struct scan_reading {
    scan_step step;
    uint32_t super;
    uint64_t at;                 /* bytes of the region of (step, super) already named */
    atomic_uint_least64_t spans; /* named so far */
    int begun, ended;
} scan_reading;

/* Stages in the order of the data's way. */
typedef enum scan_stage_id {
    STAGE_EXPAND,
    STAGE_ACCUMULATE,
    STAGE_COPY,
    STAGE_FINISH,
    STAGE_WRITE,
    STAGE_CHECKPOINT,
    STAGE_CHECK,
    STAGE_COUNT
} scan_stage_id;

/* A lane, and its copy of what all lanes share. */
struct scan {
    struct scan_job *job;
    hel_engine *engine;
    const hel_scan_config *config;
    const scan_ops *ops;
    hel_reader *geno, *weights, *evk;
    hel_scheme *scheme;
    hel_eval_keys *keys;
    hel_geno_layout gl;
    hel_weights_layout wl;
    const uint8_t *weights_body;
    int geno_fd, direct_fd;           /* -1: reads go through the page cache */
    uint64_t geno_offset, geno_bytes; /* of the ciphertexts, in the file */
    uint32_t geno_chunk;              /* bytes that share a checksum */
    hel_output *output;               /* of the file */
    uint32_t outputs;
    uint32_t *slot;                      /* [outputs] accumulator slot of each output */
    uint32_t *plane_columns[HEL_PLANES]; /* all columns of a plane, ascending */
    uint32_t plane_count[HEL_PLANES], plane_first[HEL_PLANES];
    uint32_t lane; /* number */
    uint64_t budget;
    /* the plan */
    uint32_t tile;          /* samples whose weights are held at once */
    uint32_t column_batch;  /* columns whose weights are held at once */
    uint32_t range;         /* blocks accumulated at once */
    uint32_t result_blocks; /* blocks finished at once */
    uint32_t slots;         /* of the feed */
    uint64_t slot_bytes;
    uint32_t *result; /* [result_blocks][outputs][2][out_limbs][N] */
    hel_feed *feed;
    struct scan_cpu cpu;
    struct scan_device *device; /* NULL on the CPU */
    struct scan_check *check;   /* NULL: nothing is recomputed */
    hel_scan_stats stats;
    hel_stage stage[STAGE_COUNT];
    uint64_t in_flight;          /* genotypes handed to a device that may not be through yet */
    struct hel_placement *place; /* NULL: nothing is bound */
    scan_unit *taken;            /* units of this lane, in order */
    uint32_t taken_count;
    pthread_mutex_t taken_lock;
    scan_reading reading;
    /* at hand */
    scan_step at;
    uint32_t super;
    hel_status status; /* how the lane ended */
};

/* What lanes share. */
struct scan_job {
    struct scan base;                  /* inputs, layouts: copied into every lane */
    uint32_t first_block, block_count; /* of the shard */
    struct scan *lane;
    uint32_t lanes;
    pthread_mutex_t lock;
    scan_unit *unit; /* in order; taken from the front */
    uint32_t units, next_unit;
    atomic_uint_least64_t done; /* genotypes */
    atomic_uint_least64_t in_flight;
    atomic_int stop; /* a lane has failed */
    uint64_t total;
    pthread_mutex_t progress_lock;
    uint64_t shown;   /* of total, to whoever asked for progress */
    uint64_t resumed; /* of done: by an earlier process */
    hel_writer *sums;
    uint8_t *finished; /* [chunk][block of the shard]: 1 = written */
    hel_sums_layout layout;
    hel_shard shard; /* shards = 0: everything */
    char *path, *checkpoint_path;
    struct hel_topology *topology; /* NULL: nothing is bound */
    int resident;                  /* hel_scan_hooked */
    double started;                /* seconds of the monotonic clock */
    double began, cpu_began;       /* seconds since 1970; of the process' processor time */
    int gathered;                  /* the lanes' figures are in base.stats */
    struct hel_signer *signer;     /* of the manifest */
    struct scan_pause *pause;      /* checkpoints; NULL: none are made */
};

/* ---- job_scan.c ---- */

/* hel_scan for measurements. resident: rows are not read but taken to be in memory already,
 * whatever the feed's slots hold: what is left is the arithmetic, and the sums are wrong. */
hel_status hel_scan_hooked(hel_engine *engine, const hel_scan_config *config, int resident,
                           hel_scan_stats *stats);

double hel_scan_cpu_seconds(void);
/* Host memory of a lane in any case: keys, results, small things. */
uint64_t hel_scan_host_bytes(const struct scan *s, uint32_t result_blocks);
/* So many genotypes more are done: told to whoever asked. */
hel_status hel_scan_progress(struct scan *s, uint64_t genotypes);
/* Of those done, so many are with the lane's device still. */
void hel_scan_in_flight(struct scan *s, uint64_t genotypes);

/* ---- scan_commit.c ---- */

/* The finished sums and their manifest get their names. The lanes' figures are in base.stats. */
hel_status hel_scan_commit(struct scan_job *job);
/* A finished shard whose manifest is not there or not its own (a kill, another run's, or somebody
 * took it away) gets one that says so. */
hel_status hel_scan_mend_manifest(struct scan_job *job);

/* ---- scan_stats.c ---- */

/* The figures of all lanes into job->base.stats, once. */
void hel_scan_gather(struct scan_job *job);

/* ---- scan_work.c ---- */

/* Units for ranges of at most `range` blocks: what `resume` (units of a checkpoint, may be empty)
 * and `finished` leave to do. */
hel_status hel_scan_work_create(struct scan_job *job, uint32_t range, const scan_unit *resume,
                                uint32_t resumed);
/* The first step of a lane, and the one after `step`; 0 when there is none. */
int hel_scan_step_first(struct scan *s, scan_step *step);
int hel_scan_step_next(struct scan *s, const scan_step *step, scan_step *next);
const scan_unit *hel_scan_taken(struct scan *s, uint32_t number);

/* ---- scan_rows.c ---- */

/* Sample i of the tile at hand, in the file. */
static inline uint64_t scan_sample(const struct scan *s, size_t i)
{
    return (uint64_t)s->at.chunk * s->wl.chunk + s->at.tile_first + i;
}

/* Polynomials of the rows of one super-block and of `samples` samples, at the most. */
uint64_t hel_scan_row_polys(const struct scan *s, uint32_t samples);
/* Bytes that reading them takes: whole checksummed pieces. */
uint64_t hel_scan_region_bytes(const struct scan *s, uint32_t samples);
/* Rows of a tile in a super-block, in the ciphertext section: [begin, end), and what is read. */
typedef struct scan_region {
    uint64_t begin, end, read_begin, read_end;
} scan_region;
scan_region hel_scan_region(const struct scan *s, const scan_step *step, uint32_t super);
/* Spans that the feed makes of it: as many as slots of slot_bytes ask for. */
uint32_t hel_scan_region_spans(const struct scan *s, const scan_region *region);
/* Ordinal of the polynomial of (sample, plane, block), the block in super-block `super`. */
uint64_t hel_scan_ordinal(const struct scan *s, uint32_t super, uint64_t sample,
                          uint32_t plane_index, uint32_t block);
hel_status hel_scan_feed_start(struct scan *s);
void hel_scan_feed_stop(struct scan *s);
/* Reads and checks the rows of samples first .. of the tile at hand in the super-block at hand into
 * `buffer` (hel_scan_region_bytes); *rows is where they begin. */
hel_status hel_scan_read_rows(const struct scan *s, uint32_t first, uint32_t count, uint8_t *buffer,
                              const uint8_t **rows);
/* Columns of a plane that are in the batch of a step: their numbers within the batch; *slot: that
 * of the first. */
uint32_t hel_scan_batch_columns(const struct scan *s, const scan_step *step, uint32_t plane,
                                uint32_t *column, uint32_t *slot);

/* A descriptor of the genotypes past the page cache, or -1. */
int hel_scan_open_direct(const struct scan *s);
/* Threads that read for a lane. */
uint32_t hel_scan_readers(const struct scan *s);

/* ---- scan_place.c ---- */

/* Where each lane's threads and buffers go; machines with one node need none of it. */
hel_status hel_scan_place_open(struct scan_job *job);
void hel_scan_place_close(struct scan_job *job);
/* The calling thread goes to the lane's device; *before is where it was, for _back. */
typedef struct scan_where {
    hel_cpus before;
    int moved;
} scan_where;
scan_where hel_scan_place_thread(const struct scan *s);
void hel_scan_place_back(const scan_where *where);
/* Large memory of a lane on the CPU, not touched yet. */
void hel_scan_place_memory(const struct scan *s, void *area, uint64_t bytes);
/* Workers, readers and buffers in words. */
hel_status hel_scan_place_text(const struct scan *s, hel_buf *out);

/* ---- scan_explain.c ---- */

/* Says the plan to config->plan. */
hel_status hel_scan_explain(struct scan_job *job);

/* ---- scan_lane.c ---- */

/* All of a lane's units. */
hel_status hel_scan_lane_run(struct scan *s);

/* ---- scan_sums.c ---- */

static inline size_t scan_result_words(const struct scan *s) /* of one block */
{
    return (size_t)s->outputs * 2 * s->scheme->params.out_limbs * s->scheme->n;
}

/* Describes what is to be written; then 1 in *there if a finished shard is there already. */
hel_status hel_scan_sums_describe(struct scan_job *job);
hel_status hel_scan_sums_exists(struct scan_job *job, int *there);
/* again: a .part that an earlier process left is kept, for adoption. */
hel_status hel_scan_sums_open(struct scan_job *job, int again);
/* Blocks first .. of a unit, finished as `sums`. */
hel_status hel_scan_sums_put(struct scan *s, const scan_unit *unit, uint32_t first, uint32_t count,
                             const uint32_t *sums);
/* Pair (output) of a block of the shard in a chunk: its number in the file. */
static inline uint64_t scan_pair(const struct scan_job *job, uint32_t chunk, uint32_t block,
                                 uint32_t output)
{
    return ((uint64_t)chunk * job->block_count + (block - job->first_block)) * job->layout.outputs +
           output;
}

/* ---- scan_checkpoint.c, scan_resume.c ---- */

/* Reads a checkpoint of this very scan, if there is one: units under way, what is finished. Adopts
 * finished sums from the .part. Without one, or with one that does not fit, *count is 0. */
hel_status hel_scan_resume(struct scan_job *job, scan_unit **unit, uint32_t *count);
/* The accumulators of a resumed unit, into the lane that has taken it. */
hel_status hel_scan_restore(struct scan *s, const scan_unit *unit);
hel_status hel_scan_pause_open(struct scan_job *job);
void hel_scan_pause_close(struct scan_job *job);
/* At a tile's border: writes a checkpoint when one is due. HEL_E_CANCELLED after one that was asked
 * for by a signal. samples: of the unit at hand that its accumulators have met; all: it is done. */
hel_status hel_scan_pause(struct scan *s, uint32_t samples);
/* The lane takes no further part. */
void hel_scan_pause_leave(struct scan *s, hel_status status);
/* 1 when a checkpoint is on disk from which the scan could go on. */
int hel_scan_can_resume(const struct scan_job *job);
/* No checkpoint is needed, or wanted, any more. */
void hel_scan_checkpoint_remove(struct scan_job *job);

/* ---- the CPU ---- */

const scan_ops *hel_scan_cpu_ops(void);
/* Before all others: workers, strides, the twin. */
void hel_scan_cpu_prepare(struct scan *s, hel_simd simd);
/* Bytes of one more block, of one more column held at once, of all scratch, and of the expanders of
 * a batch. */
uint64_t hel_scan_cpu_block_bytes(const struct scan *s);
uint64_t hel_scan_cpu_column_bytes(const struct scan *s);
uint64_t hel_scan_cpu_fixed_bytes(const struct scan *s);
uint64_t hel_scan_cpu_expander_bytes(const struct scan *s, uint32_t expanders);
hel_status hel_scan_cpu_allocate(struct scan *s);
void hel_scan_cpu_release(struct scan *s); /* whatever has been allocated */
/* A weight of the step at hand: [2][scan][N]. */
void hel_scan_cpu_weight(const struct scan *s, uint32_t sample, uint32_t column, uint32_t *out);
/* scan_tile.c, as in scan_ops; a tile is at most one segment */
hel_status hel_scan_cpu_expand(struct scan *s);
hel_status hel_scan_cpu_accumulate(struct scan *s, uint32_t first, uint32_t supers,
                                   const scan_step *next);
/* scan_output.c */
hel_status hel_scan_cpu_finish(struct scan *s, uint32_t first, uint32_t count, uint32_t *sums);
size_t hel_scan_output_words(const struct scan *s); /* a worker's scratch */

/* ---- a device ---- */

/* Opens lanes: what the engine's configuration and config->devices name. */
hel_status hel_scan_lanes_open(struct scan_job *job);

/* ---- scan_check.c ---- */

/* What the check takes; 0 without one. After hel_scan_cpu_prepare. */
uint64_t hel_scan_check_bytes(const struct scan *s);
/* After the plan. Without a check the calls that follow do nothing. */
hel_status hel_scan_check_open(struct scan *s);
void hel_scan_check_close(struct scan *s);
void hel_scan_check_range(struct scan *s);        /* accumulators have been cleared or restored */
void hel_scan_check_batch(struct scan *s);        /* weights have been expanded */
hel_status hel_scan_check_before(struct scan *s); /* the super-block at hand */
hel_status hel_scan_check_after(struct scan *s);
/* Blocks first .. of the range, finished as `sums`. */
hel_status hel_scan_check_sums(struct scan *s, uint32_t first, uint32_t count,
                               const uint32_t *sums);

/* Blocks that a lane need not hold more of at once: its share of the shard. */
static inline uint32_t scan_most_blocks(const struct scan *s)
{
    return (s->job->block_count + s->job->lanes - 1) / s->job->lanes;
}

/* ---- blocks of a super-block that lie in a step's range: first (absolute) and count ---- */

static inline uint32_t scan_super_first(const struct scan *s, const scan_step *step, uint32_t super)
{
    const uint32_t first = super * s->gl.super_block;
    return first > step->range_first ? first : step->range_first;
}

static inline uint32_t scan_super_count(const struct scan *s, const scan_step *step, uint32_t super)
{
    uint32_t end = (super + 1) * s->gl.super_block, last = step->range_first + step->range_count;
    end = end < last ? end : last;
    return end - scan_super_first(s, step, super);
}

#endif
