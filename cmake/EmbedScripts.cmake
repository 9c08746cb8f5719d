# embed_scripts(<target> FILES...): makes "embedded_scripts.hpp" with `inline constexpr std::string_view`s
# k<Name>Script and k<Name>ScriptSha1 per file, so that Lua is edited and linted as Lua. The header
# is made again when a file changes.
function(embed_scripts target)
  set(header "${CMAKE_CURRENT_BINARY_DIR}/${target}_scripts/embedded_scripts.hpp")
  set(body "#pragma once\n#include <string_view>\nnamespace nodepool::scripts {\n")
  foreach(file IN LISTS ARGN)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
    file(READ "${file}" text)
    get_filename_component(name "${file}" NAME_WE)
    string(SUBSTRING "${name}" 0 1 first)
    string(TOUPPER "${first}" first)
    string(SUBSTRING "${name}" 1 -1 rest)
    string(SHA1 digest "${text}")
    string(APPEND body "inline constexpr std::string_view k${first}${rest}Script = R\"lua(${text})lua\";\n"
      "inline constexpr std::string_view k${first}${rest}ScriptSha1 = \"${digest}\";\n")
  endforeach()
  string(APPEND body "}\n")
  file(CONFIGURE OUTPUT "${header}" CONTENT "${body}" @ONLY)
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/${target}_scripts")
endfunction()
