#!/bin/bash
# No source file above 800 lines or 100 columns; those above 400 lines are named.
set -euo pipefail
cd "${1:?usage: sizes.sh SOURCE_DIR}"
awk_program='
function finish() {
    if (lines > 800) {
        printf "%s: %d lines; the limit is 800\n", name, lines
        failed = 1
    } else if (lines > 400)
        printf "note: %s: %d lines; aim at 400\n", name, lines
}
FNR == 1 {
    finish()
    name = FILENAME
}
{ lines = FNR }
length > 100 {
    wide = $0
    gsub(/[\200-\277]/, "", wide) # UTF-8 continuation bytes take no column
    if (length(wide) > 100) {
        printf "%s:%d: %d columns; the limit is 100\n", FILENAME, FNR, length(wide)
        failed = 1
    }
}
END {
    finish()
    exit failed
}
'
mapfile -t files < <(find host include kernels tests bench tools \
    \( -name '*.c' -o -name '*.h' -o -name '*.cu' \) 2>/dev/null | LC_ALL=C sort)
LC_ALL=C awk "$awk_program" /dev/null "${files[@]}"
