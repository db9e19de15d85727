#!/bin/sh
# Print a Python that runs, of one of the versions named: as python3.X on the path, else from pyenv.
for version in "$@"; do
    for python in "python$version" "$(pyenv root 2>/dev/null)/versions/$version".*/bin/python; do
        if "$python" -c pass 2>/dev/null; then
            "$python" -c 'import sys; print(sys.executable)'
            exit
        fi
    done
done
echo "no Python $* was found" >&2
exit 1
