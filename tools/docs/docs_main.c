/* Writes everything below a folder that CMake installs as it is. */
#include "tools/docs/docs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "heloci/version.h"

enum { USAGE = 64, DATA = 65, NO_INPUT = 66, IO = 74, PATH_BYTES = 4096, LINE_BYTES = 1024 };

int docs_many_operands(command_id command)
{
    const char *operand = command_table[command].operand;
    size_t length = operand ? strlen(operand) : 0;
    return length > 3 && strcmp(operand + length - 3, "...") == 0;
}

operand_row docs_operand(command_id command)
{
    operand_row row = operand_table[command];
    if (row.kind == KIND_FLAG)
        row.kind = KIND_FILE;
    return row;
}

void docs_list(FILE *out, const char *choices, const char *between)
{
    for (const char *c = choices; c && *c; c++)
        if (*c == '|')
            fputs(between, out);
        else
            fputc(*c, out);
}

size_t docs_clause(const char *help)
{
    size_t length = strcspn(help, ";");
    const char *stop = strstr(help, ". ");
    return stop && (size_t)(stop - help) < length ? (size_t)(stop - help) : length;
}

/* ---- files ---- */

typedef struct place {
    char path[PATH_BYTES];
    FILE *out;
} place;

static int complain(const char *path)
{
    fprintf(stderr, "heloci-docs: %s: %s\n", path, strerror(errno));
    return IO;
}

/* Opens folder/name for writing; the folders of `name` are made. */
static int place_open(place *p, const char *folder, const char *name)
{
    if (snprintf(p->path, sizeof p->path, "%s/%s", folder, name) >= (int)sizeof p->path) {
        errno = ENAMETOOLONG;
        return complain(folder);
    }
    for (char *slash = p->path + strlen(folder); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(p->path, 0755) != 0 && errno != EEXIST)
            return complain(p->path);
        *slash = '/';
    }
    p->out = fopen(p->path, "w");
    return p->out ? 0 : complain(p->path);
}

static int place_close(place *p)
{
    int bad = ferror(p->out);
    return fclose(p->out) != 0 || bad ? complain(p->path) : 0;
}

/* ---- completion: a template whose marks are filled ---- */

typedef struct shell {
    const char *template, *name;
    int (*fill)(FILE *out, const char *mark);
} shell;

static const shell shells[] = {
    {"complete.bash.in", "bash-completion/completions/heloci", docs_bash},
    {"complete.zsh.in", "zsh/site-functions/_heloci", docs_zsh},
    {"complete.fish.in", "fish/vendor_completions.d/heloci.fish", docs_fish},
};

/* "before @mark@ after": at most one mark in a line. */
static int fill_line(FILE *out, const char *line, const shell *s)
{
    const char *first = strchr(line, '@');
    size_t length = first ? strspn(first + 1, "abcdefghijklmnopqrstuvwxyz") : 0;
    char mark[32];
    if (length == 0 || length >= sizeof mark || first[1 + length] != '@') {
        fputs(line, out);
        return 0;
    }
    memcpy(mark, first + 1, length);
    mark[length] = 0;
    fprintf(out, "%.*s", (int)(first - line), line);
    if (!s->fill(out, mark)) {
        fprintf(stderr, "heloci-docs: %s: there is no mark @%s@\n", s->template, mark);
        return DATA;
    }
    const char *after = first + length + 2;
    if (first != line || *after != '\n') /* a line that is only a mark ends with what filled it */
        fputs(after, out);
    return 0;
}

static int write_completion(const char *source, const char *folder, const shell *s)
{
    char path[PATH_BYTES], line[LINE_BYTES];
    place p;
    snprintf(path, sizeof path, "%s/%s", source, s->template);
    FILE *in = fopen(path, "r");
    if (!in) {
        complain(path);
        return NO_INPUT;
    }
    int rc = place_open(&p, folder, s->name);
    if (rc == 0) {
        while (rc == 0 && fgets(line, sizeof line, in))
            rc = fill_line(p.out, line, s);
        int closed = place_close(&p);
        rc = rc ? rc : closed;
    }
    fclose(in);
    return rc;
}

/* ---- manual pages ---- */

static int write_pages(const char *folder, const char *date)
{
    place p;
    char name[128];
    int rc = place_open(&p, folder, "man/man1/heloci.1");
    if (rc)
        return rc;
    docs_page_overview(p.out, HEL_VERSION_STRING, date);
    rc = place_close(&p);
    for (int c = 0; rc == 0 && c < CMD_COUNT; c++) {
        snprintf(name, sizeof name, "man/man1/heloci-%s.1", command_table[c].name);
        rc = place_open(&p, folder, name);
        if (rc)
            return rc;
        docs_page_command(p.out, (command_id)c, HEL_VERSION_STRING, date);
        rc = place_close(&p);
    }
    if (rc == 0)
        rc = place_open(&p, folder, "man/man5/heloci-container.5");
    if (rc)
        return rc;
    docs_page_container(p.out, HEL_VERSION_STRING, date);
    return place_close(&p);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: heloci-docs TEMPLATE_FOLDER OUTPUT_FOLDER DATE\n");
        return USAGE;
    }
    int rc = write_pages(argv[2], argv[3]);
    for (size_t i = 0; rc == 0 && i < sizeof shells / sizeof shells[0]; i++)
        rc = write_completion(argv[1], argv[2], &shells[i]);
    return rc;
}
