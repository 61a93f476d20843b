#!/bin/bash
# Words that must not appear: unfinished work, calls that a library has no business making, and
# functions with a safer form.
set -euo pipefail
cd "${1:?usage: words.sh SOURCE_DIR}"
failed=0

ban() { # explanation, extended regular expression, folders...
    local why=$1 expression=$2 hits folder
    local folders=()
    shift 2
    for folder in "$@"; do
        [ -d "$folder" ] && folders+=("$folder")
    done
    [ ${#folders[@]} -gt 0 ] || return 0
    hits=$(grep -rnE --include='*.c' --include='*.h' --include='*.cu' --include='*.cc' \
        "$expression" "${folders[@]}" || true)
    # Comments may speak of printf; a line that is all comment does not count.
    hits=$(grep -vE '^[^:]+:[0-9]+:[[:space:]]*(\*|//|/\*)' <<< "$hits" || true)
    if [ -n "$hits" ]; then
        echo "$why:"
        echo "$hits"
        failed=1
    fi
}

start='(^|[^a-zA-Z0-9_])'
# The words are written in two parts, so that a search for them does not find this line.
marks=$(grep -rnE '(TO''DO|FIX''ME|HA''CK)([^a-zA-Z]|$)' --include='*.c' --include='*.h' --include='*.cu' \
    host include kernels tests bench tools 2>/dev/null || true)
if [ -n "$marks" ]; then
    printf 'unfinished work belongs into an issue:\n%s\n' "$marks"
    failed=1
fi
ban "the library never ends the process" "${start}(exit|_exit|_Exit|abort|quick_exit)[[:space:]]*\(" host
ban "the library never prints" \
    "${start}(printf|vprintf|puts|putchar|perror|fprintf[[:space:]]*\([[:space:]]*std(err|out))" host
ban "the library has no business with these streams" "${start}(stdout|stderr)([^a-zA-Z0-9_]|$)" host
ban "unbounded or stateful; use the bounded form" \
    "${start}(strcat|sprintf|gets|strtok|rand|srand|system|popen|tmpnam|mktemp)[[:space:]]*\(" \
    host include kernels tools
ban "memory on the stack of unknown size" "${start}alloca[[:space:]]*\(" host kernels tools tests bench
exit "$failed"
