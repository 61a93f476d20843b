/* Names and exit codes of statuses. */
#include "heloci/status.h"

static const struct {
    const char *name;
    int exit_code; /* sysexits.h where it has a word for it */
} table[] = {
    [HEL_OK] = {"HEL_OK", 0},
    [HEL_E_USAGE] = {"HEL_E_USAGE", 64},
    [HEL_E_INPUT] = {"HEL_E_INPUT", 65},
    [HEL_E_FORMAT] = {"HEL_E_FORMAT", 65},
    [HEL_E_MISMATCH] = {"HEL_E_MISMATCH", 65},
    [HEL_E_MODEL] = {"HEL_E_MODEL", 65},
    [HEL_E_VERIFY] = {"HEL_E_VERIFY", 76},
    [HEL_E_SECURITY] = {"HEL_E_SECURITY", 78},
    [HEL_E_MEMORY] = {"HEL_E_MEMORY", 71},
    [HEL_E_IO] = {"HEL_E_IO", 74},
    [HEL_E_PERMISSION] = {"HEL_E_PERMISSION", 77},
    [HEL_E_UNSUPPORTED] = {"HEL_E_UNSUPPORTED", 69},
    [HEL_E_CANCELLED] = {"HEL_E_CANCELLED", 75},
    [HEL_E_INTERNAL] = {"HEL_E_INTERNAL", 70},
};

static int known(hel_status status)
{
    return (unsigned)status < sizeof table / sizeof table[0] && table[status].name;
}

const char *hel_status_name(hel_status status)
{
    return known(status) ? table[status].name : "HEL_E_UNKNOWN";
}

int hel_status_exit_code(hel_status status)
{
    return known(status) ? table[status].exit_code : 70;
}
