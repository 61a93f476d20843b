/*
 * Writes the batch scripts. What they rely on, found out by experiment with Slurm 22.05:
 *
 * - The program runs under the batch shell, not under srun. Slurm then ends a job by one SIGTERM to
 *   every process, and the program, for which a second signal means "at once", sees one. Under srun
 *   it sees two where there is no grace time: Slurm's and that of srun, which gets one too.
 * - The warning before the time limit goes to the shell alone (B:), which passes it on. TERM is not
 *   passed on; the shell only outlives it, as its end would be the end of the program.
 * - scontrol requeue revives even a job that its owner has cancelled, so the script first asks
 *   whether Slurm still takes the job for a running one. Where Slurm ends a job itself, it also
 *   decides itself what becomes of it.
 * - No path is in an #SBATCH line, whose quotes and % patterns are not a shell's: logs are relative
 *   to the folder that the scripts are submitted from.
 */
#include "tools/heloci/job_script.h"

#include <string.h>

#include "tools/heloci/shell_word.h"

typedef unsigned long long ull;

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void directive(FILE *out, const char *name, const char *value)
{
    if (value)
        fprintf(out, "#SBATCH --%s=%s\n", name, value);
}

typedef struct task_size {
    unsigned long long cpus;
    const char *memory, *gres, *partition, *constraint;
} task_size;

/* The lines that both scripts have. */
static void directives(FILE *out, const job *j, const task_size *size)
{
    fprintf(out, "#SBATCH --nodes=1\n#SBATCH --ntasks=1\n#SBATCH --cpus-per-task=%llu\n",
            size->cpus);
    directive(out, "mem", size->memory);
    directive(out, "gres", size->gres);
    directive(out, "time", j->time);
    directive(out, "partition", size->partition);
    directive(out, "account", j->account);
    directive(out, "qos", j->qos);
    directive(out, "constraint", size->constraint);
    fputs("#SBATCH --requeue\n#SBATCH --open-mode=append\n", out);
}

static void opening(FILE *out, const job *j, const char *what)
{
    const char *file = base_name(j->file);
    fprintf(out, "#!/bin/bash\n# Written by heloci submit%s%s: %s\n",
            shell_plain(file) ? " from " : "", shell_plain(file) ? file : "", what);
}

static void extra_options(FILE *out, const job *j)
{
    for (size_t i = 0; i < j->extra.count; i++)
        fprintf(out, "#SBATCH %s\n", j->extra.line[i]);
    fputc('\n', out);
}

/* Strict only after the lines of "setup": module systems are not written for it. */
static void setup(FILE *out, const job *j)
{
    for (size_t i = 0; i < j->setup.count; i++)
        fprintf(out, "%s\n", j->setup.line[i]);
    fputs("set -euo pipefail\nprogram=", out);
    shell_word(out, j->program);
    fputc('\n', out);
}

static void option(FILE *out, const char *name, const char *value)
{
    if (!value)
        return;
    fprintf(out, "    --%s ", name);
    shell_word(out, value);
    fputc('\n', out);
}

/* Buffers; the rest is for keys, the system's read-ahead and the program itself. */
static void option_memory(FILE *out, uint64_t bytes)
{
    fprintf(out, "    --memory %lluM\n", (ull)(bytes / 4 * 3 >> 20));
}

static void scan_arguments(FILE *out, const job *j)
{
    fputs("arguments=(\n    scan\n", out);
    option(out, "geno", j->geno);
    option(out, "weights", j->weights);
    option(out, "evk", j->evk);
    option(out, "out", j->out);
    fprintf(out, "    --shard \"$SLURM_ARRAY_TASK_ID/%llu\"\n", (ull)j->shards);
    option(out, "backend", j->backend);
    if (j->gpus > 1 && strcmp(j->backend, "cpu") != 0)
        fputs("    --device all\n", out); /* a task sees its own only */
    fprintf(out, "    --threads \"${SLURM_CPUS_PER_TASK:-%llu}\"\n", (ull)j->cpus);
    option_memory(out, j->memory_bytes);
    option(out, "io", j->io);
    if (j->checkpoint)
        fprintf(out, "    --checkpoint %llu\n", (ull)j->checkpoint);
    if (j->verify >= 0)
        fprintf(out, "    --verify %.12g\n", j->verify);
    option(out, "sign", j->sign);
    if (j->log) {
        fputs("    --log ", out);
        shell_word(out, j->log);
        fprintf(out, "\".$SLURM_ARRAY_TASK_ID-of-%llu.jsonl\"\n", (ull)j->shards);
    }
    fputs(")\n", out);
}

/* Traps come first, so that a signal during setup is not the end. */
static const char scan_traps[] =
    "# Before the time limit Slurm sends USR1 to this shell alone; the program answers with a\n"
    "# checkpoint and 75. TERM (cancelled, preempted, out of time) goes to the program as well.\n"
    "# It takes a second one as \"at once\", so it gets one only.\n"
    "pid='' asked='' told='' ended='' again=''\n"
    "tell() {\n"
    "    if [ -n \"$pid\" ] && [ -z \"$told\" ]; then\n"
    "        told=1\n"
    "        kill -s USR1 \"$pid\" 2> /dev/null || :\n"
    "    fi\n"
    "}\n"
    "trap 'asked=1 again=1; tell' USR1\n"
    "trap 'ended=1 again=1' TERM\n"
    "\n";

static const char scan_body[] =
    "\n"
    "rc=75\n"
    "if [ -z \"$asked\" ]; then\n"
    "    \"$program\" \"${arguments[@]}\" &\n"
    "    pid=$!\n"
    "    [ -z \"$asked\" ] || tell # the signal came before its number was known\n"
    "    while :; do\n"
    "        rc=0 again=''\n"
    "        wait \"$pid\" || rc=$?\n"
    "        [ -n \"$again\" ] || break # else a signal ended the waiting, not the program\n"
    "    done\n"
    "fi\n"
    "\n"
    "# 138 and 143: the signal came before the program could take it. -1: bash lost the program's\n"
    "# code, as it may when end and signal come together; the next turn will tell.\n"
    "case $rc in\n"
    "75 | 138 | 143 | -1) ;;\n"
    "*) exit \"$rc\" ;;\n"
    "esac\n"
    "# Slurm may be out of reach for a moment. Where it ends the job itself, one try is enough.\n"
    "insist() {\n"
    "    local pause\n"
    "    for pause in 1 3 6; do\n"
    "        if \"$@\"; then return; fi\n"
    "        [ -z \"$ended\" ] || return 1\n"
    "        sleep \"$pause\"\n"
    "    done\n"
    "    \"$@\"\n"
    "}\n"
    "task=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\n"
    "state=$(insist squeue --noheader --format=%T --jobs=\"$task\") || state=''\n";

static void scan_ending(FILE *out, const job *j)
{
    fprintf(
        out,
        "if [ \"$state\" != RUNNING ]; then\n"
        "    echo \"shard $SLURM_ARRAY_TASK_ID stopped with its job (${state:-unknown})\" >&2\n"
        "elif [ \"${SLURM_RESTART_COUNT:-0}\" -ge %llu ]; then\n"
        "    echo \"shard $SLURM_ARRAY_TASK_ID was started again %llu times, not once more\" >&2\n"
        "elif insist scontrol requeue \"$task\"; then\n"
        "    echo \"shard $SLURM_ARRAY_TASK_ID is to go on from its checkpoint\"\n"
        "fi\n"
        "exit 75\n",
        (ull)j->max_restarts, (ull)j->max_restarts);
}

void script_scan(FILE *out, const job *j)
{
    char gres[JOB_NAME_BYTES + 32];
    snprintf(gres, sizeof gres, "gpu:%s%s%llu", j->gpu_type, j->gpu_type[0] ? ":" : "",
             (ull)j->gpus);
    const task_size size = {.cpus = j->cpus,
                            .memory = j->memory,
                            .gres = j->gpus ? gres : NULL,
                            .partition = j->partition,
                            .constraint = j->constraint};
    opening(out, j, "task I of the array computes shard I.");
    directive(out, "job-name", j->name);
    fprintf(out, "#SBATCH --array=1-%llu", (ull)j->shards);
    if (j->max_running)
        fprintf(out, "%%%llu", (ull)j->max_running);
    fputc('\n', out);
    directives(out, j, &size);
    fprintf(out, "#SBATCH --signal=B:USR1@%llu\n", (ull)j->signal_seconds);
    fputs("#SBATCH --output=scan.%A_%a.log\n", out);
    extra_options(out, j);
    fputs(scan_traps, out);
    setup(out, j);
    scan_arguments(out, j);
    fputs(scan_body, out);
    scan_ending(out, j);
}

/* Names of shards start with a folder, so that none can look like an option. */
static void list_shards(FILE *out, const job *j)
{
    const char *base = base_name(j->out);
    char folder[4096];
    snprintf(folder, sizeof folder, "%.*s", (int)(base - j->out), j->out);
    fputs("cd ", out);
    shell_word(out, folder);
    fprintf(out,
            "\nshards=()\nfor ((i = 1; i <= %llu; i++)); do\n    printf -v shard "
            "'./%%s.%%0%dd-of-%llu.sums' ",
            (ull)j->shards, job_shard_width(j), (ull)j->shards);
    shell_word(out, base);
    fputs(" \"$i\"\n    shards+=(\"$shard\")\ndone\n", out);
}

void script_merge(FILE *out, const job *j)
{
    static const uint64_t enough = (uint64_t)4 << 30;
    const int small = j->memory_bytes < enough;
    const task_size size = {
        .cpus = 1, .memory = small ? j->memory : "4G", .partition = j->merge_partition};
    opening(out, j, "joins the shards when all are there.");
    fprintf(out, "#SBATCH --job-name=%s.merge\n", j->name);
    directives(out, j, &size);
    fputs("#SBATCH --output=merge.%j.log\n", out);
    extra_options(out, j);
    setup(out, j);
    list_shards(out, j);
    fputs("arguments=(\n    merge\n", out);
    option(out, "out", j->out);
    option_memory(out, small ? j->memory_bytes : enough);
    option(out, "sign", j->sign);
    if (j->log) {
        fputs("    --log ", out);
        shell_word(out, j->log);
        fputs(".merge.jsonl\n", out);
    }
    fputs("    \"${shards[@]}\"\n)\nexec \"$program\" \"${arguments[@]}\"\n", out);
}
