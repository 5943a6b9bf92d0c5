# Flags that every target of ours has, on the interface target tw_flags.
find_package(Threads REQUIRED)
add_library(tw_flags INTERFACE)
if(MSVC)
  target_compile_options(tw_flags INTERFACE /W4)
else()
  target_compile_options(tw_flags INTERFACE -Wall -Wextra -Wno-unused-parameter -fno-math-errno)
endif()

option(TW_WERROR "Warnings are errors" OFF)
if(TW_WERROR)
  target_compile_options(tw_flags INTERFACE -Werror)
endif()

# TW_SANITIZE: address, undefined, both with a comma, or thread. What one finds ends the program. Optimised a little,
# with line numbers only: enough for reports, and half the time of a full build.
set(TW_SANITIZE "" CACHE STRING "Sanitizers to build with")
if(TW_SANITIZE)
  target_compile_options(tw_flags INTERFACE -fsanitize=${TW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
                         -O1 -g1)
  target_link_options(tw_flags INTERFACE -fsanitize=${TW_SANITIZE})
endif()

find_program(TW_CCACHE ccache)
if(TW_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${TW_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TW_CCACHE})
endif()
find_program(TW_MOLD mold)
if(TW_MOLD AND NOT APPLE AND NOT WIN32 AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Mold (seen with 1.10; rui314/mold#1151, of 2.3) sometimes begins the region that becomes read-only in a page that is
  # not mapped, where thread-local storage is aligned to less than a pointer, and the program does not start. The
  # library's is aligned to more; the programs built here are tests and benchmarks, which need no such region.
  target_link_options(tw_flags INTERFACE -fuse-ld=mold
                      $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-Wl,-z,norelro>)
endif()

# One vector target and no unused sections: what a phone links.
option(TW_MIN_SIZE "Smallest library" OFF)
if(TW_MIN_SIZE)
  target_compile_definitions(tw_flags INTERFACE HWY_COMPILE_ONLY_STATIC)
  target_compile_options(tw_flags INTERFACE -ffunction-sections -fdata-sections)
  if(APPLE)
    target_link_options(tw_flags INTERFACE -Wl,-dead_strip)
  elseif(NOT MSVC)
    target_link_options(tw_flags INTERFACE -Wl,--gc-sections -s)
  endif()
endif()
