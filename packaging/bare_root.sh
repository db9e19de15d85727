#!/bin/bash
# Install a wheel in a Debian system without a compiler, and run the classic recipe there; both are timed.
#
#     packaging/bare_root.sh FOLDER WHEEL
#
# It takes root and Debian's mmdebstrap and dataset-fashion-mnist. The system is made in FOLDER, and kept.
set -euo pipefail
folder=$1 wheel=$2
if [ ! -e "$folder/etc/debian_version" ]; then
    mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates trixie "$folder"
fi
cp /etc/resolv.conf /etc/hosts "$folder/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/"
mkdir -p "$folder/usr/share/datasets" "$folder/try"
cp -r /usr/share/datasets/fashion-mnist "$folder/usr/share/datasets/"
cp "$wheel" constraints.txt "$folder/try/"
chroot "$folder" /bin/bash -euo pipefail -c '
    export HOME=/root PATH=/usr/bin:/bin
    for compiler in cc gcc g++ c++ clang; do ! command -v $compiler; done
    cd /try
    rm -rf environment runs
    python3 -m venv environment
    echo "pip install"
    time environment/bin/pip install --quiet --constraint constraints.txt "$1"
    environment/bin/treadle info
    time environment/bin/treadle train fashion-mnist
' bash "$(basename "$wheel")"
