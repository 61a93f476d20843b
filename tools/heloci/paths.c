/* Checks of paths, shared by all commands. */
#include "tools/heloci/paths.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/heloci/tool.h"

enum { PATH_BYTES = 4096 };

static int check_prefix(const options *o)
{
    static const char *const endings[] = {".bed", ".bim", ".fam"};
    const char *text = o->text[OPT_BFILE];
    char path[PATH_BYTES];
    size_t length = text ? strlen(text) : 0;
    if (length < 5 || length > PATH_BYTES / 2)
        return 0;
    snprintf(path, sizeof path, "%s.bed", text);
    for (int i = 0; i < 3; i++)
        if (strcmp(text + length - 4, endings[i]) == 0 && access(path, F_OK) != 0) {
            fprintf(stderr,
                    "heloci %s: --bfile takes the prefix of .bed, .bim and .fam; did you mean "
                    "--bfile %.*s?\n",
                    command_table[o->command].name, (int)length - 4, text);
            return EXIT_USAGE;
        }
    return 0;
}

static int check_folder(const options *o, option_id id)
{
    const char *name = command_table[o->command].name, *option = option_table[id].name;
    const char *text = o->text[id], *slash = text ? strrchr(text, '/') : NULL;
    char folder[PATH_BYTES];
    struct stat info;
    size_t length = slash ? (size_t)(slash - text) : 0;
    if (length == 0 || length >= sizeof folder)
        return 0;
    memcpy(folder, text, length);
    folder[length] = 0;
    if (stat(folder, &info) != 0) {
        if (errno != ENOENT)
            return 0; /* the step says it with the file it could not write */
        fprintf(stderr, "heloci %s: --%s: output folder %s does not exist\n", name, option, folder);
        return EXIT_IO;
    }
    if (!S_ISDIR(info.st_mode)) {
        fprintf(stderr, "heloci %s: --%s: %s is not a folder\n", name, option, folder);
        return EXIT_IO;
    }
    return 0;
}

int paths_check(const options *o)
{
    int rc = check_prefix(o);
    if (rc == 0)
        rc = check_folder(o, OPT_OUT);
    if (rc == 0)
        rc = check_folder(o, OPT_LIST);
    return rc;
}
