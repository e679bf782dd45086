# The flags every target of ours is compiled with. Warnings are errors: a warning that is read
# later is a warning that is not read.

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
