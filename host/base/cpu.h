/* Which vector twin runs: probed once per engine, stored in it, never a global. */
#ifndef HEL_BASE_CPU_H
#define HEL_BASE_CPU_H

#include "heloci/engine.h"

/* Best twin of this machine. */
hel_simd hel_cpu_best(void);
/* 1 when the machine can run the twin. */
int hel_cpu_has(hel_simd simd);
/* The engine's twin (never HEL_SIMD_AUTO). */
hel_simd hel_engine_simd(const hel_engine *engine);

#endif
