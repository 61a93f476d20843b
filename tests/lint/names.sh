#!/bin/bash
# A source file's name tells which file it is: names are unique in the tree. Tests are t_<module>.c,
# oracles ref_<x>, benchmarks b_<x>.c.
set -euo pipefail
cd "${1:?usage: names.sh SOURCE_DIR}"
failed=0
files=$(find host include kernels tests bench tools \( -name '*.c' -o -name '*.h' -o -name '*.cu' \) \
        2>/dev/null | LC_ALL=C sort)
while read -r name; do
    [ -n "$name" ] || continue
    echo "the name $name is used twice:" $(grep "/$name\$" <<< "$files")
    failed=1
done < <(sed 's|.*/||' <<< "$files" | LC_ALL=C sort | uniq -d)
while read -r file; do
    case $file in
    tests/ref/ref_*) ;;
    tests/ref/*) echo "$file: oracles are named ref_<x>"; failed=1 ;;
    esac
    case ${file##*/} in
    *[!a-z0-9_.]*) echo "$file: names are lower case"; failed=1 ;;
    esac
done <<< "$files"
exit "$failed"
