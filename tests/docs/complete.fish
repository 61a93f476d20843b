#!/usr/bin/env fish
# fish completion as `complete -C` gives it: candidates for the word at the cursor.
if test (count $argv) -ne 2
    echo "usage: complete.fish COMPLETION PROGRAM" >&2
    exit 64
end
set -g completion (realpath $argv[1])
set -g program (realpath $argv[2])
source $completion; or exit 1

set -g work (mktemp -d)
function finish --on-event fish_exit
    rm -rf $work
end
set -gx HOME $work/home
mkdir -p $HOME $work/here/sub "$work/here/dir space"
cd $work/here
touch mice.{geno,bed,bim,fam,key,notes} other.geno "my file.geno" 'a:b.geno' 'we ird$x.geno' \
    'q"t.geno' sub/deep.geno 'dir space/in.geno' t.glm.linear t.csv s.1-of-2.sums s.2-of-2.sums $HOME/mice.geno

set -g cases 0
set -g failures 0

# expect LINE CANDIDATE...: these and no others, in any order.
function expect
    set -g cases (math $cases + 1)
    set -l got (complete -C $argv[1] | string split -f 1 \t | sort)
    set -l wanted (printf '%s\n' $argv[2..] | sort)
    test (count $argv) -eq 1; and set wanted
    if test "[$got]" != "[$wanted]"
        printf '%s\n  gives  %s\n  not    %s\n' $argv[1] "[$got]" "[$wanted]"
        set -g failures (math $failures + 1)
    end
end

# first LINE CANDIDATE...: these come first, in this order.
function first
    set -g cases (math $cases + 1)
    set -l got (complete -C $argv[1] | string split -f 1 \t)
    set -l count (math (count $argv) - 1)
    if test "[$got[1..$count]]" != "[$argv[2..]]"
        printf '%s\n  gives first  %s\n  not          %s\n' $argv[1] "[$got]" "[$argv[2..]]"
        set -g failures (math $failures + 1)
    end
end

set -l commands ($program help | sed -n 's/^  \([a-z-]*\) .*/\1/p' | grep -vx heloci)
if test (count $commands) -lt 10
    echo "the overview names "(count $commands)" commands"
    exit 1
end

expect 'heloci ' $commands help
expect 'heloci sca' scan
expect 'heloci -' --help --version
expect 'heloci help sca' scan
expect 'heloci help scan '
for command in $commands
    set -l options ($program $command --help | sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p')
    expect "heloci $command --" $options
    expect "heloci $command --help --" (string match -v -- --help $options)
end
expect 'heloci scan --ba' --backend
expect 'heloci scan --backend ' auto cpu cuda sim
expect 'heloci scan --backend cu' cuda
expect 'heloci scan --backend=cu' --backend=cuda
expect 'heloci scan --backend cuda --back'
expect 'heloci scan --backend=cuda --back'
expect 'heloci scan --quiet --quie'
expect 'heloci scan --threads '
expect 'heloci scan --threads 4 --quie' --quiet
expect 'heloci run --format ' plink2 regenie ssf
expect 'heloci run --format re' regenie
expect 'heloci run --format plink2,' plink2,regenie plink2,ssf
expect 'heloci run --format=plink2,re' --format=plink2,regenie
expect 'heloci run --format plink2,ssf,regenie,'
expect 'heloci params --ckks --lo' --log-n
first 'heloci scan --geno ' a:b.geno mice.geno
first 'heloci scan --geno mi' mice.geno mice.bed
first 'heloci scan --geno=mi' --geno=mice.geno
expect 'heloci scan --geno my\ ' 'my file.geno'
expect 'heloci scan --geno "my f' 'my file.geno'
expect 'heloci scan --geno we' 'we ird$x.geno'
expect 'heloci scan --geno q' 'q"t.geno'
expect 'heloci scan --geno sub/' sub/deep.geno
expect 'heloci scan --geno dir\ space/' 'dir space/in.geno'
expect 'heloci scan --geno ~/m' '~/mice.geno'
first 'heloci null --key mi' mice.key
first 'heloci report --table t' t.glm.linear
expect 'heloci run --bfile ' mice sub/ 'dir space/'
expect 'heloci run --bfile=mi' --bfile=mice
expect 'heloci run --out ' sub/ 'dir space/'
expect 'heloci run --pheno-name mi'
first 'heloci inspect mi' mice.geno mice.key
expect 'heloci inspect mice.geno '
first 'heloci verify --threads 2 mi' mice.geno
expect 'heloci scan mi'
expect 'heloci merge s.1-of-2.sums s.2' s.2-of-2.sums
expect 'heloci merge s.1-of-2.sums s.2-of-2.sums --ou' --out

test $failures -eq 0; or exit 1
echo "fish completion: $cases cases"
