/* The simulated device's inside: memory (sim_device.c), queues (sim_queue.c), Fourier
 * transforms. */
#ifndef HEL_TESTS_SIM_PRIVATE_H
#define HEL_TESTS_SIM_PRIVATE_H

#include <pthread.h>

#include "tests/sim/sim_device.h"

#define SIM_PLANS_LOG   20u
#define SIM_PLANS_BATCH 4096u

/* Memory of the device, or of the host where `pinned`. Red zones lie around the data. */
typedef struct sim_block {
    struct sim_block *next;
    uint8_t *data;
    size_t bytes;
    int pinned;
} sim_block;

/* Freed with its last user: handle and queued work. */
typedef struct sim_event {
    uint64_t queued, passed; /* records so far */
    double ms;               /* when the last one passed */
    uint32_t users;
} sim_event;

typedef enum sim_kind {
    SIM_LAUNCH,
    SIM_COPY,
    SIM_WIPE,
    SIM_FOURIER,
    SIM_RECORD,
    SIM_WAIT,
} sim_kind;

/* One piece of queued work. */
typedef struct sim_op {
    struct sim_op *next;
    sim_kind kind;
    uint8_t *dst;
    const uint8_t *src;
    size_t bytes;
    void *own; /* bytes taken from the caller: a launch's arguments, an upload's source */
    hel_launch launch;
    uint32_t log_n, batch;
    int inverse;
    sim_event *event;
    uint64_t mark; /* of the event's records */
} sim_op;

typedef struct sim_list {
    sim_op *first, *last;
} sim_list;

typedef struct sim_queue {
    struct sim_queue *next;
    sim_list work;
    sim_list *graph; /* being recorded */
} sim_queue;

typedef struct sim_device {
    hel_device base;
    pthread_mutex_t lock; /* of everything below */
    sim_options options;
    uint64_t random;
    uint64_t calls, fail_at, launches, corrupt_in, limit, used;
    uint64_t allocations, queues_alive, events_alive, graphs_alive;
    sim_block *blocks;
    sim_queue none, *queues; /* `none`: of calls without a queue */
    int late, lost, broken;
    char fault[160]; /* what broke it */
    uint8_t plans[SIM_PLANS_LOG + 1][SIM_PLANS_BATCH];
} sim_device;

/* sim_device.c: calls begin with `enter`, which locks and says whether the call may go on, and end
 * with `leave`. */
hel_status sim_enter(sim_device *d, hel_status failure, const char *what);
hel_status sim_leave(sim_device *d, hel_status status);
hel_status sim_fail(hel_status status, const char *format, ...) HEL_PRINTF(2, 3);
uint64_t sim_random(sim_device *d);
/* The block that holds the bytes; NULL when none holds them all. */
const sim_block *sim_block_of(const sim_device *d, const void *p, size_t bytes);
/* Whether queued work knows an address of the block. */
int sim_queued(const sim_device *d, const sim_block *k);

/* sim_queue.c */
extern const char *const sim_kernel_names[K_ID_COUNT];
void sim_drop(sim_list *list);
void sim_drain_all(sim_device *d); /* nothing but events passes on a device that is lost */
hel_status sim_queue_create(hel_device *device, void **queue);
void sim_queue_free(hel_device *device, void *queue);
hel_status sim_sync(hel_device *device, void *queue);
hel_status sim_upload(hel_device *device, void *queue, void *dst, const void *src, size_t bytes);
hel_status sim_download(hel_device *device, void *queue, void *dst, const void *src, size_t bytes);
hel_status sim_send(hel_device *device, void *queue, void *dst, const void *src, size_t bytes);
hel_status sim_fetch(hel_device *device, void *queue, void *dst, const void *src, size_t bytes);
hel_status sim_wipe(hel_device *device, void *queue, void *p, size_t bytes);
hel_status sim_device_launch(hel_device *device, void *queue, const hel_launch *launch);
hel_status sim_event_create(hel_device *device, void **event);
void sim_event_free(hel_device *device, void *event);
hel_status sim_event_record(hel_device *device, void *queue, void *event);
hel_status sim_event_wait(hel_device *device, void *queue, void *event);
hel_status sim_event_sync(hel_device *device, void *event);
hel_status sim_event_ms(hel_device *device, void *first, void *last, float *ms);
hel_status sim_graph_begin(hel_device *device, void *queue);
hel_status sim_graph_end(hel_device *device, void *queue, void **graph);
hel_status sim_graph_run(hel_device *device, void *queue, void *graph);
void sim_graph_free(hel_device *device, void *graph);
hel_status sim_fourier(hel_device *device, void *queue, double *data, uint32_t log_n,
                       uint32_t batch, int inverse);

/* sim_fourier.c: one row, in place */
void sim_fourier_row(double *data, uint32_t log_n, int inverse);

#endif
