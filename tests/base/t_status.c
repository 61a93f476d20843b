/* Pinned codes, and the error text: the first sentence wins. */
#include <errno.h>

#include "host/base/error.h"
#include "tests/base/test_dir.h"

Test(status, codes_are_pinned)
{
    static const struct {
        hel_status status;
        int number, exit_code;
        const char *name;
    } rows[] = {
        {HEL_OK, 0, 0, "HEL_OK"},
        {HEL_E_USAGE, 1, 64, "HEL_E_USAGE"},
        {HEL_E_INPUT, 2, 65, "HEL_E_INPUT"},
        {HEL_E_FORMAT, 3, 65, "HEL_E_FORMAT"},
        {HEL_E_MISMATCH, 4, 65, "HEL_E_MISMATCH"},
        {HEL_E_MODEL, 5, 65, "HEL_E_MODEL"},
        {HEL_E_VERIFY, 6, 76, "HEL_E_VERIFY"},
        {HEL_E_SECURITY, 7, 78, "HEL_E_SECURITY"},
        {HEL_E_MEMORY, 8, 71, "HEL_E_MEMORY"},
        {HEL_E_IO, 9, 74, "HEL_E_IO"},
        {HEL_E_PERMISSION, 10, 77, "HEL_E_PERMISSION"},
        {HEL_E_UNSUPPORTED, 11, 69, "HEL_E_UNSUPPORTED"},
        {HEL_E_CANCELLED, 12, 75, "HEL_E_CANCELLED"},
        {HEL_E_INTERNAL, 13, 70, "HEL_E_INTERNAL"},
    };
    for (int i = 0; i < 14; i++) {
        cr_assert((int)rows[i].status == rows[i].number && rows[i].number == i);
        cr_assert_str_eq(hel_status_name(rows[i].status), rows[i].name);
        cr_assert(hel_status_exit_code(rows[i].status) == rows[i].exit_code);
    }
    static const int strange[] = {14, 15, 1000, -1, INT_MIN, INT_MAX};
    for (int i = 0; i < 6; i++) {
        cr_assert_str_eq(hel_status_name((hel_status)strange[i]), "HEL_E_UNKNOWN");
        cr_assert(hel_status_exit_code((hel_status)strange[i]) == 70);
    }
}

Test(status, first_sentence_wins)
{
    hel_engine *engine;
    cr_assert(hel_engine_create(&engine, NULL) == HEL_OK);
    cr_assert_str_eq(hel_engine_error(engine), "");
    cr_assert(hel_fail(engine, HEL_E_INPUT, "x.bed: byte %d: rule", 3) == HEL_E_INPUT);
    cr_assert(hel_fail(engine, HEL_E_IO, "later") == HEL_E_IO);
    cr_assert_str_eq(hel_engine_error(engine), "x.bed: byte 3: rule");
    hel_error_clear(engine);
    cr_assert_str_eq(hel_engine_error(engine), "");
    static char longest[5000];
    memset(longest, 'a', sizeof longest - 1);
    cr_assert(hel_fail(engine, HEL_E_IO, "%s", longest) == HEL_E_IO); /* cut, not overrun */
    cr_assert(strlen(hel_engine_error(engine)) == 1023);
    hel_error_clear(engine);
    cr_assert(hel_fail_errno(engine, ENOSPC, "%s", longest) == HEL_E_IO);
    hel_engine_free(engine);
    hel_engine_free(NULL);
    /* without an engine only the code travels */
    hel_error_clear(NULL);
    cr_assert(hel_fail(NULL, HEL_E_IO, "x") == HEL_E_IO);
    cr_assert_str_eq(hel_engine_error(NULL), "");
}

Test(status, errno_is_mapped)
{
    static const struct {
        int number;
        hel_status status;
    } rows[] = {{EACCES, HEL_E_PERMISSION}, {EPERM, HEL_E_PERMISSION},
                {EROFS, HEL_E_PERMISSION},  {ENOMEM, HEL_E_MEMORY},
                {ENOSPC, HEL_E_IO},         {EFBIG, HEL_E_IO},
                {ENOENT, HEL_E_IO},         {EIO, HEL_E_IO}};
    hel_engine *engine;
    cr_assert(hel_engine_create(&engine, NULL) == HEL_OK);
    for (size_t i = 0; i < 8; i++) {
        char want[256];
        hel_error_clear(engine);
        cr_assert(hel_fail_errno(engine, rows[i].number, "f%d", 1) == rows[i].status);
        snprintf(want, sizeof want, "f1: %s", strerror(rows[i].number));
        cr_assert_str_eq(hel_engine_error(engine), want);
    }
    hel_engine_free(engine);
}
