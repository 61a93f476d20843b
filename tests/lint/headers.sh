#!/bin/bash
# Every header compiles alone; the public ones also as strict C17 and as C++17, and all together,
# with their initializers in use, in every standard since C99 and C++11. Exempt are bodies of vector
# twins (<x>_vec.h), which a twin includes after it has defined the vector type.
set -euo pipefail
source_dir=${1:?usage: headers.sh SOURCE_DIR BUILD_INCLUDE_DIR}
build_include=${2:?usage: headers.sh SOURCE_DIR BUILD_INCLUDE_DIR}
cd "$source_dir"
cc=${CC:-cc}
cxx=${CXX:-c++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
includes=(-I. -Iinclude -I"$build_include")
# shellcheck disable=SC2207 # flags are words
includes+=($(pkg-config --cflags cairo libxxhash hwloc 2>/dev/null || true))
warnings=(-Wall -Wextra -Werror)
vector=()
if echo 'int x;' | "$cc" -mavx512f -x c -fsyntax-only - 2>/dev/null; then
    vector=(-mavx2 -mfma -mavx512f -mavx512dq -mavx512bw -mavx512vl)
fi
failed=0
count=0

compiles() { # what, then the compiler and its flags
    local what=$1
    shift
    if ! "$@" "${includes[@]}" "${warnings[@]}" > "$work/log" 2>&1; then
        echo "$what with: $*"
        head -n 5 "$work/log"
        failed=1
    fi
    count=$((count + 1))
}

# An included header also shows what it forgot to include; the empty unit needs one declaration.
alone() { # name, then the compiler and its flags
    local header=$1
    shift
    printf '#include "%s"\ntypedef int hel_lint_unit;\n' "$header" > "$work/unit.c"
    cp "$work/unit.c" "$work/unit.cc"
    compiles "$header: does not compile alone" "$@"
}

for header in include/heloci/*.h; do
    name=heloci/${header##*/}
    alone "$name" "$cc" -std=c17 -pedantic -fsyntax-only "$work/unit.c"
    alone "$name" "$cxx" -std=c++17 -pedantic -fsyntax-only "$work/unit.cc"
done

{
    printf '#include "%s"\n' include/heloci/*.h | sed 's|include/||'
    sed -n 's/^#define HEL_\([A-Z0-9_]*\)_INIT\( .*\|$\)/\1/p' include/heloci/*.h |
        while read -r name; do
            printf 'hel_%s lint_%s = HEL_%s_INIT;\n' "${name,,}" "${name,,}" "$name"
        done
    echo 'int main(void) { return 0; }'
} > "$work/all.c"
cp "$work/all.c" "$work/all.cc"
for standard in c99 c11 c17; do
    compiles "public headers: do not compile together" \
        "$cc" -std=$standard -pedantic -fsyntax-only "$work/all.c"
done
for standard in c++11 c++17 c++20; do
    compiles "public headers: do not compile together" \
        "$cxx" -std=$standard -pedantic -fsyntax-only "$work/all.cc"
done

while read -r header; do
    case $header in
    *_vec.h) continue ;;
    *avx*) [ ${#vector[@]} -gt 0 ] || continue ;;
    esac
    alone "$header" "$cc" -std=gnu17 -D_GNU_SOURCE -Wno-unused-function "${vector[@]}" \
        -fsyntax-only "$work/unit.c"
done < <(find host kernels tools -name '*.h' | LC_ALL=C sort)
[ "$failed" = 0 ] || exit 1
echo "headers: $count compilations"
