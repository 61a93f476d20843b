/* Instructions as sass.c reads them and sass_run.c follows them. */
#ifndef HEL_BENCH_SASS_PRIVATE_H
#define HEL_BENCH_SASS_PRIVATE_H

#include "bench/kernels/sass.h"

typedef enum sass_kind {
    SASS_NONE,
    SASS_REGISTER,  /* index; 255: RZ */
    SASS_UNIFORM,   /* UR, index; 63: URZ */
    SASS_PREDICATE, /* index; 7: PT; uniform ones from 8 on, 15: UPT */
    SASS_IMMEDIATE,
    SASS_CONSTANT, /* of bank 0, at [register + uniform + value] */
    SASS_MEMORY,   /* [register + uniform + value] */
    SASS_LABEL,    /* value: the instruction's index */
    SASS_SPECIAL   /* value: a sass_special */
} sass_kind;

typedef enum sass_special {
    SASS_TID,
    SASS_CTAID_X,
    SASS_CTAID_Y,
    SASS_CTAID_Z,
    SASS_CLUSTER_RANK,
    SASS_UNKNOWN_SPECIAL
} sass_special;

typedef struct sass_operand {
    sass_kind kind;
    uint16_t index;
    uint16_t uniform; /* of memory: 63 = none */
    uint8_t negative, inverted;
    uint32_t value;
} sass_operand;

enum { SASS_OPERANDS = 8, SASS_OP_TEXT = 32 };

typedef struct sass_instruction {
    char op[SASS_OP_TEXT]; /* with its suffixes */
    sass_class class;
    uint8_t action;           /* of sass_run.c */
    uint8_t guard, guard_not; /* predicate it is under; 7: none */
    uint8_t count;
    sass_operand o[SASS_OPERANDS];
} sass_instruction;

struct sass_kernel {
    char name[96];
    sass_instruction *code;
    size_t count, room;
    struct sass_place {
        char text[48];
        uint32_t at;
    } * labels;
    size_t label_count;
};

struct sass_code {
    sass_kernel *kernel;
    size_t count;
};

/* The instruction's name begins with the word, up to its end or a point. */
int sass_is(const sass_instruction *i, const char *word);
int sass_has(const sass_instruction *i, const char *suffix); /* ".U32" */

/* What sass_run() does with an instruction. */
enum {
    DO_NOTHING,
    DO_UNKNOWN,
    DO_MOVE,
    DO_ZERO,
    DO_CONSTANT,
    DO_ADD,
    DO_MULTIPLY,
    DO_MULTIPLY_HIGH,
    DO_MULTIPLY_WIDE,
    DO_SHIFT_LEFT,
    DO_SHIFT_RIGHT,
    DO_LEA,
    DO_LEA_HIGH,
    DO_LOGIC,
    DO_COMPARE,
    DO_COMBINE,
    DO_SELECT,
    DO_EXTREME,
    DO_TO_FLOAT,
    DO_RECIPROCAL,
    DO_FROM_FLOAT,
    DO_HALVES,
    DO_LOAD,
    DO_STORE,
    DO_BRANCH,
    DO_EXIT,
    DO_STOP
};

uint8_t sass_action(const sass_instruction *i);

#endif
