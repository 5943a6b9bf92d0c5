# Headers, library, CMake package and pkg-config file.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
install(TARGETS thalweg EXPORT thalweg
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT core
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT core
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT core)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/thalweg DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT core)
install(EXPORT thalweg NAMESPACE thalweg:: FILE thalwegTargets.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/thalweg COMPONENT core)
file(WRITE ${PROJECT_BINARY_DIR}/thalwegConfig.cmake "include(\${CMAKE_CURRENT_LIST_DIR}/thalwegTargets.cmake)\n")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/thalwegConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/thalwegConfig.cmake ${PROJECT_BINARY_DIR}/thalwegConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/thalweg COMPONENT core)
configure_file(${CMAKE_CURRENT_LIST_DIR}/thalweg.pc.in ${PROJECT_BINARY_DIR}/thalweg.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/thalweg.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT core)
