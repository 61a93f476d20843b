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
failed=0
while read -r file; do
    if ! "$tool" --dry-run --Werror "$file" > /dev/null 2>&1; then
        echo "$file: not formatted; run: clang-format-14 -i $file"
        failed=1
    fi
done < <(find host include kernels tests bench tools \( -name '*.c' -o -name '*.h' -o -name '*.cu' \) \
         2>/dev/null | LC_ALL=C sort)
exit "$failed"
