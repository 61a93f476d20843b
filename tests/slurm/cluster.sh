#!/bin/bash
# A Slurm of one node for the time of one command: slurmctld, slurmd and munged from the system's
# packages, everything else in a fresh folder, on ports that are free, without systemd. Several can
# run on one machine.
#
#   cluster.sh COMMAND [ARGUMENT...]     for instance: cluster.sh bash
#
# The command finds the cluster through SLURM_CONF, and in HEL_CLUSTER the folder (logs, and what the
# command wants to leave there for its time). The node has 16 processors and 64 GB, whatever the
# machine has, and two GPUs that are the null device. Partitions: work (the default), and urgent, which
# preempts it: SIGTERM, a minute later SIGKILL, and the job is queued again. What is queued again
# waits seconds, not the usual two minutes (cred_expire).
#
# Ends with the command's exit code; 77 when a cluster cannot run here (no packages, not root), 70
# when it should and did not start. Daemons and jobs end with the command, also when this script is
# killed, and the folder goes.
set -euo pipefail

if [ $# = 0 ]; then
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
    exit 64
fi

skip() {
    echo "cluster: $1: skipped" >&2
    exit 77
}
export PATH=$PATH:/usr/sbin:/sbin
for tool in munged slurmctld slurmd sbatch scontrol setpriv; do
    command -v "$tool" > /dev/null || skip "$tool is not installed"
done
[ "$(id -u)" = 0 ] || skip "slurmd runs as root only"

# Sockets have short paths, and munged wants folders that nobody else can write to.
folder=$(mktemp -d "${TMPDIR:-/tmp}/slurm.XXXXXX")
if [ ${#folder} -gt 50 ]; then
    rmdir "$folder"
    folder=$(mktemp -d /tmp/slurm.XXXXXX)
fi
export SLURM_CONF=$folder/slurm.conf HEL_CLUSTER=$folder

# Everything that was started here, daemons, steps and jobs, has SLURM_CONF in its environment.
ours() {
    local environment pid
    for environment in /proc/[0-9]*/environ; do
        pid=${environment#/proc/}
        pid=${pid%/environ}
        if [ "$pid" != $$ ] && [ "$pid" != "$BASHPID" ] &&
            grep -qzFx "SLURM_CONF=$SLURM_CONF" "$environment" 2> /dev/null; then
            echo "$pid"
        fi
    done
}

# The daemons first, so that none starts another job; then what is left, until nothing is.
tear_down() {
    local round pids
    for round in TERM TERM KILL KILL KILL KILL; do
        mapfile -t pids < <(ours)
        [ ${#pids[@]} -gt 0 ] || break
        kill -s $round "${pids[@]}" 2> /dev/null || true
        sleep 0.3
    done
    rm -rf "$folder"
}

# free_ports N: N ports below those that the system gives away by itself, that nobody listens on.
free_ports() {
    local port found=0
    while [ $found -lt "$1" ]; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        if ! (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
            echo $port
            found=$((found + 1))
        fi
    done
}

make_gpus() {
    local i
    for i in 0 1; do
        ln -s /dev/null "$folder/gpu$i"
    done
    echo "Name=gpu Type=fake File=$folder/gpu[0-1]" > "$folder/gres.conf"
}

write_conf() { # PORT PORT
    local host
    host=$(hostname -s)
    cat > "$SLURM_CONF" << END
ClusterName=heloci
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$1
SlurmdPort=$2
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=60
MinJobAge=300
ReturnToService=2
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=16 RealMemory=64000 Gres=gpu:fake:2 State=UNKNOWN
PartitionName=work Nodes=$host Default=YES MaxTime=INFINITE PriorityTier=1 GraceTime=0
PartitionName=urgent Nodes=$host MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF
END
}

# daemon COMMAND...: in the background, killed by the kernel when this shell is gone.
daemon() {
    setpriv --pdeathsig KILL "$@" > "$folder/$1.out" 2>&1 < /dev/null &
    disown # bash need not say how it ended
}

node_is_idle() {
    [ "$(sinfo -h -o %T 2> /dev/null | sort -u)" = idle ]
}

start() {
    local ports round
    mkdir -m 700 "$folder"/{munge,state,spool}
    make_gpus
    head -c 1024 /dev/urandom > "$folder/munge/key"
    chmod 400 "$folder/munge/key"
    daemon munged --foreground --force --num-threads=2 --socket="$folder/munge/socket" \
        --key-file="$folder/munge/key" --pid-file="$folder/munge/pid" \
        --seed-file="$folder/munge/seed" --log-file="$folder/munge/log"
    for round in {1..50}; do
        [ -S "$folder/munge/socket" ] && break
        sleep 0.1
    done
    # Another program may take a port before we do: then once more with others.
    for round in {1..4}; do
        mapfile -t ports < <(free_ports 2)
        write_conf "${ports[@]}"
        daemon slurmctld -D -i
        controller=$!
        daemon slurmd -D
        worker=$!
        for _ in {1..150}; do
            node_is_idle && return 0
            kill -0 "$controller" 2> /dev/null && kill -0 "$worker" 2> /dev/null || break
            sleep 0.2
        done
        kill -s KILL "$controller" "$worker" 2> /dev/null || true
    done
    return 1
}

# The watcher clears up after this script when it was killed and could not; it has nothing to read
# from the pipe, but no process to wait with either.
mkfifo "$folder/nothing"
(
    trap '' INT TERM HUP
    exec 3<> "$folder/nothing"
    while kill -0 $$ 2> /dev/null; do
        read -r -t 1 -u 3 || true
    done
    tear_down
) > /dev/null 2>&1 < /dev/null &
watcher=$!
disown
trap 'tear_down; kill -s KILL "$watcher" 2> /dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if ! start; then
    echo "cluster: Slurm did not start:" >&2
    tail -n 5 "$folder"/*.log "$folder"/*.out "$folder/munge/log" >&2 || true
    exit 70
fi
rc=0
"$@" || rc=$?
exit $rc
