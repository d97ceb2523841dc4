# SPDX-License-Identifier: Apache-2.0
# libmuniment: every room below the command line as one library, static and shared, and all that
# `cmake --install` puts in place. The shared one exports exactly the names in libmuniment.map;
# tools/exports compares that list with the public headers and with the library itself.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(rooms GLOBAL PROPERTY MUN_ROOMS)
list(REMOVE_ITEM rooms fetch server cli) # programs, not library
set(objects)
foreach(room IN LISTS rooms)
    list(APPEND objects $<TARGET_OBJECTS:mun_${room}>)
endforeach()
set(map ${CMAKE_SOURCE_DIR}/cmake/libmuniment.map)
set(needs PkgConfig::OPENSSL PkgConfig::SQLITE PkgConfig::JANSSON Threads::Threads)

add_library(libmuniment_static STATIC ${objects})
set_target_properties(libmuniment_static PROPERTIES OUTPUT_NAME muniment LINKER_LANGUAGE C)

add_library(libmuniment_shared SHARED ${objects})
set_target_properties(libmuniment_shared PROPERTIES OUTPUT_NAME muniment LINKER_LANGUAGE C
    VERSION ${PROJECT_VERSION} SOVERSION 0 LINK_DEPENDS ${map})
target_link_libraries(libmuniment_shared PRIVATE ${needs} ${CMAKE_DL_LIBS})
target_link_options(libmuniment_shared PRIVATE -Wl,--version-script=${map})
if(NOT CMAKE_C_FLAGS_DEBUG MATCHES "-fsanitize" OR CMAKE_BUILD_TYPE STREQUAL "Release")
    target_link_options(libmuniment_shared PRIVATE -Wl,-z,defs) # sanitizers leave names open
endif()

foreach(kind static shared)
    target_include_directories(libmuniment_${kind} INTERFACE $<INSTALL_INTERFACE:include>)
    set_target_properties(libmuniment_${kind} PROPERTIES EXPORT_NAME ${kind})
endforeach()
set_target_properties(libmuniment_static PROPERTIES INTERFACE_LINK_LIBRARIES
    "PkgConfig::OPENSSL;PkgConfig::SQLITE;PkgConfig::JANSSON;Threads::Threads")

if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
    # Only the release is installed; the other presets save the time.
    set_target_properties(libmuniment_static libmuniment_shared PROPERTIES EXCLUDE_FROM_ALL ON)
endif()

install(TARGETS libmuniment_static libmuniment_shared EXPORT muniment
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/muniment DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(EXPORT muniment NAMESPACE muniment:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/muniment
        FILE muniment-targets.cmake)
configure_package_config_file(cmake/muniment-config.cmake.in muniment-config.cmake
        INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/muniment)
write_basic_package_version_file(muniment-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/muniment-config.cmake
              ${CMAKE_BINARY_DIR}/muniment-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/muniment)
# Relative to itself: the installed tree can be moved, and `cmake --install --prefix` is believed.
file(RELATIVE_PATH pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" pc_to_prefix ${pc_to_prefix})
configure_file(cmake/muniment.pc.in muniment.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/muniment.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
foreach(page README.md CHANGELOG.md docs/format)
    if(IS_DIRECTORY ${CMAKE_SOURCE_DIR}/${page})
        install(DIRECTORY ${CMAKE_SOURCE_DIR}/${page} DESTINATION ${CMAKE_INSTALL_DOCDIR})
    elseif(EXISTS ${CMAKE_SOURCE_DIR}/${page})
        install(FILES ${CMAKE_SOURCE_DIR}/${page} DESTINATION ${CMAKE_INSTALL_DOCDIR})
    endif()
endforeach()
