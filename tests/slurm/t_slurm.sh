#!/bin/bash
# A scan as an array of jobs of a real Slurm, from `heloci submit` to the owner's table:
#
#   cluster.sh t_slurm.sh PROGRAM TOOLS_SLURM
#
# One array on GPUs: two shards lose their place to a more urgent job while they work, one is warned
# as before a time limit; all are queued again and the merge behind them runs, with nobody's help. Then
# a shard is cancelled. One array on CPUs, whose input is damaged where one shard reads it. What is
# missing is submitted again. Tables and sums must be those of one process, byte for byte.
set -euo pipefail
program=$(realpath "${1:?usage: cluster.sh t_slurm.sh PROGRAM TOOLS_SLURM}")
examples=$(realpath "${2:?usage: cluster.sh t_slurm.sh PROGRAM TOOLS_SLURM}")
: "${HEL_CLUSTER:?run this by cluster.sh}"

work="$HEL_CLUSTER/it's \$work"
mkdir "$work"
cd "$work"

begin() {
    printf '%3d s  %s\n' $SECONDS "$1"
}

fail() {
    set +x
    echo "FAILED: $1" >&2
    squeue || true
    tail -n 30 ./*.slurm/*.log "$HEL_CLUSTER"/slurmctld.log "$HEL_CLUSTER"/slurmd.log >&2 || true
    exit 1
}

# quietly COMMAND...: what it says is shown only when it fails.
quietly() {
    "$@" > said 2>&1 || { cat said >&2; fail "$*"; }
}

# All waiting ends before ctest's TIMEOUT, which would show no logs.
readonly DEADLINE=220

# await SECONDS WHAT COMMAND...: until the command succeeds.
await() {
    local limit=$((SECONDS + $1)) what=$2
    shift 2
    [ $limit -le $DEADLINE ] || limit=$DEADLINE
    until "$@" > said 2>&1; do
        [ $SECONDS -lt $limit ] || fail "$what: not in time"
        sleep 0.1
    done
}

there() {
    local file
    for file in "$@"; do
        [ -f "$file" ] || fail "$file is not there"
    done
}

absent() {
    local file
    for file in "$@"; do
        [ ! -e "$file" ] || fail "$file is there"
    done
}

# says FILE TEXT...
says() {
    local file=$1 text
    shift
    for text in "$@"; do
        grep -qF -- "$text" "$file" || { cat "$file" >&2; fail "$file does not say '$text'"; }
    done
}

# ---- cohorts, and what one process makes of them ----

# cohort NAME SAMPLES VARIANTS COVARIATES: random, the same every time.
cohort() {
    awk -v name="$1" -v samples="$2" -v variants="$3" -v covariates="$4" 'BEGIN {
        srand(7)
        print "FID IID T" > (name ".pheno")
        printf "FID IID" > (name ".covar")
        for (k = 1; k <= covariates; k++)
            printf " c%d", k > (name ".covar")
        for (i = 1; i <= samples; i++) {
            print "f", "i" i, 0, 0, 1, -9 > (name ".fam")
            print "f", "i" i, 10 * rand() > (name ".pheno")
            printf "\nf i%d", i > (name ".covar")
            for (k = 1; k <= covariates; k++)
                printf " %.4f", rand() > (name ".covar")
        }
        print "" > (name ".covar")
        for (v = 1; v <= variants; v++)
            print 1 + int((v - 1) / 15000), "v" v, 0, 10 * v, "A", "G" > (name ".bim")
    }'
    printf '\x6c\x1b\x01' > "$1.bed"
    head -c $((($2 + 3) / 4 * $3)) /dev/zero |
        openssl enc -aes-128-ctr -K 00112233445566778899aabbccddeeff -iv 00 >> "$1.bed" 2> /dev/null
    quietly "$program" encrypt --bfile "$1" --key lab.key --out "$1" --quiet
    quietly "$program" null --data "$1.private" --key lab.key --pheno "$1.pheno" \
        --covar "$1.covar" --out "$1" --quiet
    quietly "$program" scan --geno "$1.geno" --weights "$1.weights" --evk lab.evk --out "$1.single" \
        --backend cpu --quiet
    decrypt "$1" "$1.single"
}

decrypt() { # COHORT OUT: its sums to its table
    quietly "$program" decrypt --sums "$2.sums" --data "$1.private" --model "$1.model" \
        --key lab.key --out "$2" --quiet
    there "$2.T.glm.linear"
}

# The same bytes as from one process, and nothing of the work left.
compare() { # COHORT OUT
    there "$2.sums"
    cmp "$2.sums" "$1.single.sums" || fail "$2.sums is not what one process wrote"
    decrypt "$1" "$2"
    cmp "$2.T.glm.linear" "$1.single.T.glm.linear" || fail "the tables differ"
    absent "$2"*.part "$2"*.ckpt
}

# ---- Slurm ----

# describe NAME COHORT MORE: NAME.json, four shards of one processor; a line in the log for every
# start.
describe() {
    local quoted=${program//\\/\\\\}
    cat > "$1.json" << END
{
    "geno": "$2.geno", "weights": "$2.weights", "evk": "lab.evk", "out": "$1", "shards": 4,
    "program": "${quoted//\"/\\\"}", "cpus": 1, "memory": "2G", "checkpoint": 3600,
    "setup": ["echo \"start \${SLURM_RESTART_COUNT:-0} on gpu \${CUDA_VISIBLE_DEVICES-none}\""],
    $3
}
END
}

# submit NAME: sets scan and merge, the jobs' numbers; what was said is in NAME.said.
submit() {
    "$program" submit "$1.json" > "$1.said" 2>&1 || { cat "$1.said" >&2; fail "submit $1.json"; }
    scan=$(awk '$2 == "scan" { id = $1 } END { print id }' "$1.slurm/jobs")
    merge=$(awk '$2 == "merge" { id = $1 } END { print id }' "$1.slurm/jobs")
}

queue_is_empty() {
    [ -z "$(squeue --noheader)" ]
}

# is JOB NAME=VALUE: the job's record has these words.
is() {
    scontrol --oneliner show job "$1" | grep -qF -- " $2 "
}

# The program of a shard, among the processes of this cluster.
program_of() { # SHARD
    local file
    for file in $(grep -lzFx -- "$1/4" /proc/[0-9]*/cmdline 2> /dev/null || true); do
        if grep -qzFx "SLURM_CONF=$SLURM_CONF" "${file%/cmdline}/environ" 2> /dev/null; then
            basename "${file%/cmdline}"
        fi
    done
}

# freeze NAME SHARD...: stops the program of each when it is at work, whichever is first. Programs
# are found while they begin, so that nothing is slow when the moment has come.
freeze() {
    local name=$1 limit=$((SECONDS + 60)) i
    local -a pid=()
    shift
    local left=" $* "
    [ $limit -le $DEADLINE ] || limit=$DEADLINE
    while [ "$left" != ' ' ]; do
        for i in $left; do
            if [ -z "${pid[i]:-}" ]; then
                pid[i]=$(program_of "$i")
            elif [ -e "$name.$i-of-4.sums.part" ]; then
                kill -s STOP "${pid[i]}" 2> /dev/null || fail "shard $i ended before it was stopped"
                left=${left/ $i / }
            elif ! [ -e "/proc/${pid[i]}" ]; then
                pid[i]=
            fi
            ! [ -e "$name.$i-of-4.sums" ] || fail "shard $i was finished before it was stopped"
        done
        [ $SECONDS -lt $limit ] || fail "shards$left are not at work in time"
        sleep 0.01
    done
}

# A signal waits for a program that is stopped.
is_signalled() { # PID
    local name pending all=0
    while read -r name pending; do
        case $name in
        SigPnd: | ShdPnd:) all=$((all | 16#$pending)) ;;
        esac
    done < "/proc/$1/status"
    [ $all != 0 ]
}

# ---- the stories ----

gpu_story() {
    local urgent pid
    describe gpu deep '"backend": "cpu", "gpus": 1'
    submit gpu
    says gpu.said "computes shards 1-4 of 4"

    begin "GPUs: shards 1 and 2 lose their place while they work"
    freeze gpu 1 2
    urgent=$(sbatch --parsable --partition=urgent --cpus-per-task=16 --output=urgent.log \
        --wrap 'echo urgent')
    await 60 "an urgent job that takes the place" is "$urgent" JobState=COMPLETED
    absent gpu.1-of-4.sums gpu.2-of-4.sums
    there gpu.1-of-4.ckpt gpu.2-of-4.ckpt

    begin "GPUs: shard 3 is warned"
    freeze gpu 3
    pid=$(program_of 3)
    scancel --batch --signal=USR1 "${scan}_3"
    await 30 "a warning that is passed on" is_signalled "$pid"
    kill -s CONT "$pid"

    begin "GPUs: all go on, and their merge follows"
    await 60 "the array and its merge" queue_is_empty
    says "gpu.slurm/scan.${scan}_1.log" "start 0 on gpu " "start 1 on gpu " \
        "shard 1 stopped with its job" "went on from a checkpoint"
    says "gpu.slurm/scan.${scan}_2.log" "start 0 on gpu " "start 1 on gpu "
    says "gpu.slurm/scan.${scan}_3.log" "start 0 on gpu " "start 1 on gpu " \
        "shard 3 is to go on from its checkpoint" "went on from a checkpoint"
    is "$merge" JobState=COMPLETED || fail "the merge did not follow"
    there "gpu.slurm/merge.$merge.log"
    cat gpu.slurm/scan.*.log > gpu.log
    says gpu.log "on gpu 0" "on gpu 1"
    ! grep -q "on gpu none" gpu.log || fail "a task has no GPU"
    compare deep gpu
}

# The same scan again, where all is there but shard 4.
cancelled_story() {
    rm gpu.sums gpu.sums.manifest gpu.4-of-4.sums gpu.4-of-4.sums.manifest
    begin "GPUs: a shard is cancelled"
    submit gpu
    says gpu.said "computes shard 4 of 4"
    freeze gpu 4
    scancel "${scan}_4"
    await 60 "an array without work" queue_is_empty
    there gpu.4-of-4.ckpt
    absent gpu.4-of-4.sums gpu.sums
    is "${scan}_4" JobState=CANCELLED || fail "a shard that was cancelled came back"
    is "$merge" JobState=CANCELLED || fail "the merge was not given up"

    begin "GPUs: what is missing again"
    submit gpu
    says gpu.said "computes shard 4 of 4"
    await 60 "the rest of the array and its merge" queue_is_empty
    says "gpu.slurm/scan.${scan}_4.log" "went on from a checkpoint"
    compare deep gpu
}

# Sixteen bytes of the third quarter of the genotypes: shard 3.
cpu_story() {
    local at=$(($(stat -c %s wide.geno) / 8 * 5))
    begin "CPUs: an input that is damaged where shard 3 reads it"
    describe cpu wide '"max_running": 3'
    dd if=wide.geno of=good bs=1 skip=$at count=16 2> /dev/null
    head -c 16 /dev/urandom | dd of=wide.geno bs=1 seek=$at conv=notrunc 2> /dev/null
    submit cpu
    await 60 "an array that fails" queue_is_empty
    there cpu.{1,2,4}-of-4.sums
    absent cpu.3-of-4.sums cpu.sums
    is "${scan}_3" ExitCode=65:0 || fail "shard 3 did not fail with 65"
    is "$merge" JobState=CANCELLED || fail "the merge was not given up"
    says "cpu.slurm/scan.${scan}_3.log" wide.geno

    begin "CPUs: mended, and what is missing again"
    dd if=good of=wide.geno bs=1 seek=$at conv=notrunc 2> /dev/null
    submit cpu
    says cpu.said "computes shard 3 of 4"
    await 60 "the rest of the array and its merge" queue_is_empty
    compare wide cpu
    submit cpu
    says cpu.said "nothing to do"
}

begin "the examples are what this Slurm takes"
for script in "$examples"/*.sbatch; do
    quietly sbatch --test-only "$script"
done

begin "owner: key, genotypes, weights; one process"
quietly "$program" keygen --out lab --quiet
# Four blocks of variants and four tiles of samples: a shard is at work for a while and stops between.
cohort deep 200 32768 10
# 32 blocks in four super-blocks: a shard is one stretch of the file.
cohort wide 20 262144 2

gpu_story
cancelled_story
cpu_story
begin "all of it works"
