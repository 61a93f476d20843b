/* Definitions come from CMakeLists.txt; without them the answers are empty. */
#include "host/base/build_info.h"

#ifndef HEL_BUILD_TYPE
#define HEL_BUILD_TYPE ""
#endif
#ifndef HEL_BUILD_CUDA
#define HEL_BUILD_CUDA ""
#endif
#ifndef HEL_BUILD_SANITIZER
#define HEL_BUILD_SANITIZER ""
#endif

const char *hel_build_compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

const char *hel_build_type(void)
{
    return HEL_BUILD_TYPE;
}

const char *hel_build_cuda(void)
{
    return HEL_BUILD_CUDA;
}

const char *hel_build_sanitizer(void)
{
    return HEL_BUILD_SANITIZER;
}
