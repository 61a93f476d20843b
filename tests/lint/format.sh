#!/bin/bash
# Formatting as .clang-format says; skipped where version 14 is not installed (others break lines
# elsewhere).
set -euo pipefail
cd "${1:?usage: format.sh SOURCE_DIR}"
tool=
for candidate in clang-format-14 clang-format; do
    if command -v "$candidate" > /dev/null && "$candidate" --version | grep -q 'version 14\.'; then
        tool=$candidate
        break
    fi
done
if [ -z "$tool" ]; then
    echo "clang-format 14 is not installed: skipped"
    exit 77
fi
wrong=$(find host include kernels tests bench tools \( -name '*.c' -o -name '*.h' -o -name '*.cu' \) \
        -print0 2>/dev/null | xargs -0 -r -n 16 -P "$(nproc)" "$tool" --dry-run 2>&1 |
        sed -n 's/^\([^ :]*\):[0-9]*:[0-9]*: warning: code should be.*/\1/p' | LC_ALL=C sort -u)
if [ -n "$wrong" ]; then
    echo "not formatted; run: $tool -i" $wrong
    exit 1
fi
