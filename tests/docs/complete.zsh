#!/bin/zsh -f
# zsh completion in a shell behind a pseudo terminal: what Tab leaves in the line, and the list that
# it shows where several words fit.
emulate -R zsh
usage='usage: complete.zsh COMPLETION PROGRAM'
completion=${${1:?$usage}:A}
program=${${2:?$usage}:A}
zmodload zsh/zpty || { print 'zsh/zpty is missing: skipped'; exit 77 }

work=$(mktemp -d)
trap 'zpty -d shell 2> /dev/null; rm -rf $work' EXIT
mkdir -p $work/home $work/functions $work/here/sub "$work/here/dir space"
cp $completion $work/functions
cd $work/here
touch mice.{geno,bed,bim,fam,key,notes} other.geno 'my file.geno' sub/deep.geno \
  'dir space/in.geno' t.glm.linear t.csv s.1-of-2.sums s.2-of-2.sums $work/home/mice.geno

# In the list every word stands alone in brackets; ^X shows the line and empties it.
cat > $work/setup << 'END'
unsetopt promptsp beep listbeep listambiguous
KEYTIMEOUT=1
PS1= PS2=
fpath=(../functions $fpath)
autoload -Uz compinit
compinit -u -D
zmodload -i zsh/complist
LISTMAX=10000
LINES=500
zstyle ':completion:*:default' list-colors no='[' fi='[' di='[' ex='[' lc= rc= ec=']'
zstyle ':completion:*' list-separator '--'
zstyle ':completion:*' verbose false
report() { print -r -- "<$BUFFER>"; BUFFER= }
zle -N report
bindkey '^X' report
bindkey '^I' complete-word
print REA''DY
END

zpty -b shell "HOME=$work/home TERM=dumb COLUMNS=250 LC_ALL=C zsh -f -i"
# heard PATTERN: reads until it was said; leaves all in `said`.
heard() {
  local piece
  integer waited=0
  said=
  while (( waited++ < 600 )); do
    while zpty -r -t shell piece 2> /dev/null; do
      said+=$piece
    done
    [[ $said == *${~1}* ]] && return 0
    sleep 0.05
  done
  print -r -- "no answer; heard: ${(V)said}"
  exit 1
}
zpty -w shell "source ../setup"
heard READY

integer failures=0 cases=0
# press LINE: `line` is what Tab makes of it, `list` what it offers.
press() {
  zpty -w -n shell "$1"$'\t\C-X'
  heard '<heloci*>'
  line=${${said##*\<heloci}%%\>*}
  line=heloci$line
  list=()
  local rest=$said
  while [[ $rest == *\[*\]* ]]; do
    rest=${rest#*\[}
    list+=("${rest%%[ \]]*}")
  done
  list=(${(o)list})
}
judge() { # WHAT GOT WANTED
  (( ++cases ))
  if [[ $2 != $3 ]]; then
    print -r -- "$1"
    print -r -- "  gives  $2"
    print -r -- "  not    $3"
    (( ++failures ))
  fi
}
becomes() { # LINE WANTED: one word fits, or what several have in common
  press $1
  judge $1 "$line" "$2"
}
offers() { # LINE WORD...
  local typed=$1
  shift
  press $typed
  judge $typed "${(j:|:)list}" "${(j:|:)${(o)@}}"
}

names=(${(f)"$($program help | sed -n 's/^  \([a-z-]*\) .*/\1/p' | grep -vx heloci)"})
(( $#names >= 10 )) || { print "the overview names $#names commands"; exit 1 }

offers 'heloci ' $names help --help --version
becomes 'heloci sca' 'heloci scan '
becomes 'heloci help sca' 'heloci help scan '
for name in $names; do
  all=(${(f)"$($program $name --help | sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p')"})
  if (( $#all > 1 )); then
    offers "heloci $name --" $all
  else
    becomes "heloci $name --" "heloci $name $all "
  fi
done
# What zsh adds for another word or a value goes away when a blank is typed.
becomes 'heloci scan --ba' 'heloci scan --backend='
offers 'heloci scan --backend ' auto cpu cuda sim
becomes 'heloci scan --backend cu' 'heloci scan --backend cuda '
becomes 'heloci scan --backend=cu' 'heloci scan --backend=cuda '
becomes 'heloci scan --backend cuda --back' 'heloci scan --backend cuda --back'
becomes 'heloci scan --quiet --quie' 'heloci scan --quiet --quie'
becomes 'heloci run --format re' 'heloci run --format regenie,'
offers 'heloci run --format plink2,' regenie ssf
becomes 'heloci run --format=plink2,re' 'heloci run --format=plink2,regenie,'
becomes 'heloci scan --geno mi' 'heloci scan --geno mice.geno '
becomes 'heloci scan --geno=mi' 'heloci scan --geno=mice.geno '
becomes 'heloci scan --geno my' 'heloci scan --geno my\ file.geno '
becomes 'heloci scan --geno mice.n' 'heloci scan --geno mice.notes '
becomes 'heloci scan --geno sub/' 'heloci scan --geno sub/deep.geno '
becomes 'heloci scan --geno ~/m' 'heloci scan --geno ~/mice.geno '
becomes 'heloci null --key mi' 'heloci null --key mice.key '
becomes 'heloci report --table t' 'heloci report --table t.glm.linear '
becomes 'heloci run --bfile mi' 'heloci run --bfile mice'
becomes 'heloci run --bfile=mi' 'heloci run --bfile=mice'
becomes 'heloci run --out s' 'heloci run --out sub/'
becomes 'heloci run --threads ' 'heloci run --threads '
offers 'heloci inspect mi' mice.geno mice.key
becomes 'heloci inspect mice.geno mi' 'heloci inspect mice.geno mi'
becomes 'heloci verify --threads 2 mice.n' 'heloci verify --threads 2 mice.notes '
becomes 'heloci merge s.1-of-2.sums s.2' 'heloci merge s.1-of-2.sums s.2-of-2.sums '
becomes 'heloci merge s.1-of-2.sums --ou' 'heloci merge s.1-of-2.sums --out='

(( failures == 0 )) || exit 1
print "zsh completion: $cases cases"
