include(GoogleTest)

# tidemark_library(NAME [SOURCES file...] [DEPS target...])
# A static library of every .cc in the calling folder, or of SOURCES where a folder holds several
# targets. A folder without a .cc yet becomes an INTERFACE library.
function(tidemark_library NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  endif()
  if(ARG_SOURCES)
    add_library(${NAME} STATIC ${ARG_SOURCES})
    target_link_libraries(${NAME} PUBLIC tidemark_options ${ARG_DEPS})
  else()
    add_library(${NAME} INTERFACE)
    target_link_libraries(${NAME} INTERFACE tidemark_options ${ARG_DEPS})
  endif()
endfunction()

# tidemark_test(NAME [SOURCES file...] [DEPS target...] [LABELS label...] [TIMEOUT seconds]
#               [PROCESSORS busy] [ALONE])
# One binary of every *_test.cc in the calling folder (or SOURCES); each TEST is a ctest entry.
# ALONE: it needs the whole machine; no other test runs meanwhile.
function(tidemark_test NAME)
  cmake_parse_arguments(ARG "ALONE" "TIMEOUT;PROCESSORS" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  endif()
  if(NOT ARG_SOURCES)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(NOT ARG_PROCESSORS)
    set(ARG_PROCESSORS 1)
  endif()
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPS} tidemark_options GTest::gmock GTest::gtest_main)
  # The patient ones first: at the end nothing would be left to run beside them.
  set(properties TIMEOUT ${ARG_TIMEOUT} COST ${ARG_TIMEOUT} PROCESSORS ${ARG_PROCESSORS})
  if(ARG_LABELS)  # an empty value would be dropped, and shift those behind it
    list(APPEND properties LABELS "${ARG_LABELS}")
  endif()
  if(ARG_ALONE)
    list(APPEND properties RUN_SERIAL ON)
  endif()
  gtest_discover_tests(${NAME} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES ${properties})
endfunction()
