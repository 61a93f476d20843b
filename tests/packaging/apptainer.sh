#!/bin/bash
# The Apptainer definition: two stages, each with its sections once and in order, scripts that are
# shell, versions and paths that are those of the sources. With --extract it prints one script, so
# that it can be run in a folder with the stage's system.
#
#   apptainer.sh SOURCE_DIR VERSION
#   apptainer.sh --extract DEFINITION STAGE SECTION
set -euo pipefail
export LC_ALL=C

# section DEFINITION STAGE NAME: the lines of a section, without its indentation.
section() {
    awk -v stage="$2" -v name="$3" '
        /^Bootstrap:/ { now = ""; on = 0 }
        /^Stage:/ { now = $2; next }
        /^%/ { on = now == stage && substr($1, 2) == name; next }
        on { sub(/^    /, ""); print }
    ' "$1"
}
if [ "${1:-}" = --extract ]; then
    section "$2" "$3" "$4"
    exit
fi
usage="usage: apptainer.sh SOURCE_DIR VERSION"
source_dir=${1:?$usage}
version=${2:?$usage}
definition=$source_dir/tools/packaging/apptainer/heloci.def
failed=0
complain() {
    echo "$*"
    failed=1
}

# The skeleton.
skeleton=$(grep -oE '^(Bootstrap: .*|From: .*|Stage: .*|%[a-z]+( from [a-z]+)?)$' "$definition")
wanted='Bootstrap: docker
From: debian:bookworm
Stage: build
%files
%post
Bootstrap: docker
From: debian:bookworm-slim
Stage: run
%files from build
%post
%environment
%runscript
%test
%labels
%help'
[ "$skeleton" = "$wanted" ] || complain "sections: $skeleton"
grep -nE '^%' "$definition" | grep -vE ':%[a-z]+( from build)?$' && complain "sections with options"
# Whatever is not blank, a comment, a header or a section's name belongs to a section, indented.
grep -nvE '^(#|%|Bootstrap: |From: |Stage: |    |$)' "$definition" && complain "lines out of place"

# Scripts: the sections that a shell runs.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for script in build:post run:post run:environment run:runscript run:test; do
    file=$work/${script/:/-}.sh
    {
        echo '#!/bin/sh'
        section "$definition" "${script%:*}" "${script#*:}"
    } > "$file"
    [ "$(wc -l < "$file")" -gt 1 ] || complain "$script is empty"
    bash -n "$file" || complain "$script is no shell"
    if command -v dash > /dev/null; then
        dash -n "$file" || complain "$script is not for sh"
    fi
    if command -v shellcheck > /dev/null; then
        shellcheck "$file" || complain "$script: shellcheck"
    fi
done
for script in build-post run-post run-test; do
    grep -qx 'set -eu' "$work/$script.sh" || complain "$script goes on after an error"
done
grep -qx 'heloci doctor' "$work/run-test.sh" || complain "the test does not ask the doctor"
# shellcheck disable=SC2016
grep -qx 'exec heloci "$@"' "$work/run-runscript.sh" || complain "the image does not run heloci"

# Versions, and nothing but versions of this one.
[ "$(section "$definition" run labels | awk '/version/ { print $2 }')" = "$version" ] ||
    complain "the label's version is not $version"
grep -qF "= \"heloci $version\"" "$work/run-test.sh" || complain "the test wants another version"
section "$definition" run help | grep -F "heloci $version:" > /dev/null ||
    complain "help names another version"

# What goes into the image exists, and is all that the build reads.
section "$definition" build files > "$work/files"
while read -r from to; do
    [ -n "$from" ] || continue
    [ -e "$source_dir/$from" ] || complain "%files: there is no $from"
    [ "$to" = "/opt/heloci/$from" ] || complain "%files: $from goes to $to"
done < "$work/files"
for path in CMakeLists.txt CMakePresets.json LICENSE NEWS.md host include kernels tools; do
    grep -q "^$path " "$work/files" || complain "%files: $path is missing"
done
# Packages come from the list of dependencies, by way of prepare.sh.
grep -qF '. tools/prepare.sh; need_to_build; need_to_package; install_missing' "$work/build-post.sh" ||
    complain "the build does not install what tools/prepare.sh knows"
if grep -E 'lib[a-z]+-dev' "$work/build-post.sh" | grep -vq libheloci-dev; then
    complain "the build names packages of libraries itself"
fi
section "$definition" run help | grep -e '--nv' > /dev/null || complain "help does not mention --nv"
section "$definition" run help | grep -e '--bind' > /dev/null || complain "help: no --bind"

[ "$failed" = 0 ] || exit 1
echo "Apptainer definition: as it should be"
