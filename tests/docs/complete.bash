#!/bin/bash
# bash completion, called as readline calls it. Lines are split as readline does with '=' and ':'
# among COMP_WORDBREAKS; what is compared are the candidates for the part that it would replace.
# shellcheck disable=SC2016,SC2088 # dollars and tildes are meant as they stand
set -uo pipefail
usage="usage: complete.bash COMPLETION PROGRAM"
completion=$(realpath "${1:?$usage}")
program=$(realpath "${2:?$usage}")

# shellcheck disable=SC1090
source "$completion" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
HOME=$work/home
mkdir -p "$HOME" "$work/here/sub" "$work/here/dir space" "$work/empty"
cd "$work/here" || exit 1
touch mice.{geno,bed,bim,fam,key,notes} other.geno "my file.geno" 'a:b.geno' 'we ird$x.geno' \
    'q"t.geno' sub/deep.geno 'dir space/in.geno' s.1-of-2.sums s.2-of-2.sums -- .geno "$HOME/mice.geno" t.glm.linear t.csv
failures=0 cases=0

# split TEXT SEPARATORS: pieces of a line; quotes hold, separators are pieces of their own.
split() {
    local text=$1 i c quote='' piece='' open=0
    pieces=()
    for ((i = 0; i < ${#text}; i++)); do
        c=${text:i:1}
        if [[ $quote ]]; then
            piece+=$c
            [[ $c != "$quote" ]] || quote=''
        elif [[ $c == \\ ]]; then
            piece+=$c${text:i+1:1}
            open=1
            i=$((i + 1))
        elif [[ $c == ' ' ]]; then
            ((open)) && pieces+=("$piece")
            piece='' open=0
        elif [[ $2 && $c == [$2] ]]; then
            if ((open)) && [[ $piece != [$2]* ]]; then
                pieces+=("$piece")
                piece=''
            fi
            piece+=$c
            open=1
        else
            if [[ $2 && $piece == [$2]* ]]; then
                pieces+=("$piece")
                piece=''
            fi
            [[ $c == [\"\'] ]] && quote=$c
            piece+=$c
            open=1
        fi
    done
    pieces+=("$piece")
}

# candidates SEPARATORS BEFORE AFTER: sorted, in brackets; the cursor is between BEFORE and AFTER.
candidates() {
    split "$2" "$1"
    COMP_CWORD=$((${#pieces[@]} - 1))
    split "$2$3" "$1"
    COMP_WORDS=("${pieces[@]}") COMP_LINE=$2$3 COMP_POINT=${#2}
    COMPREPLY=(left over)
    _heloci
    got=''
    if ((${#COMPREPLY[@]})); then
        got=$(printf '[%s]\n' "${COMPREPLY[@]}" | LC_ALL=C sort | tr '\n' ' ')
    fi
}

judge() { # WHAT GOT WANTED
    cases=$((cases + 1))
    if [[ $2 != "$3" ]]; then
        printf '%s\n  gives  %s\n  not    %s\n' "$1" "$2" "$3"
        failures=$((failures + 1))
    fi
}

# expect LINE CANDIDATE...: the cursor is at the end of LINE.
expect() {
    local line=$1 wanted=''
    shift
    if (($#)); then
        wanted=$(printf '[%s]\n' "$@" | LC_ALL=C sort | tr '\n' ' ')
    fi
    candidates '=:' "$line" ''
    judge "$line" "$got" "$wanted"
}

options_of() { # COMMAND: what its help lists
    "$program" "$1" --help | sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p'
}
mapfile -t commands < <("$program" help | sed -n 's/^  \([a-z-]*\) .*/\1/p' | grep -vx heloci)
((${#commands[@]} >= 10)) || { echo "the overview names ${#commands[@]} commands"; exit 1; }

expect 'heloci ' "${commands[@]}" help
expect 'heloci sca' scan
expect 'heloci -' --help --version
expect 'heloci --v' --version
expect 'heloci nosuch'
expect 'heloci nosuch --'
expect 'heloci help sca' scan
expect 'heloci help ' "${commands[@]}"
expect 'heloci help scan '

# All options of every command; each but one that is given.
for command in "${commands[@]}"; do
    mapfile -t options < <(options_of "$command")
    ((${#options[@]})) || { echo "$command: no options in its help"; exit 1; }
    expect "heloci $command --" "${options[@]}"
    mapfile -t options < <(printf '%s\n' "${options[@]}" | grep -vx -e --help)
    expect "heloci $command --help --" "${options[@]}"
done

# Values, as the next word and behind an equals sign.
expect 'heloci scan --ba' --backend
expect 'heloci scan --backend ' auto cpu cuda sim
expect 'heloci scan --backend cu' cuda
expect 'heloci scan --backend=' auto cpu cuda sim
expect 'heloci scan --backend=cu' cuda
expect 'heloci scan --backend=gpu'
expect 'heloci scan --backend cuda --back'
expect 'heloci scan --backend=cuda --back'
expect 'heloci scan --backend=cuda --backend='
expect 'heloci scan --bfile=m'
expect 'heloci scan --quiet --quie'
expect 'heloci scan --threads '
expect 'heloci scan --threads 4 --quie' --quiet
expect 'heloci scan --geno --quie'
expect 'heloci scan --quiet=x --quie'
expect "heloci scan --backend 'cu" cuda
# Options of one name that commands understand differently.
expect 'heloci bench --backend ' auto cpu cuda sim
expect 'heloci bench --backend cpu,' cpu,auto cpu,cuda cpu,sim
expect 'heloci bench --backend=cpu,cu' cpu,cuda
expect 'heloci scan --backend cpu,'
expect 'heloci run --backend cu' cuda
expect 'heloci run --format ' plink2 regenie ssf
expect 'heloci run --format plink2,' plink2,regenie plink2,ssf
expect 'heloci run --format plink2,re' plink2,regenie
expect 'heloci run --format=plink2,re' plink2,regenie
expect 'heloci run --format plink2,ssf,regenie,'
expect 'heloci run --format plink2 --forma'
expect 'heloci params --ckks '
expect 'heloci params --ckks --lo' --log-n
expect 'heloci params --ckks n14 --lo' --log-n

# Files: the right ones first, all where there are none; folders always.
expect 'heloci scan --geno mi' mice.geno
expect 'heloci scan --geno m' mice.geno 'my file.geno'
expect 'heloci scan --geno=m' mice.geno 'my file.geno'
expect 'heloci scan --geno mice.n' mice.notes
expect 'heloci scan --geno nosuch'
expect 'heloci scan --geno su' sub
expect 'heloci scan --geno sub/' sub/deep.geno
expect 'heloci scan --evk mi' mice.{geno,bed,bim,fam,key,notes}
expect 'heloci null --key mi' mice.key
expect 'heloci null --pheno mice.b' mice.bed mice.bim
expect 'heloci report --table t' t.glm.linear
expect 'heloci report --table t.c' t.csv
expect 'heloci scan --geno .g' .geno
expect 'heloci scan --geno my\ f' 'my file.geno'
expect 'heloci scan --geno "my f' 'my file.geno'
expect "heloci scan --geno 'my f" 'my file.geno'
expect 'heloci scan --geno "my f"' 'my file.geno'
expect 'heloci scan --geno=my\ f' 'my file.geno'
expect 'heloci scan --geno we' 'we ird$x.geno'
expect 'heloci scan --geno "we ird\$' 'we ird$x.geno'
expect "heloci scan --geno 'we ird\$" 'we ird$x.geno'
expect 'heloci scan --geno q\"' 'q"t.geno'
expect 'heloci scan --geno dir\ space/' 'dir space/in.geno'
expect 'heloci scan --geno a:' b.geno
expect 'heloci scan --geno=a:b' b.geno
expect 'heloci scan --geno ~/m' '~/mice.geno'
expect 'heloci scan --geno=~/m' '~/mice.geno'
expect 'heloci run --bfile ' mice sub 'dir space'
expect 'heloci run --bfile mi' mice
expect 'heloci run --bfile mice.b'
expect 'heloci run --bfile=mi' mice
expect 'heloci run --out ' sub 'dir space'
expect 'heloci run --pheno-name mi'

# Operands, before and behind options.
expect 'heloci inspect mi' mice.geno mice.key
expect 'heloci inspect --help mi' mice.geno mice.key
expect 'heloci inspect mice.geno '
expect 'heloci inspect mice.geno mi'
expect 'heloci inspect mice.geno --he' --help
expect 'heloci verify --threads 2 mice.n' mice.notes
expect 'heloci scan mi'
expect '  heloci   scan   --backend   cu' cuda

expect 'heloci merge --out o s.1' s.1-of-2.sums
expect 'heloci merge s.1-of-2.sums s.2' s.2-of-2.sums
expect 'heloci merge s.1-of-2.sums s.2-of-2.sums --ou' --out

# Where '=' is no separator the whole word is replaced.
candidates '' 'heloci scan --backend=cu' ''
judge "--backend=cu, one word" "$got" '[--backend=cuda] '
candidates '' 'heloci run --format=plink2,re' ''
judge "--format=plink2,re, one word" "$got" '[--format=plink2,regenie] '
candidates '' 'heloci scan --geno=a:' ''
judge "--geno=a:, one word" "$got" '[--geno=a:b.geno] '

# The cursor within a word: what follows it does not count.
candidates '=:' 'heloci scan --ba' 'xyz --quiet'
judge "--ba|xyz" "$got" '[--backend] '
candidates '=:' 'heloci sca' 'n --geno x'
judge "sca|n" "$got" '[scan] '

# Options of the user's shell do not matter, and come back as they were.
cd "$work/empty" || exit 1
expect 'heloci scan --geno '
for setting in nullglob failglob; do
    shopt -s $setting
    expect 'heloci scan --geno '
    shopt -q $setting || judge "$setting" off on
    shopt -u $setting
done
shopt -q nullglob && judge nullglob on off

((failures == 0)) || exit 1
echo "bash completion: $cases cases"
