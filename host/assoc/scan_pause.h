/* What writes checkpoints (scan_checkpoint.c) and what goes on from them (scan_resume.c) share. */
#ifndef HEL_ASSOC_SCAN_PAUSE_H
#define HEL_ASSOC_SCAN_PAUSE_H

#include "host/assoc/scan_private.h"

#define HEL_STATE_VERSION 1u /* of section STAT */

struct lane_place {
    uint32_t samples; /* of the unit at hand, that the accumulators have met */
    int left;         /* the lane takes no further part */
};

struct scan_pause {
    pthread_mutex_t lock;
    pthread_cond_t over;
    uint64_t every_ns;
    atomic_uint_least64_t last_ns; /* of the latest checkpoint */
    uint32_t active, waiting;
    uint64_t generation; /* meetings that are over */
    atomic_int wanted;
    hel_status status; /* of the latest */
    int drained;       /* the latest was the last: the scan is to stop there */
    int broken;        /* a lane failed: no checkpoint any more */
    struct lane_place *place;
    hel_reader *old; /* that the scan goes on from; NULL: none */
    int on_disk;     /* one is there that belongs to the .part */
    uint32_t *block; /* accumulators of one */
};

/* What should be known, though it is no failure: `format` has one %s. */
void hel_scan_note(struct scan_job *job, const char *format, const char *what);

#endif
