/* Toy parameters: rings too small to be secure, where tests are fast. Refused everywhere unless the
 * environment says HELOCI_ALLOW_TOY=1, which no program of heloci sets. */
#ifndef HEL_BASE_TOY_H
#define HEL_BASE_TOY_H

/* 1 when the environment allows them now. */
int hel_toy_allowed(void);

#endif
