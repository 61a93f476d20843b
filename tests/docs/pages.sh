#!/bin/bash
# The manual pages: one for every command, with every option, example and exit code that its help
# shows; clean for mandoc and groff, readable for man and apropos; the kinds of files are those of
# the text of the format. What a missing tool would check is said and left out.
set -euo pipefail
usage="usage: pages.sh SOURCE_DIR MAN_DIR PROGRAM"
source_dir=${1:?$usage}
pages=${2:?$usage}
program=${3:?$usage}
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
complain() {
    echo "$*"
    failed=1
}
have() {
    command -v "$1" > /dev/null || { echo "$1 is not installed: its part is skipped"; return 1; }
}

mapfile -t commands < <("$program" help | sed -n 's/^  \([a-z-]*\) .*/\1/p' | grep -vx heloci)
[ ${#commands[@]} -ge 10 ] || complain "the overview names ${#commands[@]} commands"
{
    printf 'heloci-%s.1\n' "${commands[@]}"
    echo heloci.1
} | sort > "$work/wanted"
find "$pages/man1" -type f -printf '%f\n' | sort > "$work/there"
diff "$work/wanted" "$work/there" || complain "the pages above are not those of the commands"

if have mandoc; then
    mandoc -T lint -W warning "$pages"/man?/* || complain "mandoc warns"
fi
if have groff; then
    for page in "$pages"/man?/*; do
        groff -man -ww -z -Tascii "$page" > "$work/log" 2>&1 || complain "groff refuses $page"
        [ ! -s "$work/log" ] || complain "groff warns: $(cat "$work/log")"
    done
fi
if have lexgrog; then
    lexgrog "$pages"/man?/* > "$work/log" || complain "apropos finds no name: $(cat "$work/log")"
fi

# As plain text, one line to a paragraph, hyphens unescaped.
plain() {
    sed -e 's/\\f[BIR]//g' -e 's/\\-/-/g' -e 's/\\(aq/'"'"'/g' -e 's/\\ / /g' "$1"
}
# help COMMAND SECTION: the lines of a section of its help.
help() {
    COLUMNS=200 "$program" "$1" --help |
        awk -v title="$2:" '/^[a-z ]*:$/ { on = $0 == title; next } on && NF { print }'
}
for command in "${commands[@]}"; do
    page=$pages/man1/heloci-$command.1
    plain "$page" > "$work/plain"
    options=0
    while read -r option; do
        options=$((options + 1))
        grep -qE -e "^$option( .*)?\$" "$work/plain" || complain "$page: no $option"
    done < <("$program" "$command" --help | sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p')
    [ "$options" = "$(grep -c '^\\fB\\-\\-.*' <(sed '1,/^.SH OPTIONS/d' "$page"))" ] ||
        complain "$page: other options than in the help"
    help "$command" 'exit codes' > "$work/codes"
    [ "$(wc -l < "$work/codes")" -ge 5 ] || complain "$command: its help has no exit codes"
    while read -r code text; do
        grep -A 1 -x -e "\.B $code" "$work/plain" | grep -qiF -e "${text:0:30}" ||
            complain "$page: exit code $code"
    done < "$work/codes"
    help "$command" examples | grep '^    ' > "$work/examples" || complain "$command: no example"
    # both without line breaks
    tr '\n' ' ' < "$work/plain" | sed -e 's/\\e  */ /g' -e 's/  */ /g' > "$work/joined"
    { tr '\n' ' ' < "$work/examples"; echo; } | sed -e 's/\\  */ /g' -e 's/  */ /g' -e 's/heloci /\n&/g' |
        sed -e 's/ *$//' -e '/^$/d' > "$work/lines"
    [ -s "$work/lines" ] || complain "$command: no example"
    while read -r line; do
        grep -qF -e "$line" "$work/joined" || complain "$page: no example '$line'"
    done < "$work/lines"
done

if have man; then
    for page in "$pages"/man?/*; do
        name=${page##*/}
        MANWIDTH=80 MAN_KEEP_FORMATTING='' man -l "$page" > "$work/text" 2> "$work/log" ||
            complain "man cannot show $page"
        [ ! -s "$work/log" ] || complain "man warns: $(cat "$work/log")"
        sed -i 's/.\x08//g' "$work/text"
        grep -q "^ *${name%.*} - " "$work/text" || complain "$page: no name in what man shows"
        if grep -n '[\]' "$work/text" | grep -v '[\]$'; then
            complain "$page: an escape is shown as it is"
        fi
        [ "$(wc -L < "$work/text")" -le 80 ] || complain "$page: wider than 80 columns"
    done
fi

# Kinds: name, number and who may see them.
sed -n 's/^| \([A-Za-z ]*\) | \([0-9]*\) | \(public\|owner only\) |.*/\1:\2:\3/p' \
    "$source_dir/host/store/FORMAT.md" | sort > "$work/wanted"
awk '/^\.B / { name = substr($0, 4) }
     /^Kind [0-9]+, / { number = $2 + 0; who = /owner only/ ? "owner only" : "public"
                        print name ":" number ":" who }' \
    "$pages/man5/heloci-container.5" | sort > "$work/there"
[ -s "$work/wanted" ] || complain "FORMAT.md has no table of kinds"
diff "$work/wanted" "$work/there" || complain "other kinds of files than in FORMAT.md"

[ "$failed" = 0 ] || exit 1
echo "pages: $((${#commands[@]} + 2))"
