# How every target of nodepool is compiled: language level, warnings, visibility, sanitizers.

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tl-expected REQUIRED)
find_package(PkgConfig REQUIRED)
if(NODEPOOL_CRON)
  find_package(cctz REQUIRED MODULE)
endif()
if(NODEPOOL_CLI OR NODEPOOL_TESTS)
  # Headers are all that is used of it: files of jobs in TOML.
  find_path(NODEPOOL_TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)
endif()
if(NODEPOOL_TESTS OR NODEPOOL_BENCH)
  # What our own XXH64 is compared with.
  find_path(NODEPOOL_XXHASH_INCLUDE xxhash.h REQUIRED)
endif()

if(NODEPOOL_SANITIZE)
  add_compile_options(-fsanitize=${NODEPOOL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${NODEPOOL_SANITIZE})
endif()

# nodepool_target(<target>): the settings all our targets share.
function(nodepool_target target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wimplicit-fallthrough -Wswitch-enum
    -Wno-missing-field-initializers $<$<BOOL:${NODEPOOL_WERROR}>:-Werror>)
  if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Of sources that are compiled together GCC takes all but the first for headers.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# nodepool_library(<target> <exported name> SOURCES...): one of the libraries that are installed.
function(nodepool_library target exported)
  add_library(${target} ${ARGN})
  add_library(nodepool::${exported} ALIAS ${target})
  nodepool_target(${target})
  # Before 1.0 a minor version may change the ABI.
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${exported} INSTALL_RPATH "$ORIGIN"
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  if(BUILD_SHARED_LIBS AND NOT NODEPOOL_SANITIZE)
    target_link_options(${target} PRIVATE LINKER:--no-undefined)
  endif()
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  set_property(GLOBAL APPEND PROPERTY NODEPOOL_INSTALLED ${target})
endfunction()
