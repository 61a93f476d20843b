/* Passes through registers; the butterfly of montgomery_min.h. */
#include "bench/ladders/montgomery_min.h"

#include "bench/ladders/ntt/ntt_passes.h"

#include "bench/ladders/ladder_main.h"
