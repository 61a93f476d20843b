/* Passes through registers; the butterfly of shoup_min.h. */
#include "bench/ladders/shoup_min.h"

#include "bench/ladders/ntt/ntt_passes.h"

#include "bench/ladders/ladder_main.h"
