# The flags every target of ours is compiled with. Warnings are errors: a warning that is read
# later is a warning that is not read.

set(TAPD_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize takes them")
option(TAPD_HARDENED "Stack protector, fortified libc, read-only relocations" OFF)

add_library(tapd_options INTERFACE)
target_compile_features(tapd_options INTERFACE cxx_std_20)
target_compile_options(
  tapd_options
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wconversion
            -Wsign-conversion
            -Wshadow
            -Wswitch-enum
            -Wnon-virtual-dtor
            -Woverloaded-virtual
            -Wold-style-cast
            -Wcast-align
            -Wimplicit-fallthrough
            -Werror)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# Sanitizers must see every translation unit and the link, so they are global.
if(TAPD_SANITIZE)
  add_compile_options(-fsanitize=${TAPD_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TAPD_SANITIZE})
  # GCC warns of its own instrumentation in inlined library code (GCC bug 105562 and others).
  add_compile_options("$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-tsan>")
endif()

if(TAPD_HARDENED)
  add_compile_options(-fstack-protector-strong -D_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
