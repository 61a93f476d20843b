#!/bin/bash
# The batch scripts in tools/slurm are what `heloci submit --dry-run` prints for the descriptions
# beside them, and README.md there has every key.
#
#   examples.sh PROGRAM SOURCE_DIR           compares
#   examples.sh --write PROGRAM SOURCE_DIR   writes them anew
set -euo pipefail
write=0
if [ "${1:-}" = --write ]; then
    write=1
    shift
fi
program=${1:?usage: examples.sh [--write] PROGRAM SOURCE_DIR}
folder=${2:?usage: examples.sh [--write] PROGRAM SOURCE_DIR}/tools/slurm
printed=$(mktemp)
trap 'rm -f "$printed"' EXIT

# part DESCRIPTION NAME: what a dry run prints for this file: from its header to the next one, which
# stands behind an empty line.
part() {
    "$program" submit --dry-run "$folder/$1" > "$printed" 2> /dev/null
    sed -n "/^==> .*\\/$2 <==\$/,/^==> .* <==\$/{/^==> /!p}" "$printed" | head -n -1
}

failed=0
check() { # DESCRIPTION NAME FILE
    if [ "$write" = 1 ]; then
        part "$1" "$2" > "$folder/$3"
    elif ! diff -u "$folder/$3" <(part "$1" "$2"); then
        failed=1
    fi
}
check cpu.json scan.sbatch scan-cpu.sbatch
check gpu.json scan.sbatch scan-gpu.sbatch
check cpu.json merge.sbatch merge.sbatch
if [ "$failed" = 1 ]; then
    echo "if that is what they shall be: tests/slurm/examples.sh --write PROGRAM SOURCE_DIR"
fi
echo '{"": 0}' > "$printed"
keys=$("$program" submit "$printed" 2>&1 | sed -n 's/.*; there are //p' || true)
[ "$(wc -w <<< "$keys")" -gt 20 ] || { echo "no list of keys"; failed=1; }
for key in $keys; do
    grep -qF "\`$key\`" "$folder/README.md" || { echo "README.md does not have the key $key"; failed=1; }
done
exit $failed
