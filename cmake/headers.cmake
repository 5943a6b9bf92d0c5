# Target check_headers: every header compiles alone, so that files may include what they use in any order. Those named
# -inl.h are parts of a file and do not count.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/core/*.h ${PROJECT_SOURCE_DIR}/include/thalweg/*)
list(FILTER headers EXCLUDE REGEX "-inl\\.h$")
add_library(tw_headers INTERFACE)
target_sources(tw_headers INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${headers})
target_include_directories(tw_headers INTERFACE ${PROJECT_SOURCE_DIR}/include ${TW_GEN_DIR})
target_link_libraries(tw_headers INTERFACE tw_flags hwy::hwy protozero::protozero)
if(NOT MSVC)
  target_compile_options(tw_headers INTERFACE -O0)
endif()
set_target_properties(tw_headers PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
add_custom_target(check_headers)
add_dependencies(check_headers tw_headers_verify_interface_header_sets)
