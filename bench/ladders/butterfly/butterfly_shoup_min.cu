/* Levels in registers only; the butterfly of shoup_min.h. */
#include "bench/ladders/shoup_min.h"

#include "bench/ladders/butterfly/butterfly_block.h"

#include "bench/ladders/ladder_main.h"
