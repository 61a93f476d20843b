/*
 * Two-sided tail probabilities on the log scale: -log10 p that never underflows.
 * Normal: erfc, and beyond |z| = 5 sqrt 2 its continued fraction. Student t: continued fraction of
 * the incomplete beta function (Lentz), with a series for the gamma ratio at large df.
 */
#ifndef HEL_ASSOC_TAIL_H
#define HEL_ASSOC_TAIL_H

#include <stddef.h>

/* -log10 of the two-sided p of a standard normal; z finite; relative error below 1e-10. */
double hel_log10p_normal(double z);
/* The same for Student's t with df > 0 degrees of freedom. */
double hel_log10p_t(double t, double df);
/* chi-square with one degree of freedom, x >= 0 */
double hel_log10p_chisq1(double x);

/* Prints the p of -log10 p with six significant digits, as plink2 prints numbers; below 1e-300 from
 * mantissa and exponent. Never "0". out: 32 bytes at least. */
void hel_format_p(char *out, size_t bytes, double log10p);

#endif
