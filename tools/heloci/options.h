/*
 * The command line: one constant table of subcommands and one of options. Parsing, checking and
 * every help text are read off these tables; nothing about an option is written anywhere else.
 */
#ifndef HELOCI_TOOL_OPTIONS_H
#define HELOCI_TOOL_OPTIONS_H

#include <stdint.h>
#include <stdio.h>

typedef enum command_id {
    CMD_RUN,
    CMD_PARAMS,
    CMD_KEYGEN,
    CMD_ENCRYPT,
    CMD_NULL,
    CMD_SCAN,
    CMD_MERGE,
    CMD_DECRYPT,
    CMD_REPORT,
    CMD_INSPECT,
    CMD_VERIFY,
    CMD_DOCTOR,
    CMD_SUBMIT,
    CMD_BENCH,
    CMD_COUNT
} command_id;

typedef enum option_id {
    OPT_BFILE,
    OPT_PHENO,
    OPT_PHENO_NAME,
    OPT_COVAR,
    OPT_COVAR_NAME,
    OPT_KEEP,
    OPT_REMOVE,
    OPT_EXTRACT,
    OPT_EXCLUDE,
    OPT_KEY,
    OPT_DATA,
    OPT_GENO,
    OPT_WEIGHTS,
    OPT_EVK,
    OPT_SUMS,
    OPT_MODEL,
    OPT_TABLE,
    OPT_OUT,
    OPT_PASSPHRASE_FILE,
    OPT_TRAIT,
    OPT_CODING_01,
    OPT_MISSING,
    OPT_MISS_PLANE,
    OPT_MIN_MAC,
    OPT_VIF,
    OPT_MAX_CORR,
    OPT_MAX_COLUMNS,
    OPT_FORMAT,
    OPT_LIST,
    OPT_TITLE,
    OPT_TOP,
    OPT_BITS,
    OPT_PLANE_MAX,
    OPT_CHUNK,
    OPT_LOG_N,
    OPT_CKKS,
    OPT_ESTIMATOR_INPUT,
    OPT_OVERWRITE,
    OPT_KEEP_INTERMEDIATE,
    OPT_THREADS,
    OPT_MEMORY,
    OPT_SIMD,
    OPT_BACKEND,
    OPT_BACKENDS,
    OPT_DEVICE,
    OPT_SHARD,
    OPT_CHECKPOINT,
    OPT_IO,
    OPT_EXPLAIN,
    OPT_VERIFY,
    OPT_JSON,
    OPT_NO_TEST,
    OPT_DRY_RUN,
    OPT_SIGN,
    OPT_SIGNER,
    OPT_LOG,
    OPT_SIZE,
    OPT_SAMPLES,
    OPT_VARIANTS,
    OPT_RUNS,
    OPT_SEED,
    OPT_DIR,
    OPT_ENCRYPT_ONCE,
    OPT_PREDICT,
    OPT_NODES,
    OPT_STORAGE,
    OPT_RATES,
    OPT_STAGE,
    OPT_PROGRESS,
    OPT_QUIET,
    OPT_HELP,
    OPT_COUNT
} option_id;

typedef enum option_kind {
    KIND_FLAG,   /* no argument */
    KIND_TEXT,   /* any non-empty argument */
    KIND_NAME,   /* the same, or none */
    KIND_FILE,   /* a file; those named *.<extension> of `choices` first, NULL = any */
    KIND_PREFIX, /* what such files are called before the extension; NULL = of new files */
    KIND_COUNT,  /* unsigned integer in [low, high] */
    KIND_REAL,   /* number in [low, high] */
    KIND_MEMORY, /* MiB, or a number with K, M, G or T */
    KIND_CHOICE, /* one of `choices`; number = its index */
    KIND_SET,    /* comma-separated words of `choices`; number = bit mask */
    KIND_NUMBERS /* comma-separated integers in [low, high], or "all" */
} option_kind;

enum { NUMBERS_MOST = 64 };

typedef struct option_row {
    const char *name; /* without the dashes; another row may have it too, for other commands */
    const char *arg;  /* word in the help; NULL for a flag */
    option_kind kind;
    uint32_t commands;   /* bit 1 << command_id: who takes it */
    uint32_t required;   /* who cannot do without */
    const char *choices; /* of CHOICE and SET, or extensions of FILE and PREFIX; between them '|' */
    double low, high;
    const char *help;
} option_row;

typedef struct command_row {
    const char *name;
    const char *operand; /* NULL, or the argument that is not an option; "FILE...": one or more */
    const char *summary; /* one line of the overview */
    const char *text;    /* paragraph of the command's own help */
} command_row;

extern const option_row option_table[OPT_COUNT];
extern const command_row command_table[CMD_COUNT];

/* What a command line said. Strings are those of argv. */
typedef struct options {
    command_id command;
    const char *operand;   /* the first one */
    const char **operands; /* all; free() them, whatever options_parse() returned */
    uint32_t operand_count;
    uint8_t given[OPT_COUNT];
    const char *text[OPT_COUNT]; /* the argument as typed */
    uint64_t number[OPT_COUNT];  /* COUNT, MEMORY (bytes), CHOICE, SET, FLAG (1) */
    double real[OPT_COUNT];      /* REAL */
} options;

/* What values the option takes, as it stands behind "N is": "a whole number from 1 to 9", "one of
 * a, b". Empty where there is no rule but that of not being empty. */
void option_domain(char *out, size_t bytes, const option_row *row);

/* Index of a command name, or -1. */
int command_find(const char *name);
/* Closest name within a few typing errors, or NULL. */
const char *command_suggest(const char *name);

/* Parses argv[2..argc) of `command`. Returns 0, or 64 after one line on `err` that says what is
 * wrong and, where a name is close, what may have been meant. --help stops parsing with 0. What it
 * allocates stays as long as the process. */
int options_parse(options *out, command_id command, int argc, char **argv, FILE *err);

/* Reads a value of KIND_NUMBERS: how many there are, 0 for "all"; -1 when it is not one. */
int options_numbers(const option_row *row, const char *text, uint32_t out[NUMBERS_MOST]);

/* The overview, and the help of one command at a width of `columns`. */
void help_overview(FILE *out, unsigned columns);
void help_command(FILE *out, command_id command, unsigned columns);

#endif
