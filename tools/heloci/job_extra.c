/* Which options of sbatch the scripts set themselves. */
#include "tools/heloci/job_extra.h"

#include <stddef.h>
#include <string.h>

typedef struct taken_row {
    const char *name;
    char letter; /* 0 = no short form */
    const char *key;
} taken_row;

static const taken_row taken[] = {
    {"array", 'a', "shards"},
    {"job-name", 'J', "name"},
    {"cpus-per-task", 'c', "cpus"},
    {"mem", 0, "memory"},
    {"mem-per-cpu", 0, "memory"},
    {"mem-per-gpu", 0, "memory"},
    {"time", 't', "time"},
    {"partition", 'p', "partition"},
    {"account", 'A', "account"},
    {"qos", 'q', "qos"},
    {"constraint", 'C', "constraint"},
    {"gres", 0, "gpus"},
    {"gpus", 'G', "gpus"},
    {"gpus-per-node", 0, "gpus"},
    {"gpus-per-task", 0, "gpus"},
    {"gpus-per-socket", 0, "gpus"},
    {"signal", 0, "signal_seconds"},
    {"nodes", 'N', NULL},
    {"ntasks", 'n', NULL},
    {"ntasks-per-node", 0, NULL},
    {"requeue", 0, NULL},
    {"no-requeue", 0, NULL},
    {"open-mode", 0, NULL},
    {"output", 'o', NULL},
    {"error", 'e', NULL},
    {"input", 'i', NULL},
    {"chdir", 'D', NULL},
    {"dependency", 'd', NULL},
    {"kill-on-invalid-dep", 0, NULL},
    {"parsable", 0, NULL},
    {"wait", 'W', NULL},
    {"wrap", 0, NULL},
    {"test-only", 0, NULL},
    {"help", 'h', NULL},
    {"usage", 0, NULL},
    {"version", 'V', NULL},
};

int extra_is_option(const char *text)
{
    return text[0] == '-' && text[1] && !strchr(" \t=", text[1]) && strcmp(text, "--") != 0;
}

/* A word of `length` bytes, dashes included. */
static const taken_row *find(const char *word, size_t length)
{
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (word[1] == '-') {
            size_t n = strcspn(word, "=");
            n = (n < length ? n : length) - 2;
            if (n && strncmp(word + 2, taken[i].name, n) == 0)
                return &taken[i];
        } else if (taken[i].letter && word[1] == taken[i].letter)
            return &taken[i];
    }
    return NULL;
}

int extra_is_taken(const char *text, const char **key)
{
    while (*text) {
        text += strspn(text, " \t\"'");
        size_t length = strcspn(text, " \t");
        const taken_row *row = length >= 2 && text[0] == '-' ? find(text, length) : NULL;
        if (row) {
            *key = row->key;
            return 1;
        }
        text += length;
    }
    return 0;
}
