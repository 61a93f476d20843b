/* Any bytes as a job description of heloci submit; what is accepted is written as scripts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/heloci/job_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition)
{
    if (!condition)
        abort();
}

/* A script is text, its options come before its first command and hold nothing that sbatch
 * reads in a way of its own; raw options and lines of "setup" are the user's. */
static void check_script(void (*script)(FILE *out, const job *j), const job *j)
{
    char *text = NULL, *rest, *line;
    size_t bytes = 0;
    int commands = 0;
    FILE *out = open_memstream(&text, &bytes);
    need(out != NULL);
    script(out, j);
    need(fclose(out) == 0 && strlen(text) == bytes);
    need(strncmp(text, "#!/bin/bash\n#", 13) == 0);
    for (rest = text; !j->setup.count && !j->extra.count && (line = strsep(&rest, "\n"));) {
        commands |= line[0] && line[0] != '#';
        if (strncmp(line, "#SBATCH ", 8) == 0)
            need(!commands && !strpbrk(line + 8, "'\"\\ \t#"));
    }
    free(text);
}

static void check(const job *j)
{
    const char *const paths[] = {j->geno, j->weights, j->evk, j->out, j->sign, j->log};
    for (int i = 0; i < 6; i++) {
        need(paths[i] ? paths[i][0] == '/' : i >= 4);
        for (const char *c = paths[i]; c && *c; c++)
            need((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
    need(j->shards >= 1 && j->shards <= JOB_MOST_SHARDS && j->cpus >= 1 && j->name[0]);
    need(j->memory_bytes >= (uint64_t)128 << 20 && j->verify <= 1);
    need(j->gpus || strcmp(j->backend, "cuda") != 0);
    check_script(script_scan, j);
    check_script(script_merge, j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *said = NULL;
    size_t bytes = 0;
    job j;
    FILE *err = open_memstream(&said, &bytes);
    need(err != NULL);
    int rc = job_parse(&j, "/folder/job.json", (const char *)data, size, err);
    need(fclose(err) == 0);
    if (rc == 0)
        check(&j);
    need(rc == 0 ? bytes == 0 : rc == 65 && strchr(said, '\n') == said + bytes - 1);
    job_free(&j);
    free(said);
    return 0;
}
