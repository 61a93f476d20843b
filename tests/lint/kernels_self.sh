#!/bin/bash
# Shows kernels.sh small trees of one kernel that break its rules one by one.
set -euo pipefail
rules=${1:?usage: kernels_self.sh LINT_DIR}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
cases=0
source_dir=$(realpath "$rules/../..")
tree=$work/tree
mkdir -p "$tree/kernels"
cp -r "$source_dir"/kernels/{arith,kernel.h,rows.h,nvcc.flags} "$tree/kernels"

# Words held in registers, mixed in a loop: `words` of them are alive at once.
kernel() { # name, thread bound, words
    cat << END
#include "kernels/kernel.h"
typedef struct k_mix { uint32_t *p, turns; } k_mix;
K_KERNEL($1, k_mix, $2)
{
    uint32_t r[$3];
    K_UNROLL
    for (uint32_t i = 0; i < $3; i++)
        r[i] = A.p[i * $2 + K_THREAD];
    for (uint32_t turn = 0; turn < A.turns; turn++) {
        K_UNROLL
        for (uint32_t i = 0; i < $3; i++)
            r[i] = r[i] * r[(i * 37 + 1) % $3] + turn;
    }
    K_UNROLL
    for (uint32_t i = 0; i < $3; i++)
        A.p[i * $2 + K_THREAD] = r[i];
}
END
}
expect() { # 'pass' or what must be said; thread bound, words; the table's row; the kernels' list
    local said=pass status=0
    cases=$((cases + 1))
    kernel k_mix_words "$2" "$3" > "$tree/kernels/mix.cu"
    printf '# table\n%s\n' "$4" > "$tree/kernels/budgets.txt"
    printf '#define K_LIST(X) %s\n' "$5" > "$tree/kernels/list.h"
    bash "$rules/kernels.sh" "$tree" "$work/out" 90 > "$work/log" 2>&1 || status=$?
    if [ "$status" = 77 ]; then
        cat "$work/log"
        exit 77
    fi
    [ "$status" = 0 ] || said=$(cat "$work/log")
    if ! grep -qE "$1" <<< "$said"; then
        printf 'expected: %s\nfound: %s\n' "$1" "$said"
        failures=$((failures + 1))
    fi
}
expect '^pass$' 256 8 'k_mix_* 256 4' 'X(k_mix_words)'
expect '^k_mix_words: [1-9][0-9]* bytes of stack, [1-9][0-9]* spilled' 1024 128 \
    'k_mix_words 1024 1' 'X(k_mix_words)'
expect '^k_mix_words: [0-9]+ registers, the budget is 32 \(8 blocks of 256 threads\)$' 256 64 \
    'k_mix_words 256 8' 'X(k_mix_words)'
expect '^k_mix_words: [0-9]+ registers, no row' 256 8 'k_other 256 1' 'X(k_mix_words)'
expect 'no kernel for the row k_other$' 256 8 $'k_mix_words 256 1\nk_other 64 1' 'X(k_mix_words)'
expect '^k_mix_words: its bound is 256 threads, its row says 128$' 256 8 'k_mix_words 128 1' \
    'X(k_mix_words)'
expect '^k_mix_words: is not in kernels/list.h$' 256 8 'k_mix_words 256 1' ''
expect '^k_gone: is in kernels/list.h only$' 256 8 'k_mix_words 256 1' 'X(k_mix_words) X(k_gone)'
expect 'a row is: pattern threads blocks$' 256 8 'k_mix_words 256' 'X(k_mix_words)'
expect 'mix.cu does not compile for sm_90$' 256 '8; uint32_t unused' 'k_mix_words 256 1' \
    'X(k_mix_words)'

[ "$failures" = 0 ] || exit 1
echo "kernels: $cases cases behave as they should"
