/* See sandbox_device.h. */
#include "tools/heloci/sandbox_device.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heloci/heloci.h"
#include "tools/heloci/landlock.h"

enum { EXIT_UNAVAILABLE = 69, EXIT_OS = 71 };

/* nvidia0.., nvidiactl, nvidia-uvm, and the folder of capabilities */
static const char nodes[] = "/dev/nvidia*";
/* where devices are on the machine's buses, by which readers are placed. Optional. */
static const char buses[] = "/sys/devices/pci*";

/* What the driver's libraries read. All optional. */
static const char *const driver_files[] = {"/proc/driver/nvidia", "/proc/devices",
                                           "/proc/modules",       "/sys/bus/pci/devices",
                                           "/sys/module/nvidia",  "/sys/module/nvidia_uvm"};

/* The backend in words, and the code of a process that could not open it. */
static int open_text(const char *backend, unsigned device, char *text, size_t room)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_engine *engine;
    config.threads = 1;
    config.backend = backend;
    config.device = device;
    hel_status status = hel_engine_create(&engine, &config);
    if (status != HEL_OK) {
        snprintf(text, room, "%s", hel_status_name(status));
        return hel_status_exit_code(status);
    }
    snprintf(text, room, "%s", hel_engine_backend_text(engine));
    hel_engine_free(engine);
    const size_t length = strlen(backend);
    const int found = strcmp(backend, "auto") == 0 ||
                      (strncmp(text, backend, length) == 0 && text[length] == ':');
    return found ? 0 : EXIT_UNAVAILABLE;
}

sandbox_device sandbox_device_open(const char *backend, unsigned device)
{
    char text[1024];
    if (strcmp(backend, "cpu") == 0 || open_text(backend, device, text, sizeof text) != 0 ||
        strncmp(text, "cpu:", 4) == 0)
        return SANDBOX_CPU;
    return strncmp(text, "cuda:", 5) == 0 ? SANDBOX_CUDA : SANDBOX_LIBRARY;
}

int sandbox_device_allow(sandbox_device device, int ruleset)
{
    glob_t found = {0};
    int rc = 0;
    if (device != SANDBOX_CUDA)
        return 0;
    for (size_t i = 0; i < sizeof driver_files / sizeof driver_files[0]; i++)
        (void)landlock_allow(ruleset, driver_files[i], LANDLOCK_READ);
    if (glob(buses, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            (void)landlock_allow(ruleset, found.gl_pathv[i], LANDLOCK_READ);
    globfree(&found);
    found = (glob_t){0};
    if (glob(nodes, 0, NULL, &found) == 0)
        for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
            rc = landlock_allow(ruleset, found.gl_pathv[i], LANDLOCK_NODE);
    int saved = errno;
    globfree(&found);
    errno = saved;
    return rc;
}

int sandbox_device_usable(sandbox_device device)
{
    glob_t found = {0};
    int ok = 1;
    if (device == SANDBOX_CUDA && glob("/dev/nvidia[0-9c]*", 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            ok &= access(found.gl_pathv[i], R_OK) == 0;
    globfree(&found);
    return ok;
}

int sandbox_device_variable(sandbox_device device, const char *variable)
{
    static const char *const names[][4] = {
        [SANDBOX_CPU] = {NULL},
        [SANDBOX_CUDA] = {"HELOCI_BACKEND_DIR=", "CUDA_VISIBLE_DEVICES=", "CUDA_DEVICE_ORDER="},
        [SANDBOX_LIBRARY] = {"HELOCI_BACKEND_DIR=", "HELOCI_SIM_"},
    };
    for (size_t i = 0; i < 4 && names[device][i]; i++)
        if (strncmp(variable, names[device][i], strlen(names[device][i])) == 0)
            return 1;
    return 0;
}

int sandbox_device_check(const char *backend, unsigned device)
{
    if (strcmp(backend, "auto") == 0)
        return 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        char text[1024];
        int rc = open_text(backend, device, text, sizeof text);
        if (rc)
            fprintf(stderr, "heloci run: %s\n", text);
        fflush(stderr);
        _exit(rc);
    }
    int state = -1;
    while (child > 0 && waitpid(child, &state, 0) < 0 && errno == EINTR)
        ;
    if (child > 0 && WIFEXITED(state))
        return WEXITSTATUS(state);
    fprintf(stderr, "heloci run: the process that should open the device failed\n");
    return EXIT_OS;
}
