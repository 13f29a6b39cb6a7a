# Language, warnings, sanitizers, ccache: what every target gets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

find_program(TIDEMARK_CCACHE ccache)
if(TIDEMARK_CCACHE)
  # Paths below the checkout are compared relative to it, so that all checkouts hit the same cache.
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
    CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=include_file_mtime,include_file_ctime,time_macros
    ${TIDEMARK_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # No build path in what is installed. Elsewhere it would only keep ccache from sharing objects
  # between checkouts.
  add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
endif()

if(TIDEMARK_SANITIZE)
  add_compile_options(-fsanitize=${TIDEMARK_SANITIZE} -fno-omit-frame-pointer)
  if(TIDEMARK_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  add_link_options(-fsanitize=${TIDEMARK_SANITIZE})
endif()

add_library(tidemark_options INTERFACE)
target_compile_options(tidemark_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
  # g++ 12 warns of every member that a designated initializer leaves to its default; clang's
  # version of the warning knows better and stays on.
  # And at -O3 it takes an empty std::optional<std::vector> that is moved for an uninitialized one,
  # and the operator+ of two std::string for a copy onto itself (GCC bug 105329).
  "$<$<CXX_COMPILER_ID:GNU>:-Wno-missing-field-initializers;-Wno-maybe-uninitialized;-Wno-restrict>"
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
target_include_directories(tidemark_options INTERFACE ${CMAKE_SOURCE_DIR})
