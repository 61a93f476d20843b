#!/bin/bash
# tools/packaging/build_commit.cmake on trees of every kind: git's commit in a checkout, with a mark
# when files differ; what an archive was given; nothing otherwise, and never another repository's.
set -euo pipefail
source_dir=${1:?usage: build_commit.sh SOURCE_DIR}
cmake=${CMAKE:-cmake}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
tree=$work/outer/tree
mkdir -p "$tree/tools/packaging"
cp "$source_dir/tools/packaging/build_commit.cmake" "$tree/tools/packaging"
# As in the repository; these sources may come from an archive themselves.
plain() {
    printf '$%s:%%H$\n' Format > "$tree/tools/packaging/commit.txt"
}
plain

# expect WANTED WHAT
expect() {
    "$cmake" -D SOURCE_DIR="$tree" -D OUT="$work/out.c" -P "$tree/tools/packaging/build_commit.cmake"
    if ! grep -qF "hel_build_commit[] = \"$1\";" "$work/out.c"; then
        echo "$2: expected '$1', found:"
        cat "$work/out.c"
        failures=$((failures + 1))
    fi
}

expect "" "no repository, no archive"
touch -d '2001-01-01' "$work/out.c"
expect "" "nothing has changed"
[ "$(date -r "$work/out.c" +%Y)" = 2001 ] || { echo "an equal file was written anew"; failures=1; }
rm "$work/out.c"

some=0123456789abcdef0123456789abcdef01234567
echo $some > "$tree/tools/packaging/commit.txt"
expect $some "an archive"
plain

if command -v git > /dev/null; then
    export HOME=$work GIT_CONFIG_NOSYSTEM=1
    git=(git -c user.name=a -c user.email=a@example.org -c commit.gpgsign=false)
    "${git[@]}" init -q "$work/outer"
    "${git[@]}" -C "$work/outer" commit -q --allow-empty -m outer
    expect "" "a folder of another repository"
    "${git[@]}" init -q "$tree"
    expect "" "a repository without a commit"
    "${git[@]}" -C "$tree" add .
    "${git[@]}" -C "$tree" commit -q -m inner
    head=$(git -C "$tree" rev-parse HEAD)
    expect "$head" "a checkout"
    echo >> "$tree/tools/packaging/commit.txt"
    expect "$head-dirty" "a changed checkout"
    git -C "$tree" checkout -q .
    touch "$tree/untracked"
    expect "$head" "a file that git does not know"
    cp "$source_dir/.gitattributes" "$tree"
    "${git[@]}" -C "$tree" add .gitattributes
    "${git[@]}" -C "$tree" commit -q -m attributes
    head=$(git -C "$tree" rev-parse HEAD)
    git -C "$tree" archive --prefix=unpacked/ HEAD | tar -x -C "$work"
    tree=$work/unpacked
    expect "$head" "an archive that git wrote"
fi
[ "$failures" = 0 ] || exit 1
echo "build_commit: as it should be"
