# What is installed where, and the Debian package: cpack -G DEB, or ./dev deb.
set(CMAKE_INSTALL_PREFIX /usr)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # Packing builds no tests.
install(TARGETS tapd tapctl DESTINATION bin)
install(FILES ${CMAKE_SOURCE_DIR}/systemd/tapd.service DESTINATION lib/systemd/system)
install(FILES ${CMAKE_SOURCE_DIR}/systemd/tapd.sysusers DESTINATION lib/sysusers.d RENAME tapd.conf)
install(FILES ${CMAKE_SOURCE_DIR}/systemd/tapd.catalog ${CMAKE_SOURCE_DIR}/systemd/tapd.ru.catalog
        DESTINATION lib/systemd/catalog)
install(FILES ${CMAKE_SOURCE_DIR}/systemd/tapd.journald.conf DESTINATION lib/systemd/journald.conf.d
        RENAME tapd.conf)
# For root alone: systemd reads it and hands each file over.
install(DIRECTORY DESTINATION /etc/tapd/credentials
        DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
install(FILES ${CMAKE_SOURCE_DIR}/systemd/tapd.udev DESTINATION lib/udev/rules.d
        RENAME 60-tapd.rules)
install(FILES ${CMAKE_SOURCE_DIR}/systemd/tapd.toml DESTINATION /etc/tapd)
install(FILES ${CMAKE_SOURCE_DIR}/cross/debian/copyright DESTINATION share/doc/tapd)
install(FILES ${CMAKE_SOURCE_DIR}/README.md DESTINATION share/doc/tapd)
install(FILES ${CMAKE_SOURCE_DIR}/cross/completion/tapd ${CMAKE_SOURCE_DIR}/cross/completion/tapctl
        DESTINATION share/bash-completion/completions)
install(FILES ${CMAKE_SOURCE_DIR}/cross/debian/lintian-overrides DESTINATION share/lintian/overrides
        RENAME tapd)

# The date of everything in the package is that of the last commit.
set(epoch $ENV{SOURCE_DATE_EPOCH})
if(NOT epoch)
  set(epoch 0)
endif()
execute_process(COMMAND date -u -R -d @${epoch} OUTPUT_VARIABLE date
                OUTPUT_STRIP_TRAILING_WHITESPACE)
set(maintainer "tapd contributors <maintainers@tapd.example>")
set(deb ${CMAKE_BINARY_DIR}/deb)
file(WRITE ${deb}/changelog
     "tapd (${PROJECT_VERSION}) stable; urgency=medium\n\n  * Release ${PROJECT_VERSION}.\n\n"
     " -- ${maintainer}  ${date}\n")
# gzip -n writes no time of its own.
function(install_packed file folder)
  get_filename_component(name ${file} NAME)
  file(COPY ${file} DESTINATION ${deb}/packed)
  execute_process(COMMAND gzip -9nf ${deb}/packed/${name} COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${deb}/packed/${name}.gz DESTINATION ${folder})
endfunction()
install_packed(${deb}/changelog share/doc/tapd)
install_packed(${CMAKE_SOURCE_DIR}/docs/man/tapd.8 share/man/man8)
install_packed(${CMAKE_SOURCE_DIR}/docs/man/tapctl.1 share/man/man1)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
execute_process(
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/cross/toml_page.py
          ${CMAKE_SOURCE_DIR}/docs/configuration.md
  OUTPUT_FILE ${deb}/tapd.toml.5 COMMAND_ERROR_IS_FATAL ANY)
install_packed(${deb}/tapd.toml.5 share/man/man5)

if(NOT CPACK_DEBIAN_PACKAGE_ARCHITECTURE)
  execute_process(COMMAND dpkg --print-architecture OUTPUT_VARIABLE CPACK_DEBIAN_PACKAGE_ARCHITECTURE
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
set(TAPD_DEB_ARCH ${CPACK_DEBIAN_PACKAGE_ARCHITECTURE})
set(scripts ${CMAKE_SOURCE_DIR}/cross/debian)
configure_file(
  ${scripts}/preinst.in ${deb}/preinst @ONLY
  FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                   WORLD_EXECUTE)
file(WRITE ${deb}/conffiles "/etc/tapd/tapd.toml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${deb}/preinst ${scripts}/postinst ${scripts}/prerm
    ${scripts}/postrm ${deb}/conffiles)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tapd)
set(CPACK_PACKAGE_CONTACT ${maintainer})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "controller of self-serve beverage taps")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Reads RFID cards, counts the pulses of flow meters, opens and shuts the valves\n\
of one to eight taps, and charges each pour to the guest whose card opened it.\n\
It goes on while the network is away and tells the venue server later.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${maintainer})
set(CPACK_DEBIAN_PACKAGE_SECTION misc)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
# Libraries are found by dpkg-shlibdeps; a cross build reads the sysroot's package database.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd, udev, procps")
if(CMAKE_CROSSCOMPILING)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS
      ${CMAKE_SYSROOT}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE})
  file(WRITE ${deb}/environment.cmake
       "set(ENV{DPKG_ADMINDIR} ${CMAKE_SYSROOT}/var/lib/dpkg)\n"
       "set(ENV{DEB_HOST_ARCH} ${TAPD_DEB_ARCH})\n")
  set(CPACK_PROJECT_CONFIG_FILE ${deb}/environment.cmake)
endif()
include(CPack)
