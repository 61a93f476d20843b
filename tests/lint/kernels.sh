#!/bin/bash
# Every kernel fits: compiled for one architecture it spills nothing, keeps nothing in local memory
# and takes no more registers than its row in kernels/budgets.txt allows; kernels, rows and
# kernels/list.h know each other.
#
#   kernels.sh SOURCE_DIR OUT_DIR ARCHITECTURE
#
# Skipped where there is no CUDA compiler. OUT_DIR keeps the assembler's reports.
set -euo pipefail
usage="usage: kernels.sh SOURCE_DIR OUT_DIR ARCHITECTURE"
source_dir=${1:?$usage}
out=${2:?$usage}
arch=${3:?$usage}
tools=$(realpath "$(dirname "$0")/../../tools/kernels")
status=0
"$tools/compile" "$source_dir" "$out" "$arch" || status=$?
[ "$status" = 0 ] || exit "$status"

{
    echo '#include <kernels/list.h>'
    echo '#define HEL_NAME(name) @listed name'
    echo 'K_LIST(HEL_NAME)'
} | "${CC:-cc}" -E -P -I "$source_dir" -x c - | tr '@' '\n' | sed -n 's/^listed  *//p' |
    tr -s ' ' '\n' > "$out/listed.txt"

awk_program='
function pattern(text) { # a shell pattern as a regular expression
    gsub(/\*/, ".*", text)
    return "^" text "$"
}
function bad(text) {
    print text
    failed = 1
}
FILENAME ~ /budgets\.txt$/ {
    if (/^[ \t]*(#|$)/)
        next
    if (NF != 3 || $2 !~ /^[0-9]+$/ || $3 !~ /^[0-9]+$/ || $2 < 1 || $3 < 1) {
        bad(sprintf("%s:%d: a row is: pattern threads blocks", FILENAME, FNR))
        next
    }
    rows++
    row[rows] = $1
    threads[rows] = $2
    blocks[rows] = $3
    next
}
FILENAME ~ /listed\.txt$/ {
    if (NF)
        listed[$1] = 1
    next
}
FILENAME ~ /\.ptx$/ { # .entry name( ... ) .maxntid threads
    if (match($0, /\.entry [A-Za-z0-9_]+/))
        entry = substr($0, RSTART + 7, RLENGTH - 7)
    if ($1 == ".maxntid") {
        bound[entry] = $2
        sub(/,.*/, "", bound[entry])
    }
    next
}
/Compiling entry function/ {
    split($0, quoted, "\047")
    name = quoted[2]
    order[++kernels] = name
    inside = name
}
/Function properties for/ { inside = $NF }
/bytes stack frame/ {
    if ($1 + 0 > 0 || $5 + 0 > 0 || $9 + 0 > 0)
        bad(sprintf("%s: %d bytes of stack, %d spilled, %d read back; the rule is 0",
                    inside, $1, $5, $9))
}
/Used [0-9]+ registers/ {
    match($0, /Used [0-9]+/)
    used[name] = substr($0, RSTART + 5, RLENGTH - 5) + 0
}
END {
    for (k = 1; k <= kernels; k++) {
        name = order[k]
        for (r = 1; r <= rows && name !~ pattern(row[r]); r++)
            ;
        if (!(name in listed))
            bad(name ": is not in kernels/list.h")
        if (r > rows) {
            bad(sprintf("%s: %d registers, no row in kernels/budgets.txt", name, used[name]))
            continue
        }
        seen[r] = 1
        budget = int(65536 / (threads[r] * blocks[r]) / 8) * 8
        if (budget > 255)
            budget = 255
        if (used[name] > budget)
            bad(sprintf("%s: %d registers, the budget is %d (%d blocks of %d threads)", name,
                        used[name], budget, blocks[r], threads[r]))
        if (bound[name] != threads[r])
            bad(sprintf("%s: its bound is %d threads, its row says %d", name, bound[name],
                        threads[r]))
    }
    for (r = 1; r <= rows; r++)
        if (!seen[r])
            bad(sprintf("kernels/budgets.txt: no kernel for the row %s", row[r]))
    for (name in listed)
        if (!(name in used))
            bad(name ": is in kernels/list.h only")
    if (!kernels)
        bad("no kernels were found")
    if (!failed)
        printf "sm_%s: %d kernels fit\n", arch, kernels
    exit failed
}
'
awk -v arch="$arch" "$awk_program" "$source_dir/kernels/budgets.txt" "$out/listed.txt" \
    "$out"/*.ptx "$out"/*.log
