/*
 * Two-sided tails by brute force: exp-sinh quadrature of the density in long double (Takahasi &
 * Mori 1974), scaled by its value at the lower limit so that nothing underflows.
 */
#ifndef HEL_REF_TAIL_H
#define HEL_REF_TAIL_H

double ref_log10p_t(double t, double df);
double ref_log10p_normal(double z);

#endif
