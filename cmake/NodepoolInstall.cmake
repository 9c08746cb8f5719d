# What `cmake --install` puts where, and how other projects find it: a CMake package with one component for
# the schedules and for each driver, and pkg-config files.

include(CMakePackageConfigHelpers)

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/nodepool")
set(package_files "${PROJECT_BINARY_DIR}/package_files")

# ---- libraries, headers, command

# One export set for the pool, one for each other library: who asks for one driver does not need the other's
# client.
get_property(installed_libraries GLOBAL PROPERTY NODEPOOL_INSTALLED)
foreach(library IN LISTS installed_libraries)
  get_target_property(exported ${library} EXPORT_NAME)
  if(exported STREQUAL "core" OR exported STREQUAL "nodepool")
    set(export_set nodepool-coreTargets)
  else()
    set(export_set nodepool-${exported}Targets)
  endif()
  list(APPEND export_sets ${export_set})
  install(TARGETS ${library} EXPORT ${export_set}
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
endforeach()
list(REMOVE_DUPLICATES export_sets)
foreach(export_set IN LISTS export_sets)
  install(EXPORT ${export_set} NAMESPACE nodepool:: DESTINATION "${package_folder}")
endforeach()

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/nodepool" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

if(NODEPOOL_CLI)
  # From <prefix>/bin to <prefix>/lib, wherever the prefix is moved to.
  file(RELATIVE_PATH libraries_from_command "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}")
  set_target_properties(nodepool_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${libraries_from_command}")
  install(TARGETS nodepool_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

# ---- the CMake package

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/nodepoolConfig.cmake.in" "${package_files}/nodepoolConfig.cmake"
  INSTALL_DESTINATION "${package_folder}" NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the API.
write_basic_package_version_file("${package_files}/nodepoolConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${package_files}/nodepoolConfig.cmake" "${package_files}/nodepoolConfigVersion.cmake"
  DESTINATION "${package_folder}")
if(NODEPOOL_CRON)
  install(FILES "${CMAKE_CURRENT_LIST_DIR}/Findcctz.cmake" DESTINATION "${package_folder}")
endif()

# ---- pkg-config

# The prefix is found from where the file lies, so that an installed tree can be moved.
file(RELATIVE_PATH prefix_from_pc_file "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")

# nodepool_pc_file(<name> <description> <requires> <libs> <libs.private>)
function(nodepool_pc_file name description requires libs private_libs)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/nodepool.pc.in" "${package_files}/${name}.pc" @ONLY)
  install(FILES "${package_files}/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()

nodepool_pc_file(nodepool "${PROJECT_DESCRIPTION}" "" "-lnodepool -lnodepool_core" "-lfmt -pthread")
if(NODEPOOL_CRON)
  nodepool_pc_file(nodepool-cron "The schedules of nodepool" "nodepool = ${PROJECT_VERSION}"
    "-lnodepool_cron" "-lcctz -lfmt")
endif()
if(NODEPOOL_SQLITE)
  nodepool_pc_file(nodepool-sqlite "The SQLite driver of nodepool" "nodepool = ${PROJECT_VERSION}"
    "-lnodepool_sqlite" "-lsqlite3 -lfmt")
endif()
if(NODEPOOL_REDIS)
  nodepool_pc_file(nodepool-redis "The Redis and Valkey driver of nodepool" "nodepool = ${PROJECT_VERSION}"
    "-lnodepool_redis" "-lhiredis -lssl -lcrypto -lfmt")
endif()
