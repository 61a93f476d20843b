/*
 * Runs a fuzz target over files and directories with an ordinary compiler, so that corpora are
 * tests. Besides each whole file, its prefixes of some lengths are tried. A crash is the failure.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long inputs;

/* The copy has exactly `size` bytes: a sanitizer sees one byte too many. */
static void feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        exit(2);
    if (size)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    inputs++;
}

static int feed_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0, room = 0, n;
    if (!f) {
        perror(path);
        return 1;
    }
    do {
        if (room - size < 65536) {
            room = 2 * room + 65536;
            uint8_t *more = realloc(data, room);
            if (!more)
                exit(2);
            data = more;
        }
        n = fread(data + size, 1, room - size, f);
        size += n;
    } while (n > 0);
    fclose(f);
    feed(data, size);
    for (int eighth = 0; eighth < 8; eighth++)
        feed(data, size * (size_t)eighth / 8);
    free(data);
    return 0;
}

static int feed_path(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        perror(path);
        return 1;
    }
    if (!S_ISDIR(info.st_mode))
        return feed_file(path);
    DIR *dir = opendir(path);
    int failed = !dir;
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        if ((size_t)snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= sizeof name)
            return 1;
        failed |= feed_path(name);
    }
    if (dir)
        closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++)
        failed |= feed_path(argv[i]);
    printf("%lu inputs\n", inputs);
    return failed || inputs == 0; /* an empty corpus proves nothing */
}
