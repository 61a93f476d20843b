/* Levels in registers only; the butterfly of montgomery_min.h. */
#include "bench/ladders/montgomery_min.h"

#include "bench/ladders/butterfly/butterfly_block.h"

#include "bench/ladders/ladder_main.h"
