/* Linked into every test program: tests may use toy parameters, before main and in children too. */
#include <stdlib.h>

__attribute__((constructor)) static void allow_toy(void)
{
    setenv("HELOCI_ALLOW_TOY", "1", 0);
}
