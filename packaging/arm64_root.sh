#!/bin/sh
# Make a folder with Debian's Python for arm64 and treadle's dependencies, to try the arm64 wheel in an emulator:
#
#     packaging/arm64_root.sh FOLDER     prints what TREADLE_WHEEL_ARM64 is to be
#
# It takes root, Debian's mmdebstrap and qemu-user-static, and a pip. Nothing is installed on this system.
set -eu
folder=$1
if [ ! -e "$folder/root" ]; then
    mmdebstrap --quiet --variant=extract --architectures=arm64 --skip=check/empty \
        --include=python3,libstdc++6,zlib1g,libexpat1,libbz2-1.0,liblzma5,libffi8,libssl3t64 trixie "$folder/root" >&2
    [ -e "$folder/root/lib" ] || ln -s usr/lib "$folder/root/lib"
fi
python3 -m pip install --quiet --only-binary=:all: --python-version 3.13 --implementation cp --abi cp313 --abi abi3 \
    --abi none --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_17_aarch64 \
    --platform manylinux2014_aarch64 --constraint constraints.txt --upgrade --target "$folder/packages" \
    $(python3 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"])') >&2
echo "qemu-aarch64-static -L $folder/root $folder/root/usr/bin/python3.13 $folder/packages"
