#!/bin/bash
# The layer law. A file in host/<layer>/ includes only its own layer and those below; geno and store
# do not know each other; <x>_private.h stays in its layer; tools know the public headers only.
set -euo pipefail
cd "${1:?usage: layers.sh SOURCE_DIR}"

awk_program='
BEGIN {
    count = split("base ring backend sched ckks geno store assoc", order, " ")
    for (i = 1; i <= count; i++)
        rank[order[i]] = i
}
function bad(rule) {
    printf "%s:%d: includes %s: %s\n", FILENAME, FNR, target, rule
    failed = 1
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, quoted, "\"")
    target = quoted[2]
    split(FILENAME, own, "/")
    split(target, there, "/")
    if (own[1] == "host") {
        if (!(own[2] in rank))
            bad("its folder is not a layer")
        else if (there[1] == "host") {
            if (!(there[2] in rank))
                bad("that folder is not a layer")
            else if (rank[there[2]] > rank[own[2]])
                bad(own[2] " is below " there[2])
            else if (own[2] == "store" && there[2] == "geno")
                bad("geno and store are siblings")
            else if (target ~ /_private\.h$/ && there[2] != own[2])
                bad("private to " there[2])
        } else if (there[1] != "heloci" && there[1] != "kernels")
            bad("host includes host/, heloci/ and kernels/ only, by their full path")
    } else if (own[1] == "include") {
        if (there[1] != "heloci")
            bad("public headers include public headers only")
    } else if (own[1] == "kernels") {
        if (there[1] != "kernels")
            bad("kernels include kernels only")
    } else if (own[1] == "tools") {
        if (there[1] != "heloci" && there[1] != "tools")
            bad("tools use the public headers only")
    }
}
END { exit failed }
'
mapfile -t files < <(find host include kernels tools \( -name '*.c' -o -name '*.h' -o -name '*.cu' \) \
                     2>/dev/null | LC_ALL=C sort)
awk "$awk_program" "${files[@]}" /dev/null
echo "layers: ${#files[@]} files keep the law"
