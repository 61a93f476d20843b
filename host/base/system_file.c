/* See system_file.h. */
#include "host/base/system_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int hel_system_text(const char *root, const char *path, char *out, size_t room)
{
    char full[PATH_MAX];
    size_t used = 0;
    ssize_t got = 1;
    out[0] = 0;
    if (snprintf(full, sizeof full, "%s%s", root, path) >= (int)sizeof full)
        return 0;
    const int fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    while (got > 0 && used + 1 < room)
        if ((got = read(fd, out + used, room - 1 - used)) > 0)
            used += (size_t)got;
    close(fd);
    out[got < 0 ? 0 : used] = 0;
    return got >= 0;
}

static int is_octal(const char *at)
{
    return at[0] >= '0' && at[0] <= '3' && at[1] >= '0' && at[1] <= '7' && at[2] >= '0' &&
           at[2] <= '7';
}

/* One word of a line, its escapes resolved ("\040" is a space). Returns the place behind it. */
static const char *take_word(const char *at, char *out, size_t room)
{
    size_t used = 0;
    while (*at && *at != ' ' && *at != '\n') {
        char c = *at++;
        if (c == '\\' && is_octal(at)) {
            c = (char)((at[0] - '0') << 6 | (at[1] - '0') << 3 | (at[2] - '0'));
            at += 3;
        }
        if (used + 1 < room)
            out[used++] = c;
    }
    out[used] = 0;
    return at + (*at == ' ');
}

/* id parent major:minor ROOT POINT options [tag..] - TYPE source OPTIONS */
int hel_mount_next(const char **text, hel_mount *out)
{
    const char *at = *text;
    char word[32];
    while (*at) {
        for (int i = 0; i < 3; i++)
            at = take_word(at, word, sizeof word);
        at = take_word(at, out->root, sizeof out->root);
        at = take_word(at, out->point, sizeof out->point);
        do
            at = take_word(at, word, sizeof word);
        while (*at && *at != '\n' && strcmp(word, "-") != 0);
        at = take_word(at, out->type, sizeof out->type);
        at = take_word(at, word, sizeof word);
        at = take_word(at, out->options, sizeof out->options);
        at += strcspn(at, "\n");
        at += *at == '\n';
        *text = at;
        if (out->root[0] == '/' && out->point[0] == '/')
            return 1;
    }
    *text = at;
    return 0;
}
