/* Shuts a process in. */
#include "tools/heloci/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/heloci/landlock.h"

static const char *const environment_kept[] = {"LANG=",
                                               "LC_ALL=",
                                               "TZ=",
                                               "TERM=",
                                               "COLUMNS=",
                                               "NO_COLOR=",
                                               "TRACEPARENT=",
                                               "HELOCI_TRACEPARENT=",
                                               "TMPDIR=",
                                               "PATH=",
                                               "LD_LIBRARY_PATH=",
                                               "ASAN_OPTIONS=",
                                               "TSAN_OPTIONS=",
                                               "UBSAN_OPTIONS="};

/* What a C program with OpenSSL may want to read at its start. All optional. */
static const char *const system_files[] = {
    "/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/openssl.cnf", "/proc/self",     "/proc/cpuinfo",
    "/proc/meminfo",    "/proc/sys/vm",   "/sys/devices/system",  "/sys/fs/cgroup", "/dev/null",
    "/dev/zero",        "/dev/urandom"};

static int is_kept(const char *variable, sandbox_device device)
{
    for (size_t i = 0; i < sizeof environment_kept / sizeof environment_kept[0]; i++)
        if (strncmp(variable, environment_kept[i], strlen(environment_kept[i])) == 0)
            return 1;
    return sandbox_device_variable(device, variable);
}

void sandbox_environment(char **out, unsigned most, sandbox_device device)
{
    unsigned used = 0;
    for (char **at = environ; *at && used + 1 < most; at++)
        if (is_kept(*at, device))
            out[used++] = *at;
    out[used] = NULL;
}

/* ---- another user ---- */

static int become(uid_t uid, gid_t gid)
{
    return setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
           setresuid(uid, uid, uid) != 0;
}

static int library_readable(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    (void)bytes;
    int *ok = arg;
    if (info->dlpi_name[0] == '/' && access(info->dlpi_name, R_OK) != 0)
        *ok = 0;
    return 0;
}

/* Can that user load the program's libraries, and a device's? Only the user itself can tell. */
static int probe(const sandbox_plan *plan)
{
    pid_t child = fork();
    if (child == 0) {
        const sandbox_device device = sandbox_device_open(plan->backend, plan->device);
        int ok = !become(plan->uid, plan->gid) && sandbox_device_usable(device);
        if (ok)
            dl_iterate_phdr(library_readable, &ok);
        _exit(!ok);
    }
    int state = -1;
    while (child > 0 && waitpid(child, &state, 0) < 0 && errno == EINTR)
        ;
    return child > 0 && state == 0;
}

static int give_folder(const char *folder, uid_t uid, gid_t gid)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return -1;
    int rc = fchown(dirfd(dir), uid, gid);
    for (struct dirent *entry; rc == 0 && (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            rc = fchownat(dirfd(dir), entry->d_name, uid, gid, AT_SYMLINK_NOFOLLOW);
    closedir(dir);
    return rc;
}

void sandbox_plan_user(sandbox_plan *plan)
{
    struct stat info;
    const mode_t others = S_IROTH | S_IXOTH;
    plan->drop_user = 0;
    if (geteuid() != 0 || fstat(plan->program, &info) != 0 || (info.st_mode & others) != others)
        return;
    const struct passwd *nobody = getpwnam("nobody");
    if (!nobody || nobody->pw_uid == 0)
        return;
    plan->uid = nobody->pw_uid;
    plan->gid = nobody->pw_gid;
    plan->drop_user = probe(plan) && give_folder(plan->folder, plan->uid, plan->gid) == 0;
}

void sandbox_take_back(const sandbox_plan *plan)
{
    if (plan->drop_user)
        (void)give_folder(plan->folder, geteuid(), getegid());
}

/* ---- Landlock ---- */

static int allow_library(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    (void)bytes;
    const int *ruleset = arg;
    if (info->dlpi_name[0] == '/')
        return landlock_allow(*ruleset, info->dlpi_name, LANDLOCK_RUN);
    return 0;
}

/* Ruleset descriptor, or -1. The ABI must be at least 1. */
static int build_ruleset(const sandbox_plan *plan, int abi, sandbox_device device)
{
    int ruleset = landlock_create(abi);
    if (ruleset < 0)
        return -1;
    int rc = landlock_allow_fd(ruleset, plan->program, LANDLOCK_RUN);
    if (rc == 0)
        rc = landlock_allow(ruleset, ".", LANDLOCK_WORK);
    if (rc == 0)
        rc = dl_iterate_phdr(allow_library, &ruleset);
    if (rc == 0)
        rc = sandbox_device_allow(device, ruleset);
    for (size_t i = 0; rc == 0 && i < sizeof system_files / sizeof system_files[0]; i++)
        (void)landlock_allow(ruleset, system_files[i], LANDLOCK_READ);
    if (rc == 0)
        return ruleset;
    close(ruleset);
    return -1;
}

/* ---- all together ---- */

static int failed(sandbox_report *report, const char *what)
{
    report->failure = errno ? errno : EPERM;
    snprintf(report->failed, sizeof report->failed, "%s", what);
    return -1;
}

int sandbox_enter(const sandbox_plan *plan, sandbox_report *report)
{
    memset(report, 0, sizeof *report);
    errno = 0;
    if (chdir(plan->folder) != 0)
        return failed(report, "working directory");
    int abi = landlock_abi();
    int ruleset = -1;
    report->device = sandbox_device_open(plan->backend, plan->device);
    if (abi > 0 && (ruleset = build_ruleset(plan, abi, report->device)) < 0)
        return failed(report, "Landlock rules");
    if (plan->drop_user && become(plan->uid, plan->gid) != 0)
        return failed(report, "change of user");
    report->user_dropped = plan->drop_user;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return failed(report, "no new privileges");
    if (ruleset >= 0) {
        if (landlock_enter(ruleset) != 0)
            return failed(report, "Landlock");
        close(ruleset);
        report->landlock = abi;
    }
    int key = open(plan->forbidden, O_RDONLY | O_CLOEXEC);
    if (key >= 0)
        close(key);
    report->denied = key < 0;
    errno = EPERM;
    if (!report->denied && (report->landlock || report->user_dropped))
        return failed(report, "self-test");
    return 0;
}
