# Libraries of the core: what the system has, else a release tarball (docs/dependencies.md says why each is here).
include(FetchContent)

find_package(hwy QUIET CONFIG)
if(NOT hwy_FOUND)
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(HWY QUIET IMPORTED_TARGET libhwy)
  endif()
  if(HWY_FOUND)
    add_library(hwy::hwy ALIAS PkgConfig::HWY)
  else()
    set(HWY_ENABLE_TESTS OFF CACHE INTERNAL "")
    set(HWY_ENABLE_EXAMPLES OFF CACHE INTERNAL "")
    set(HWY_ENABLE_CONTRIB OFF CACHE INTERNAL "")
    FetchContent_Declare(highway
      URL https://github.com/google/highway/releases/download/1.0.7/highway-1.0.7.tar.gz)
    FetchContent_MakeAvailable(highway)
    add_library(hwy::hwy ALIAS hwy)
  endif()
endif()

find_path(PROTOZERO_INCLUDE protozero/pbf_reader.hpp)
add_library(protozero_headers INTERFACE)
add_library(protozero::protozero ALIAS protozero_headers)
if(PROTOZERO_INCLUDE)
  target_include_directories(protozero_headers INTERFACE ${PROTOZERO_INCLUDE})
else()
  FetchContent_Declare(protozero
    URL https://github.com/mapbox/protozero/archive/refs/tags/v1.7.1.tar.gz)
  FetchContent_GetProperties(protozero)
  if(NOT protozero_POPULATED)
    FetchContent_Populate(protozero)
  endif()
  target_include_directories(protozero_headers INTERFACE ${protozero_SOURCE_DIR}/include)
endif()

# Images in summaries. Part of every system; it is not worth building from source here.
find_package(PNG REQUIRED)
