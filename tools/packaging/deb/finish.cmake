# Run by CPack on the folders that become packages, one per component: what Debian has otherwise
# than `cmake --install` has it.
find_program(GZIP gzip REQUIRED)
set(deb ${CPACK_HEL_SOURCE_DIR}/tools/packaging/deb)

function(compress)
  if(ARGN)
    execute_process(COMMAND ${GZIP} -9nf ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
  endif()
endfunction()

foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  set(root ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr)
  if(NOT IS_DIRECTORY ${root})
    message(FATAL_ERROR "${root}: nothing was installed for ${component}")
  endif()
  string(TOUPPER ${component} upper)
  set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})

  # Changes of the package and of its source, and its licence.
  set(doc ${root}/share/doc/${package})
  configure_file(${deb}/changelog ${doc}/changelog.Debian COPYONLY)
  configure_file(${CPACK_HEL_SOURCE_DIR}/NEWS.md ${doc}/changelog COPYONLY)
  set(copyright ${deb}/copyright)
  if(component STREQUAL "cuda")
    set(copyright ${deb}/copyright-cuda)
  endif()
  configure_file(${copyright} ${doc}/copyright COPYONLY)
  compress(${doc}/changelog.Debian ${doc}/changelog)
  if(EXISTS ${deb}/${component}.lintian-overrides)
    configure_file(${deb}/${component}.lintian-overrides
                   ${root}/share/lintian/overrides/${package} COPYONLY)
  endif()

  file(GLOB pages ${root}/share/man/man*/*)
  compress(${pages})
  if(EXISTS ${root}/share/zsh/site-functions) # not where Debian's zsh looks
    file(RENAME ${root}/share/zsh/site-functions ${root}/share/zsh/vendor-completions)
  endif()
  file(GLOB_RECURSE archives ${root}/lib/*.a)
  if(archives AND CPACK_HEL_STRIP)
    execute_process(COMMAND ${CPACK_HEL_STRIP} --strip-debug --remove-section=.comment
                            --enable-deterministic-archives ${archives}
                    COMMAND_ERROR_IS_FATAL ANY)
  endif()

  file(GLOB_RECURSE files ${root}/share/doc/${package}/* ${root}/share/lintian/*)
  foreach(file IN LISTS files)
    file(CHMOD ${file} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  endforeach()
  foreach(folder ${root}/share/doc ${doc} ${root}/share/lintian ${root}/share/lintian/overrides)
    if(IS_DIRECTORY ${folder})
      file(CHMOD ${folder} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
           GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
    endif()
  endforeach()
endforeach()
