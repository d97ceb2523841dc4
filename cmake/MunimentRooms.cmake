# SPDX-License-Identifier: Apache-2.0
# mun_room(NAME SOURCES ... USES ... LIBS ...): one folder under src/ as a static library mun_NAME.
# mun_test(NAME SOURCES ... USES ... LIBS ...): one cmocka program, registered with CTest.

find_package(PkgConfig REQUIRED)
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET libcrypto>=3.0)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
find_package(Threads REQUIRED)

add_library(mun_flags INTERFACE)
target_include_directories(mun_flags INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
target_compile_features(mun_flags INTERFACE c_std_17)
target_compile_options(mun_flags INTERFACE -std=gnu17 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 -Wundef -Wcast-qual -fvisibility=hidden -fPIC)
target_compile_definitions(mun_flags INTERFACE _GNU_SOURCE MUN_VERSION="${PROJECT_VERSION}")

function(mun_room name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBS" ${ARGN})
    add_library(mun_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(mun_${name} PUBLIC mun_flags)
    foreach(room IN LISTS ARG_USES)
        target_link_libraries(mun_${name} PUBLIC mun_${room})
    endforeach()
    target_link_libraries(mun_${name} PUBLIC ${ARG_LIBS})
endfunction()

function(mun_test name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE mun_flags PkgConfig::CMOCKA ${ARG_LIBS})
    foreach(room IN LISTS ARG_USES)
        target_link_libraries(${name} PRIVATE mun_${room})
    endforeach()
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_compile_definitions(${name} PRIVATE MUN_SHARED="${CMAKE_SOURCE_DIR}/../shared")
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
endfunction()
