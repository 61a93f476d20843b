#!/bin/bash
# Shows every rule a tree that breaks it; a rule that stays silent is broken itself.
set -euo pipefail
rules=${1:?usage: self.sh LINT_DIR}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
cases=0

tree() { # starts an empty project
    rm -rf "$work/tree"
    mkdir -p "$work/tree"/{host/{base,ring,geno,store,assoc},include/heloci,kernels,tests/ref,bench,tools/heloci}
    echo 'typedef int hel_fine;' > "$work/tree/include/heloci/fine.h"
    cp "$work/tree/include/heloci/fine.h" "$work/tree/host/base/plain.h"
}
put() { # path, text
    printf '%b\n' "$2" > "$work/tree/$1"
}
expect() { # outcome (good or bad), rule, what is shown
    local outcome=good
    cases=$((cases + 1))
    bash "$rules/$2.sh" "$work/tree" "$work/tree/include" > "$work/log" 2>&1 || outcome=bad
    if [ "$outcome" != "$1" ]; then
        echo "rule $2 finds this $outcome, not $1: $3"
        cat "$work/log"
        failures=$((failures + 1))
    fi
}

for rule in layers headers sizes names words; do
    tree
    expect good $rule "an empty project"
done

tree; put host/ring/a.c '#include "host/base/plain.h"'; expect good layers "ring includes base"
tree; put host/base/a.c '#include "host/ring/b.h"'; expect bad layers "base includes ring"
tree; put host/geno/a.c '#include "host/store/b.h"'; expect bad layers "geno includes store"
tree; put host/store/a.c '#include "host/geno/b.h"'; expect bad layers "store includes geno"
tree; put host/assoc/a.c '#include "host/base/b_private.h"'; expect bad layers "another's private header"
tree; put host/base/a.c '#  include "plain.h"'; expect bad layers "an include without its path"
tree; put tools/heloci/a.c '#include "host/base/plain.h"'; expect bad layers "a tool inside the library"
tree; put include/heloci/a.h '#include "host/base/plain.h"'; expect bad layers "a public header inside"
tree; put host/base/a.h 'uint32_t hel_x(void);'; expect bad headers "a header that forgot stdint.h"
tree; put include/heloci/a.h 'typedef struct hel_a { int class; } hel_a;'; expect bad headers "not C++"
twice='typedef struct hel_a hel_a;'
tree; put include/heloci/a.h "$twice\\n$twice"; expect bad headers "not C99"
tree; put include/heloci/a.h 'typedef enum { HEL_B } hel_b;\ntypedef struct hel_a { hel_b b; } hel_a;
#define HEL_A_INIT { 0 }'; expect bad headers "an initializer that is not C++"
tree; yes 'int x;' | head -n 801 > "$work/tree/host/base/a.c" || true; expect bad sizes "801 lines"
tree; yes 'int x;' | head -n 800 > "$work/tree/host/base/a.c" || true; expect good sizes "800 lines"
tree; put host/base/a.c "// $(printf 'x%.0s' {1..98})"; expect bad sizes "101 columns"
tree; put host/base/a.c 'int x;'; put host/ring/a.c 'int y;'; expect bad names "two files a.c"
tree; put tests/ref/oracle.c 'int x;'; expect bad names "an oracle not named ref_"
tree; put host/base/a.c '/* TO''DO: later */'; expect bad words "unfinished work"
tree; put host/base/a.c 'void f(void) { exit(1); }'; expect bad words "exit in the library"
tree; put host/base/a.c 'void f(void) { fprintf(stderr, "x"); }'; expect bad words "print in the library"
tree; put host/base/a.c 'void f(void) { snprintf(b, 1, "x"); }'; expect good words "snprintf"
tree; put host/base/a.c ' * may printf(3) be called? abort()'; expect good words "a comment about printf"
tree; put tools/heloci/a.c 'void f(char *b) { sprintf(b, "x"); }'; expect bad words "sprintf"

[ "$failures" = 0 ] || exit 1
echo "lint: $cases cases behave as they should"
