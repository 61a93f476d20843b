#!/bin/bash
# No source file above 800 lines or 100 columns; those above 400 lines are named. tests/golden holds
# data.
set -euo pipefail
cd "${1:?usage: sizes.sh SOURCE_DIR}"
failed=0
while read -r file; do
    lines=$(wc -l < "$file")
    if [ "$lines" -gt 800 ]; then
        echo "$file: $lines lines; the limit is 800"
        failed=1
    elif [ "$lines" -gt 400 ]; then
        echo "note: $file: $lines lines; aim at 400"
    fi
    if wide=$(awk '{ gsub(/[\x80-\xbf]/, "") } length > 100 { printf "%s:%d: %d columns\n", FILENAME, FNR, length }' \
                  "$file") && [ -n "$wide" ]; then
        echo "$wide"
        failed=1
    fi
done < <(find host include kernels tests bench tools \( -name '*.c' -o -name '*.h' -o -name '*.cu' \) \
         2>/dev/null | LC_ALL=C sort)
exit "$failed"
