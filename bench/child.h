/* Work in a process of its own: CPU time and peak memory are the operating system's figures for it
 * alone. A child that fails ends the benchmark. */
#ifndef HEL_BENCH_CHILD_H
#define HEL_BENCH_CHILD_H

typedef struct child_usage {
    double wall, cpu, rss; /* seconds, seconds, bytes at the most */
} child_usage;

/* body returns the exit code. */
child_usage child_run(int (*body)(void *arg), void *arg);
/* A program with its output thrown away; argv ends with NULL. */
child_usage child_exec(const char *const *argv);
double child_now(void); /* seconds, monotonic */

#endif
