# `cpack -G DEB` in a build folder: one package for each part of an installation.
#   libheloci<soversion>, libheloci-dev, heloci, and heloci-cuda where that backend was built.
# Version, maintainer and date are those of tools/packaging/deb/changelog.
set(deb_dir ${PROJECT_SOURCE_DIR}/tools/packaging/deb)
file(STRINGS ${deb_dir}/changelog deb_head LIMIT_COUNT 1)
file(STRINGS ${deb_dir}/changelog deb_trailer REGEX "^ -- " LIMIT_COUNT 1)
if(NOT deb_head MATCHES "^heloci \\(([^)-]+)-([^)-]+)\\) ")
  message(FATAL_ERROR "tools/packaging/deb/changelog: no version in '${deb_head}'")
endif()
set(deb_revision ${CMAKE_MATCH_2})
if(NOT CMAKE_MATCH_1 STREQUAL PROJECT_VERSION)
  message(FATAL_ERROR "tools/packaging/deb/changelog begins with version ${CMAKE_MATCH_1}, "
                      "this is ${PROJECT_VERSION}")
endif()
if(NOT deb_trailer MATCHES "^ -- ([^>]+>)  ")
  message(FATAL_ERROR "tools/packaging/deb/changelog: no maintainer in '${deb_trailer}'")
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME heloci)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${CMAKE_MATCH_1})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package's description begins with its own
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
    GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL library dev program)
if(TARGET heloci_cuda)
  list(APPEND CPACK_COMPONENTS_ALL cuda)
endif()
set(CPACK_PRE_BUILD_SCRIPTS ${deb_dir}/finish.cmake)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${deb_revision})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${CPACK_PACKAGE_CONTACT})
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(deb_version ${PROJECT_VERSION}-${deb_revision})
set(deb_library libheloci${HEL_SOVERSION})
set(deb_about "heloci runs genome-wide association scans on genotypes that stay encrypted.
A data owner encrypts a cohort once, a compute centre scans the ciphertexts
and never holds a key, and the owner decrypts exact per-variant sums, proves
that they are right, and finishes the statistics.
.
")

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME heloci)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "heloci-cuda, plink2")
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "genome-wide association scans on encrypted genotypes
${deb_about}This package holds the program with its manual pages and completion for bash,
zsh and fish.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${deb_library})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_MULTIARCH same) # heeded by CMake 3.31 and later
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "scans on encrypted genotypes and a CKKS engine (shared library)
${deb_about}This package holds the shared library: the scan in five calls, and the RNS-CKKS
engine below it for approximate arithmetic on encrypted vectors.")

list(JOIN HEL_DEBIAN_PACKAGES ", " deb_static)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libheloci-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${deb_library} (= ${deb_version}), ${deb_static}")
set(CPACK_DEBIAN_DEV_DESCRIPTION "scans on encrypted genotypes and a CKKS engine (development files)
${deb_about}This package holds the headers, the static library, the CMake package, the file
for pkg-config and an example.")

set(CPACK_DEBIAN_CUDA_PACKAGE_NAME heloci-cuda)
set(CPACK_DEBIAN_CUDA_PACKAGE_SECTION contrib/science)
set(CPACK_DEBIAN_CUDA_PACKAGE_ENHANCES "heloci, ${deb_library}")
set(CPACK_DEBIAN_CUDA_DESCRIPTION "backend of heloci for NVIDIA GPUs
${deb_about}This package holds the library that heloci loads where there is an NVIDIA GPU
of compute capability 8.0 or later; it needs that GPU's driver.")

# The system's cache of libraries learns of new ones; packages that link libheloci depend on it.
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/deb/triggers "activate-noawait ldconfig\n")
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/deb/shlibs
     "libheloci ${HEL_SOVERSION} ${deb_library} (>= ${PROJECT_VERSION})\n")
foreach(name triggers shlibs)
  file(CHMOD ${CMAKE_CURRENT_BINARY_DIR}/deb/${name}
       PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endforeach()
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_BINARY_DIR}/deb/triggers
    ${CMAKE_CURRENT_BINARY_DIR}/deb/shlibs)
set(CPACK_DEBIAN_CUDA_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_BINARY_DIR}/deb/triggers)

# For finish.cmake.
set(CPACK_HEL_SOURCE_DIR ${PROJECT_SOURCE_DIR})
set(CPACK_HEL_STRIP ${CMAKE_STRIP})
include(CPack)
