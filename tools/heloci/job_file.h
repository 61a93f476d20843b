/*
 * The description of a scan as a job for Slurm: a JSON object whose keys are the table in
 * job_file.c. Every value is checked here, so that what is written into a script later needs no
 * second look.
 */
#ifndef HELOCI_TOOL_JOB_FILE_H
#define HELOCI_TOOL_JOB_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    JOB_MOST_SHARDS = 4000, /* merge opens all; 4096 files is a usual hard limit of a process */
    JOB_NAME_BYTES = 65
};

typedef struct job_lines {
    const char **line;
    size_t count;
} job_lines;

typedef struct job {
    const char *file; /* the description, as it was named */
    /* absolute, without control characters; NULL where the key is absent */
    char *geno, *weights, *evk, *out, *sign, *log;
    /* words without blanks and quotes; NULL where the key is absent */
    const char *backend, *io, *partition, *merge_partition, *account, *qos, *constraint;
    char *program; /* absolute, or a word to be looked up in PATH */
    char name[JOB_NAME_BYTES];
    const char *memory, *time;           /* as Slurm reads them */
    uint64_t memory_bytes, time_seconds; /* their values; time 0 = the partition's */
    uint64_t shards, max_running, cpus;  /* max_running 0 = all at a time */
    uint64_t signal_seconds, max_restarts;
    uint64_t checkpoint;           /* seconds; 0 = scan's default */
    uint64_t gpus;                 /* of one task */
    char gpu_type[JOB_NAME_BYTES]; /* "" = any */
    double verify;                 /* below 0 = none */
    job_lines setup;               /* lines of shell */
    job_lines extra;               /* options of sbatch, one or more a line */
    struct json_t *root;           /* owns the words */
} job;

/* Reads and checks the file. Returns 0, or an exit code (66 not there, 77 not readable, 65 wrong)
 * after one line on `err` that names file, key and rule. job_free() in any case. */
int job_read(job *out, const char *path, FILE *err);
/* The same of a text in memory; `path` is what errors name and relative paths start from. */
int job_parse(job *out, const char *path, const char *text, size_t bytes, FILE *err);
void job_free(job *j);

/* Where shard I's sums will be, allocated; NULL without memory. */
char *job_shard_path(const job *j, uint64_t index);
/* Decimal digits of the number of shards: the width of I in the names. */
int job_shard_width(const job *j);

#endif
