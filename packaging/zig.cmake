# A CMake toolchain file: Zig's C++ compiler, which has the headers and libraries of every platform it compiles for.
#
# The environment says what for: TREADLE_ZIG_TARGET is Zig's name of the platform, such as aarch64-linux-gnu.2.17.
# Zig is the one of PyPI's package ziglang that the Python on the path has, or TREADLE_ZIG.
set(target $ENV{TREADLE_ZIG_TARGET})
if(NOT target MATCHES "^(x86_64|aarch64)-(linux|macos|windows)")
  message(FATAL_ERROR "TREADLE_ZIG_TARGET is '${target}': set it to a platform such as x86_64-linux-gnu.2.17")
endif()
set(CMAKE_SYSTEM_PROCESSOR ${CMAKE_MATCH_1})
set(name_linux Linux)
set(name_macos Darwin)
set(name_windows Windows)
set(CMAKE_SYSTEM_NAME ${name_${CMAKE_MATCH_2}})

set(zig $ENV{TREADLE_ZIG})
if(NOT zig)
  execute_process(COMMAND python -c "import pathlib, ziglang; print((pathlib.Path(ziglang.__file__).parent / 'zig').as_posix())"
    OUTPUT_VARIABLE zig OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endif()
# -s in every call: without symbols, as the host's strip may not know the platform, and with one build of Zig's C++
# library for all that is linked.
set(CMAKE_CXX_COMPILER ${zig} c++ -target ${target} -s)
if(target MATCHES "musl$")
  list(APPEND CMAKE_CXX_COMPILER -dynamic)  # or Zig compiles all of musl for the program that CMake tries first
endif()
set(CMAKE_CXX_ARCHIVE_CREATE "${zig} ar qc <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_CXX_ARCHIVE_FINISH "${zig} ranlib <TARGET>")
set(CMAKE_CXX_FLAGS_INIT "-include cstdio")  # which nanobind leaves to libstdc++ to include
set(CMAKE_MODULE_LINKER_FLAGS_INIT -pthread)

# A trial that is linked would build Zig's C++ library first, without being any more of a trial.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
