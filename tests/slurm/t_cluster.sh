#!/bin/bash
# cluster.sh itself: exit codes, several at a time, and nothing that stays, whatever happens.
#
#   t_cluster.sh CLUSTER_SH
set -euo pipefail
cluster=${1:?usage: t_cluster.sh CLUSTER_SH}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $1" >&2
    exit 1
}
# left FOLDER: processes of its cluster.
left() {
    local environment
    for environment in /proc/[0-9]*/environ; do
        if grep -qzFx "SLURM_CONF=$1/slurm.conf" "$environment"; then
            echo "$environment"
        fi
    done 2> /dev/null
}
gone() {
    [ ! -e "$1" ] && [ -z "$(left "$1")" ]
}
await() { # SECONDS COMMAND...
    local limit=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $limit ] || fail "not in time: $*"
        sleep 0.1
    done
}

rc=0
bash "$cluster" bash -c "echo \"\$HEL_CLUSTER\" > '$work/folder'; exit 7" || rc=$?
[ $rc != 77 ] || exit 77
[ $rc = 7 ] || fail "the command's exit code 7 came out as $rc"
gone "$(cat "$work/folder")" || fail "something is left of a cluster that ended"

# Two at a time; each runs a job that would take an hour, then one is killed. Neither minds the other.
for i in 1 2; do
    # shellcheck disable=SC2016
    bash "$cluster" bash -c '
        id=$(sbatch --parsable --output=/dev/null --wrap "sleep 3600")
        until [ "$(squeue --noheader --format=%T --jobs="$id")" = RUNNING ]; do sleep 0.1; done
        echo "$HEL_CLUSTER" > "$1.part"
        mv "$1.part" "$1"
        read -r _ < "$2"' bash "$work/ready$i" "$work/go$i" &
    pid[i]=$!
    mkfifo "$work/go$i"
done
await 60 test -e "$work/ready1"
await 60 test -e "$work/ready2"
first=$(cat "$work/ready1") second=$(cat "$work/ready2")
[ "$first" != "$second" ] || fail "two clusters share a folder"
[ -n "$(left "$first")" ] && [ -n "$(left "$second")" ] || fail "a cluster has no processes"
kill -s KILL "${pid[1]}"
wait "${pid[1]}" 2> /dev/null || true
await 30 gone "$first"
[ -n "$(left "$second")" ] || fail "a cluster ended with another one"
echo > "$work/go2"
wait "${pid[2]}" || fail "the second cluster ended with $?"
gone "$second" || fail "something is left of the second cluster"

# Who is not root is told so.
rc=0
chmod 755 "$work"
cp "$cluster" "$work/cluster.sh"
setpriv --reuid=65534 --regid=65534 --clear-groups bash "$work/cluster.sh" true 2> "$work/said" || rc=$?
[ $rc = 77 ] && grep -q 'as root only: skipped' "$work/said" || fail "not root: $rc, $(cat "$work/said")"
echo "cluster: nothing is left"
