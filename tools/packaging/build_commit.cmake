# cmake -D SOURCE_DIR=... -D OUT=... -P build_commit.cmake
# Writes OUT, a C file with the commit of the sources, and leaves it alone when nothing has changed.
# The commit is git's where SOURCE_DIR is a checkout, else what `git archive` wrote into commit.txt,
# else empty: a build never fails for want of it.
set(commit "")
file(STRINGS ${SOURCE_DIR}/tools/packaging/commit.txt archived LIMIT_COUNT 1)
if(archived MATCHES "^[0-9a-f]+$")
  set(commit ${archived})
elseif(EXISTS ${SOURCE_DIR}/.git) # not that of a folder above
  find_program(GIT git)
  if(GIT)
    execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} rev-parse --verify HEAD OUTPUT_VARIABLE head
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
    execute_process(COMMAND ${GIT} --no-optional-locks -C ${SOURCE_DIR} status --porcelain
                            --untracked-files=no
                    OUTPUT_VARIABLE changes ERROR_QUIET RESULT_VARIABLE unknown)
    if(NOT failed AND head MATCHES "^[0-9a-f]+$")
      set(commit ${head})
      if(unknown OR NOT changes STREQUAL "")
        string(APPEND commit "-dirty")
      endif()
    endif()
  endif()
endif()
set(text "#include \"host/base/build_info.h\"\n\nconst char hel_build_commit[] = \"${commit}\";\n")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT EXISTS ${OUT} OR NOT old STREQUAL text)
  file(WRITE ${OUT} "${text}")
endif()
