/* Which instructions sass_run.c evaluates, and how. */
#include <string.h>

#include "bench/kernels/sass_private.h"

uint8_t sass_action(const sass_instruction *i)
{
    const int carries = sass_has(i, ".X"), multiply = sass_is(i, "IMAD") || sass_is(i, "UIMAD");
    if (sass_is(i, "BRA"))
        return DO_BRANCH;
    if (sass_is(i, "EXIT"))
        return DO_EXIT;
    if (sass_is(i, "CALL") || sass_is(i, "RET") || sass_is(i, "BRX"))
        return DO_STOP;
    if (i->class == SASS_BRANCH || i->class == SASS_BARRIER || i->class == SASS_STORE_SHARED)
        return DO_NOTHING;
    if (sass_is(i, "LDG") || sass_is(i, "LD"))
        return DO_LOAD;
    if (sass_is(i, "STG"))
        return DO_STORE;
    if (sass_is(i, "LDC") || sass_is(i, "ULDC"))
        return DO_CONSTANT;
    if (sass_is(i, "MOV") || sass_is(i, "UMOV") || sass_is(i, "S2R") || sass_is(i, "S2UR") ||
        sass_is(i, "R2UR"))
        return DO_MOVE;
    if (sass_is(i, "CS2R"))
        return DO_ZERO;
    if (multiply && sass_has(i, ".HI"))
        return DO_MULTIPLY_HIGH;
    if (multiply && sass_has(i, ".WIDE"))
        return DO_MULTIPLY_WIDE;
    if (multiply)
        return DO_MULTIPLY;
    if (sass_is(i, "IADD3") || sass_is(i, "UIADD3") || sass_is(i, "VIADD"))
        return DO_ADD;
    if ((sass_is(i, "SHF") || sass_is(i, "USHF")) && !sass_has(i, ".U64") && !sass_has(i, ".W"))
        return sass_has(i, ".L") ? DO_SHIFT_LEFT : DO_SHIFT_RIGHT;
    if ((sass_is(i, "LEA") || sass_is(i, "ULEA")) && sass_has(i, ".HI") && carries)
        return DO_LEA_HIGH;
    if ((sass_is(i, "LEA") || sass_is(i, "ULEA")) && !sass_has(i, ".HI"))
        return DO_LEA;
    if (sass_is(i, "LOP3") || sass_is(i, "ULOP3"))
        return DO_LOGIC;
    if (sass_is(i, "ISETP") || sass_is(i, "UISETP"))
        return DO_COMPARE;
    if (sass_is(i, "PLOP3"))
        return DO_COMBINE;
    if (sass_is(i, "SEL") || sass_is(i, "USEL"))
        return DO_SELECT;
    if (sass_is(i, "VIMNMX") || sass_is(i, "IMNMX") || sass_is(i, "UIMNMX") ||
        sass_is(i, "VIADDMNMX"))
        return DO_EXTREME;
    if (strcmp(i->op, "I2F.U32.RP") == 0)
        return DO_TO_FLOAT;
    if (strcmp(i->op, "MUFU.RCP") == 0)
        return DO_RECIPROCAL;
    if (strncmp(i->op, "F2I.FTZ.U32.TRUNC", 17) == 0)
        return DO_FROM_FLOAT;
    return sass_is(i, "HFMA2") ? DO_HALVES : DO_UNKNOWN;
}
