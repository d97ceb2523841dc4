# SPDX-License-Identifier: Apache-2.0
# mun_room(NAME SOURCES ... USES ... LIBS ...)   one folder under src/ as a static library mun_NAME
# mun_test(NAME SOURCES ... USES ... LIBS ...)   one cmocka program, registered with CTest
# mun_fuzz(NAME SOURCES ... USES ... LIBS ... PARSES ...)   one fuzz target (LLVMFuzzerTestOneInput).
#     In the fuzz preset it is linked with libFuzzer; under every other preset with
#     tests/fuzz/replay.c, and CTest runs it over every file in tests/fuzz/corpus/NAME: past crashes
#     are ordinary tests. PARSES: the files below src/ that make up the parser; the corpus must
#     cover 90 % of their lines (tools/coverage --corpora).

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
if(NOT MUN_SCOPE STREQUAL "core")
    pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
    pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET libcrypto>=3.0)
    pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)
endif()
if(MUN_SCOPE STREQUAL "all")
    pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.35)
endif()

add_library(mun_flags INTERFACE)
target_include_directories(mun_flags INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
target_compile_features(mun_flags INTERFACE c_std_17)
target_compile_options(mun_flags INTERFACE -std=gnu17 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 -Wundef -Wcast-qual -fvisibility=hidden)
if(NOT MUN_SCOPE STREQUAL "core")
    target_compile_options(mun_flags INTERFACE -fPIC) # a WebAssembly module is not relocated
endif()
# Error sentences are cut to their fixed size on purpose; snprintf does that safely.
target_compile_options(mun_flags INTERFACE -Wno-format-truncation)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # "Outputs are set only on success" is what gcc guesses wrong; clang's analyzer, a gate, follows
    # the paths (core.uninitialized) and is told that making an error never gives MUN_OK.
    target_compile_options(mun_flags INTERFACE -Wno-maybe-uninitialized)
endif()
target_compile_definitions(mun_flags INTERFACE _GNU_SOURCE MUN_VERSION="${PROJECT_VERSION}")
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # The installed static library must also link without LTO, and with another compiler.
    target_compile_options(mun_flags INTERFACE -ffat-lto-objects)
endif()
if(MUN_COVERAGE)
    # A failed assertion is a bug, never an input: its branch cannot be covered (base/assert.h).
    target_compile_definitions(mun_flags INTERFACE MUN_COVERAGE)
endif()

function(mun_room name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBS" ${ARGN})
    add_library(mun_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(mun_${name} PUBLIC mun_flags)
    foreach(room IN LISTS ARG_USES)
        target_link_libraries(mun_${name} PUBLIC mun_${room})
    endforeach()
    target_link_libraries(mun_${name} PUBLIC ${ARG_LIBS})
    set_property(GLOBAL APPEND PROPERTY MUN_ROOMS ${name})
endfunction()

function(mun_program_of_tests_ name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBS;PARSES" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE mun_flags ${ARG_LIBS})
    foreach(room IN LISTS ARG_USES)
        target_link_libraries(${name} PRIVATE mun_${room})
    endforeach()
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_compile_definitions(${name} PRIVATE MUN_SHARED="${CMAKE_SOURCE_DIR}/../shared")
    # The programs get LTO; a hundred tests would each optimise the whole library again.
    set_target_properties(${name} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
    if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
        target_link_options(${name} PRIVATE -fno-lto)
    endif()
    if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
        # Optimising the whole program again for each of a hundred tests takes minutes and tests
        # nothing: they link the machine code that the fat objects hold as well.
        set_target_properties(${name} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
        target_link_options(${name} PRIVATE -fno-lto)
    endif()
endfunction()

function(mun_test name)
    mun_program_of_tests_(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE PkgConfig::CMOCKA)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
endfunction()

function(mun_fuzz name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBS;PARSES" ${ARGN})
    mun_program_of_tests_(${name} ${ARGN})
    string(REPLACE ";" " " parses "${ARG_PARSES}")
    set_property(GLOBAL APPEND_STRING PROPERTY MUN_FUZZ_TARGETS
        "${name} $<TARGET_FILE:${name}> ${parses}\n")
    set(corpus ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    if(MUN_FUZZ)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
        target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
        add_test(NAME ${name}_corpus COMMAND ${name} ${corpus})
    endif()
endfunction()
