#!/bin/bash
# The ABI by name: what libheloci.so exports, what include/heloci declares with HEL_API and what
# tests/golden/symbols.txt lists are the same functions. The static library adds internal names to
# a program, all of which begin with hel_.
#
#   symbols.sh SOURCE_DIR libheloci.so libheloci.a            compares
#   symbols.sh SOURCE_DIR libheloci.so libheloci.a --update   writes the list anew
set -euo pipefail
usage="usage: symbols.sh SOURCE_DIR SHARED_LIBRARY STATIC_LIBRARY [--update]"
source_dir=${1:?$usage}
shared=${2:?$usage}
static=${3:?$usage}
golden=$source_dir/tests/golden/symbols.txt
if ! command -v nm > /dev/null; then
    echo "nm (binutils) is not installed: skipped"
    exit 77
fi
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Declarations without comments and directives, one to a line; the name stands before the first
# parenthesis.
cat "$source_dir"/include/heloci/*.h | tr '\n' '\001' |
    sed -e 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/| |g' | tr '\001' '\n' |
    sed -e '/^[ \t]*#/d' -e 's|//.*||' | tr '\n' ' ' | tr ';{}' '\n\n\n' |
    sed -n 's/^.*HEL_API[^(]*[ *]\([A-Za-z0-9_]*\)(.*$/\1/p' | sort > "$work/declared"
nm -D --defined-only "$shared" | sed 's/^.* //' | sort > "$work/exported"

if [ "${4:-}" = --update ]; then
    cp "$work/exported" "$golden"
    echo "$golden: $(wc -l < "$golden") functions"
fi

failed=0
# differ TEXT FILE1 FILE2: names that only FILE1 has.
differ() {
    local names
    names=$(comm -23 "$2" "$3")
    if [ -n "$names" ]; then
        printf '%s:\n%s\n' "$1" "${names//$'\n'/ }"
        failed=1
    fi
}
repeated=$(uniq -d "$work/declared")
if [ -n "$repeated" ] || [ ! -s "$work/declared" ]; then
    echo "declared twice, or nothing found: $repeated"
    failed=1
fi
differ "declared with HEL_API but not in the library" "$work/declared" "$work/exported"
differ "exported but not declared with HEL_API in include/heloci" "$work/exported" "$work/declared"
differ "new in the library, not in tests/golden/symbols.txt" "$work/exported" "$golden"
differ "gone from the library, in tests/golden/symbols.txt" "$golden" "$work/exported"

nm -g --defined-only "$static" | sed -n 's/^[0-9a-f]* [A-Z] //p' | sort -u > "$work/static"
foreign=$(grep -v '^hel_' "$work/static" || true)
if [ -n "$foreign" ] || [ ! -s "$work/static" ]; then
    printf 'the static library defines names that do not begin with hel_:\n%s\n' "$foreign"
    failed=1
fi

if [ "$failed" != 0 ]; then
    echo "If the change is meant, say so in NEWS.md (a function that goes or changes needs a new" \
        "version) and run: bash $0 $1 $2 $3 --update"
    exit 1
fi
echo "symbols: $(wc -l < "$golden") functions"
