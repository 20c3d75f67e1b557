# Every library the project links. OpenVINO and its TBB come unpacked from a PyPI wheel (scripts/setup puts it into
# the cache folder below); -DOpenVINO_DIR=... and -DTBB_DIR=... point elsewhere. Never mix in another TBB.
set(likeness_cache "$ENV{XDG_CACHE_HOME}")
if(NOT likeness_cache)
  set(likeness_cache "$ENV{HOME}/.cache")
endif()
set(likeness_openvino_version 2026.4.1)
set(likeness_openvino_cmake
    "${likeness_cache}/likeness/openvino-${likeness_openvino_version}/openvino/cmake")

if(NOT TBB_DIR)
  set(TBB_DIR "${likeness_openvino_cmake}" CACHE PATH "Folder of the TBBConfig.cmake that OpenVINO brings")
endif()
find_package(OpenVINO REQUIRED COMPONENTS Runtime HINTS "${likeness_openvino_cmake}")
find_package(TBB REQUIRED)

find_package(PkgConfig REQUIRED)
pkg_check_modules(vips REQUIRED IMPORTED_TARGET vips-cpp)
pkg_check_modules(libzip REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(hwy REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(expat REQUIRED IMPORTED_TARGET expat)
find_package(HDF5 REQUIRED COMPONENTS C)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Threads REQUIRED)
find_library(LIBSVM svm REQUIRED)
find_path(LIBSVM_INCLUDE svm.h PATH_SUFFIXES libsvm REQUIRED)
