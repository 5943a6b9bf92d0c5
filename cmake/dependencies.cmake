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

# Regular expressions.
find_path(RE2_INCLUDE re2/re2.h)
find_library(RE2_LIBRARY re2)
if(RE2_INCLUDE AND RE2_LIBRARY)
  add_library(re2_system INTERFACE)
  target_include_directories(re2_system INTERFACE ${RE2_INCLUDE})
  target_link_libraries(re2_system INTERFACE ${RE2_LIBRARY})
  add_library(re2::re2 ALIAS re2_system)
else()
  # The last release that stands alone; later ones need Abseil. Static, so that nothing else has to be installed.
  set(RE2_BUILD_TESTING OFF CACHE INTERNAL "")
  FetchContent_Declare(re2 URL https://github.com/google/re2/archive/refs/tags/2023-03-01.tar.gz)
  FetchContent_MakeAvailable(re2)
endif()

# Linear algebra and Fourier transforms; headers only.
find_path(EIGEN_INCLUDE unsupported/Eigen/FFT PATH_SUFFIXES eigen3)
if(NOT EIGEN_INCLUDE)
  FetchContent_Declare(eigen
    URL https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.gz)
  FetchContent_GetProperties(eigen)
  if(NOT eigen_POPULATED)
    FetchContent_Populate(eigen)
  endif()
  set(EIGEN_INCLUDE ${eigen_SOURCE_DIR})
endif()

# Images in summaries. Part of every system; it is not worth building from source here.
find_package(PNG REQUIRED)
# Compressed records; libpng stands on it anyway.
find_package(ZLIB REQUIRED)
