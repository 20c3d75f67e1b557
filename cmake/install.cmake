# Installing: the program, the library with its headers, and the run-time libraries of OpenVINO beside ours, so that
# an installed program works with the build tree and the download cache gone.
include(CMakePackageConfigHelpers)

set(likeness_private_libdir ${CMAKE_INSTALL_LIBDIR}/likeness)
get_target_property(openvino_library openvino::runtime IMPORTED_LOCATION_RELEASE)
get_filename_component(openvino_library_folder "${openvino_library}" DIRECTORY)
get_filename_component(openvino_library_name "${openvino_library}" NAME)
file(GLOB likeness_runtime_libraries
  "${openvino_library_folder}/libopenvino.so.*"
  "${openvino_library_folder}/libopenvino_intel_cpu_plugin.so"
  "${openvino_library_folder}/libopenvino_ir_frontend.so.*"
  "${openvino_library_folder}/libopenvino_onnx_frontend.so.*"
  "${openvino_library_folder}/libopenvino_tensorflow_frontend.so.*"
  "${openvino_library_folder}/libtbb*.so.*"
  "${openvino_library_folder}/libhwloc.so.*")
install(FILES ${likeness_runtime_libraries} DESTINATION ${likeness_private_libdir})

install(TARGETS likeness EXPORT likenessTargets FILE_SET HEADERS ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT likenessTargets NAMESPACE likeness:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/likeness)
configure_package_config_file(cmake/likenessConfig.cmake.in ${PROJECT_BINARY_DIR}/likenessConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/likeness)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/likenessConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/likenessConfig.cmake ${PROJECT_BINARY_DIR}/likenessConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/likeness)

install(TARGETS likeness_cli)
set_target_properties(likeness_cli PROPERTIES
  INSTALL_RPATH "$ORIGIN/../${likeness_private_libdir}")

# The packs that scripts/setup fetched, where there are any.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/mtcnn ${PROJECT_SOURCE_DIR}/models/20180408-102900
  DESTINATION ${CMAKE_INSTALL_DATADIR}/likeness/models OPTIONAL)
