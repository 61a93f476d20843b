/*
 * Counts the machine instructions that a kernel issues, without a GPU: reads nvdisasm's text and
 * follows one thread through it. Integer arithmetic, predicates, kernel arguments and loads from
 * memory that the process can read are evaluated; everything else gives an unknown value, which is
 * fine as long as no branch depends on it (counted as a guess: the branch is then not taken).
 * Shared memory is unknown. A warp is taken to do what its first thread does.
 */
#ifndef HEL_BENCH_SASS_H
#define HEL_BENCH_SASS_H

#include <stddef.h>
#include <stdint.h>

typedef enum sass_class {
    SASS_MULTIPLY, /* IMAD and IMAD.HI with two real factors: half rate */
    SASS_WIDE,     /* IMAD.WIDE and UIMAD.WIDE: addresses and 64-bit sums */
    SASS_ADD_MIN,  /* VIADDMNMX, VIMNMX, IMNMX */
    SASS_ADD,      /* IADD3, IMAD.IADD, VIADD, LEA and uniform ones */
    SASS_LOGIC,    /* LOP3, SHF, IMAD.SHL, SEL, PRMT, SETP */
    SASS_MOVE,     /* MOV, IMAD.MOV, S2R, constants */
    SASS_LOAD,     /* from global memory */
    SASS_STORE,
    SASS_LOAD_SHARED,
    SASS_STORE_SHARED,
    SASS_BARRIER,
    SASS_BRANCH,
    SASS_FLOAT, /* any floating-point instruction */
    SASS_OTHER,
    SASS_CLASSES
} sass_class;

extern const char *const sass_class_names[SASS_CLASSES];

typedef struct sass_count {
    uint64_t n[SASS_CLASSES], total;
    uint64_t load_bytes, store_bytes; /* of the thread, global memory */
    uint64_t guesses;                 /* branches on something unknown */
    int stopped;                      /* an endless loop or an instruction that is not understood */
} sass_count;

/* One thread's place and its kernel's arguments. */
typedef struct sass_thread {
    uint32_t thread, threads, block[3], grid[3], cluster;
    const void *args;
    size_t args_bytes, args_offset; /* 0x210 in the constant bank on sm_90, 0x160 before */
} sass_thread;

typedef struct sass_code sass_code;
typedef struct sass_kernel sass_kernel;

/* Adds the kernels of one file (nvdisasm -c); 0, or -1 with a text on stderr. */
int sass_read(sass_code **code, const char *path);
void sass_free(sass_code *code);
const sass_kernel *sass_find(const sass_code *code, const char *name);
const sass_kernel *sass_at(const sass_code *code, size_t index); /* NULL after the last */
const char *sass_name(const sass_kernel *kernel);
/* What stands in the kernel, each instruction once. */
sass_count sass_static(const sass_kernel *kernel);
/* Adds what the thread issues. */
void sass_run(const sass_kernel *kernel, const sass_thread *thread, sass_count *count);

#endif
