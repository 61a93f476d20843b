/* Claims on the counter of rejections: taken back, made good, left behind by a crash, refused. */
#include <signal.h>
#include <sys/wait.h>

#include "host/base/mem.h"
#include "host/store/keyfile.h"
#include "tests/base/test_dir.h"

static test_dir dir;
static hel_engine *engine;
static char key[PATH_MAX + 16], counter[PATH_MAX + 32];

static void setup(void)
{
    test_dir_make(&dir);
    snprintf(key, sizeof key, "%s/a.key", dir.path);
    snprintf(counter, sizeof counter, "%s.rejections", key);
    test_write_file(key, "k", 1, 0600);
    cr_assert(hel_engine_create(&engine, NULL) == HEL_OK);
}

static void teardown(void)
{
    cr_assert(hel_mem_in_use() == 0);
    hel_engine_free(engine);
    test_dir_remove(&dir);
}

TestSuite(rejections, .init = setup, .fini = teardown);

static uint32_t count(const char *path)
{
    uint32_t n = 99;
    cr_assert(hel_keyfile_rejections(engine, path, &n) == HEL_OK, "%s", hel_engine_error(engine));
    return n;
}

static void claim_and(int rejected)
{
    hel_claim claim;
    cr_assert(hel_claim_open(engine, &claim, key, 3) == HEL_OK, "%s", hel_engine_error(engine));
    cr_assert(count(key) < 3);
    cr_assert(hel_claim_close(engine, &claim, rejected) == HEL_OK);
}

Test(rejections, innocence_leaves_nothing)
{
    claim_and(0);
    cr_assert(count(key) == 0 && !test_exists(counter));
    claim_and(1);
    claim_and(0);
    cr_assert(count(key) == 1);
}

Test(rejections, limit_is_enforced)
{
    hel_claim claim;
    for (int i = 0; i < 3; i++)
        claim_and(1);
    cr_assert(hel_claim_open(engine, &claim, key, 3) == HEL_E_SECURITY);
    cr_assert(strstr(hel_engine_error(engine), "retired"));
    cr_assert(count(key) == 3);
}

/* Killed while it decrypts: no verdict was given, none is counted, the next claim works. */
Test(rejections, a_crash_is_no_verdict)
{
    hel_claim claim;
    claim_and(1);
    pid_t child = fork();
    if (child == 0) {
        if (hel_claim_open(engine, &claim, key, 3) != HEL_OK)
            _exit(1);
        raise(SIGKILL);
    }
    int state;
    cr_assert(waitpid(child, &state, 0) == child && WIFSIGNALED(state));
    cr_assert(count(key) == 1);
    claim_and(1);
    cr_assert(count(key) == 2);
}

/* The second waits for the first, and then sees its rejection. */
Test(rejections, claims_exclude_each_other)
{
    int go[2];
    cr_assert(pipe(go) == 0);
    claim_and(1);
    claim_and(1);
    pid_t child = fork();
    if (child == 0) {
        hel_claim mine;
        if (hel_claim_open(engine, &mine, key, 3) != HEL_OK || write(go[1], "x", 1) != 1)
            _exit(1);
        usleep(200000);
        _exit(hel_claim_close(engine, &mine, 1) != HEL_OK);
    }
    char byte;
    hel_claim claim;
    int state;
    cr_assert(read(go[0], &byte, 1) == 1);
    cr_assert(hel_claim_open(engine, &claim, key, 3) == HEL_E_SECURITY);
    cr_assert(waitpid(child, &state, 0) == child && state == 0);
    cr_assert(count(key) == 3);
}

Test(rejections, a_link_is_the_same_key)
{
    char link[PATH_MAX + 16];
    snprintf(link, sizeof link, "%s/b.key", dir.path);
    cr_assert(symlink("a.key", link) == 0);
    claim_and(1);
    cr_assert(count(link) == 1);
    cr_assert(hel_keyfile_reject(engine, link) == HEL_OK);
    cr_assert(count(key) == 2);
}

/* Where the rejection could not be written, nothing may be decrypted. */
Test(rejections, unwritable_is_refused)
{
    if (geteuid() == 0 && (chmod(dir.path, 0755) != 0 || setuid(65534) != 0))
        cr_skip_test("cannot become another user");
    else if (geteuid() != 65534)
        cr_assert(chmod(dir.path, 0500) == 0);
    hel_claim claim;
    cr_assert(hel_claim_open(engine, &claim, key, 3) == HEL_E_PERMISSION, "%s",
              hel_engine_error(engine));
    if (geteuid() != 65534)
        cr_assert(chmod(dir.path, 0700) == 0);
}
