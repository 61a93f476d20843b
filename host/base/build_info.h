/* How this library was built: for `heloci --version --json` and for manifests. */
#ifndef HEL_BASE_BUILD_INFO_H
#define HEL_BASE_BUILD_INFO_H

/* The commit, 40 hexadecimal digits, with "-dirty" behind them where files differed from it; ""
 * when the sources came without one. Written at build time (tools/packaging/build_commit.cmake). */
extern const char hel_build_commit[];

const char *hel_build_compiler(void); /* "gcc 12.2.0" */
const char *hel_build_type(void);     /* "Release"; "" when there is none */
/* What CUDA's backend was compiled for beside this library, separated by blanks ("80-real 90"); ""
 * when it was not. */
const char *hel_build_cuda(void);
/* "address", "thread" or "". */
const char *hel_build_sanitizer(void);

#endif
