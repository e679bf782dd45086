# Toolchain file: builds for a Raspberry Pi with clang, the target's binutils and a sysroot that
# cross/sysroot.sh has made of Debian packages. `./dev cross` uses it.
#   TAPD_ARCH     arm64: Pi 3, 4, 5, Zero 2 W, CM3 and newer; armhf: 32-bit Debian on a Pi 2 or newer.
#                 Pi 1, Zero and Zero W (ARMv6) cannot run it: Debian's own armhf is ARMv7.
#   TAPD_SYSROOT  the folder that cross/sysroot.sh made
# The code is for the architecture's baseline: -mcpu of a Pi 5 would be an illegal instruction on a
# Pi 3 or 4.
set(CMAKE_SYSTEM_NAME Linux)
set(TAPD_ARCH arm64 CACHE STRING "arm64 or armhf")
set(TAPD_SYSROOT "" CACHE PATH "made by cross/sysroot.sh")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TAPD_ARCH TAPD_SYSROOT)

if(TAPD_ARCH STREQUAL arm64)
  set(CMAKE_SYSTEM_PROCESSOR aarch64)
  set(triple aarch64-linux-gnu)
  set(emulators qemu-aarch64 qemu-aarch64-static)
elseif(TAPD_ARCH STREQUAL armhf)
  set(CMAKE_SYSTEM_PROCESSOR armv7l)
  set(triple arm-linux-gnueabihf)
  set(emulators qemu-arm qemu-arm-static)
  # Debian 13's armhf counts time and file sizes in 64 bits, and its GCC assumes so unasked; clang
  # would call the libraries with the old, shorter types.
  string(CONCAT CMAKE_CXX_FLAGS_INIT "-march=armv7-a -mfpu=vfpv3-d16 -mfloat-abi=hard "
                "-D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64")
else()
  message(FATAL_ERROR "TAPD_ARCH is \"${TAPD_ARCH}\": there are arm64 and armhf")
endif()
if(NOT EXISTS "${TAPD_SYSROOT}/usr/include/stdio.h")
  message(FATAL_ERROR "no sysroot at \"${TAPD_SYSROOT}\": cross/sysroot.sh ${TAPD_ARCH} makes one")
endif()

get_filename_component(CMAKE_SYSROOT "${TAPD_SYSROOT}" REALPATH)
set(CMAKE_LIBRARY_ARCHITECTURE ${triple})
find_program(TAPD_CLANG NAMES clang++-19 REQUIRED)
set(CMAKE_CXX_COMPILER "${TAPD_CLANG}")
set(CMAKE_CXX_COMPILER_TARGET ${triple})
# install --strip and CPack would take the host's, which does not know the format.
find_program(CMAKE_STRIP NAMES ${triple}-strip REQUIRED)
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--as-needed")

set(CMAKE_FIND_ROOT_PATH "${CMAKE_SYSROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${CMAKE_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR}
    "${CMAKE_SYSROOT}/usr/lib/${triple}/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig")
set(ENV{PKG_CONFIG_PATH} "")

find_program(TAPD_EMULATOR NAMES ${emulators})
if(TAPD_EMULATOR)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${TAPD_EMULATOR};-L;${CMAKE_SYSROOT}")
endif()
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${TAPD_ARCH})
