# A fuzzer is a file with the function LLVMFuzzerTestOneInput. Every build runs it over its corpus,
# tests/fuzz/NAME.hex (an input a line), as a test; the preset fuzz, which is clang's, also makes
# the program that searches: ./dev fuzz NAME.
#
#   tapd_fuzzer(NAME ENTRY file.cpp... [INCLUDES folder...] [USES library...])

option(TAPD_FUZZ "Build the fuzzers: clang only, it brings libFuzzer" OFF)
if(TAPD_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "TAPD_FUZZ needs clang: it brings libFuzzer")
  endif()
  # The rooms too, or the search would be blind in them.
  foreach(room drivers storage sync daemon)
    target_compile_options(tapd_${room} PRIVATE -fsanitize=fuzzer-no-link)
  endforeach()
endif()

function(tapd_fuzzer name)
  cmake_parse_arguments(FUZZER "" "" "ENTRY;INCLUDES;USES" ${ARGN})
  add_executable(tapd_fuzz_replay_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.cpp
                                          ${FUZZER_ENTRY})
  target_include_directories(tapd_fuzz_replay_${name} PRIVATE ${FUZZER_INCLUDES})
  target_link_libraries(tapd_fuzz_replay_${name} PRIVATE ${FUZZER_USES} tapd_options)
  add_test(NAME "fuzz: the corpus of ${name} breaks no promise"
           COMMAND tapd_fuzz_replay_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/${name}.hex)
  if(TAPD_FUZZ)
    add_executable(tapd_fuzz_${name} ${FUZZER_ENTRY})
    target_include_directories(tapd_fuzz_${name} PRIVATE ${FUZZER_INCLUDES})
    target_compile_options(tapd_fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(tapd_fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(tapd_fuzz_${name} PRIVATE ${FUZZER_USES} tapd_options)
  endif()
endfunction()
