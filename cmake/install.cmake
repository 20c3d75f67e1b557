# Installing, in two components. `program`: the program, liblikeness.so, the run-time libraries that no distribution
# has, completion, man page, licence and packs; an installed program works with the build tree and the download cache
# gone. `development`: headers, liblikeness.a, and what CMake and pkg-config need.
include(CMakePackageConfigHelpers)

set(likeness_private_libdir ${CMAKE_INSTALL_LIBDIR}/likeness)
get_target_property(openvino_library openvino::runtime IMPORTED_LOCATION_RELEASE)
get_filename_component(openvino_library_folder "${openvino_library}" DIRECTORY)
# All that is shipped of others.
file(GLOB likeness_runtime_libraries
  "${openvino_library_folder}/libopenvino.so.*"
  "${openvino_library_folder}/libopenvino_intel_cpu_plugin.so"
  "${openvino_library_folder}/libopenvino_ir_frontend.so.*"
  "${openvino_library_folder}/libopenvino_onnx_frontend.so.*"
  "${openvino_library_folder}/libopenvino_tensorflow_frontend.so.*"
  "${openvino_library_folder}/libtbb*.so.*"
  "${openvino_library_folder}/libhwloc.so.*")
install(FILES ${likeness_runtime_libraries} DESTINATION ${likeness_private_libdir} COMPONENT program)

install(TARGETS likeness_openvino LIBRARY DESTINATION ${likeness_private_libdir} COMPONENT program)

set(likeness_cmakedir ${CMAKE_INSTALL_LIBDIR}/cmake/likeness)
install(TARGETS likeness EXPORT likenessStaticTargets
  ARCHIVE COMPONENT development
  FILE_SET HEADERS COMPONENT development)
install(EXPORT likenessStaticTargets NAMESPACE likeness:: DESTINATION ${likeness_cmakedir} COMPONENT development)
set_target_properties(likeness PROPERTIES EXPORT_NAME static)
if(LIKENESS_SHARED_LIBRARY)
  install(TARGETS likeness_shared EXPORT likenessTargets
    LIBRARY COMPONENT program NAMELINK_COMPONENT development
    FILE_SET HEADERS COMPONENT development)
  install(EXPORT likenessTargets NAMESPACE likeness:: DESTINATION ${likeness_cmakedir} COMPONENT development)
  set_target_properties(likeness_shared PROPERTIES EXPORT_NAME likeness INSTALL_RPATH "$ORIGIN/likeness")
  file(RELATIVE_PATH likeness_prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  configure_file(cmake/likeness.pc.in ${PROJECT_BINARY_DIR}/likeness.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/likeness.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endif()
configure_package_config_file(cmake/likenessConfig.cmake.in ${PROJECT_BINARY_DIR}/likenessConfig.cmake
  INSTALL_DESTINATION ${likeness_cmakedir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/likenessConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/likenessConfig.cmake ${PROJECT_BINARY_DIR}/likenessConfigVersion.cmake
  DESTINATION ${likeness_cmakedir} COMPONENT development)

install(TARGETS likeness_cli RUNTIME COMPONENT program)
set_target_properties(likeness_cli PROPERTIES
  INSTALL_RPATH "$ORIGIN/../${likeness_private_libdir}")
if(TARGET likeness_descriptions)
  install(FILES ${PROJECT_BINARY_DIR}/likeness.man RENAME likeness.1
    DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
  install(FILES ${PROJECT_BINARY_DIR}/likeness.bash RENAME likeness
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT program)
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
file(GLOB likeness_others_licences "${openvino_library_folder}/../../openvino-*.dist-info/licenses")
if(likeness_others_licences)
  install(DIRECTORY ${likeness_others_licences}/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/openvino COMPONENT program)
endif()

install(TARGETS likeness_reader RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/likeness COMPONENT program)
file(RELATIVE_PATH likeness_libexec_to_lib /${CMAKE_INSTALL_LIBEXECDIR}/likeness /${likeness_private_libdir})
set_target_properties(likeness_reader PROPERTIES INSTALL_RPATH "$ORIGIN/${likeness_libexec_to_lib}")

install(FILES ${PROJECT_SOURCE_DIR}/serve/likeness.service DESTINATION lib/systemd/system COMPONENT program)

# The packs that scripts/setup fetched, where there are any.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/mtcnn ${PROJECT_SOURCE_DIR}/models/20180408-102900
  ${PROJECT_SOURCE_DIR}/models/sface ${PROJECT_SOURCE_DIR}/models/yunet ${PROJECT_SOURCE_DIR}/models/centerface
  DESTINATION ${CMAKE_INSTALL_DATADIR}/likeness/models COMPONENT program OPTIONAL)
