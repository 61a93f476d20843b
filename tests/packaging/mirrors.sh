#!/bin/bash
# tools/packaging/dependencies.txt and what repeats it or is made from it: CMake and what it links,
# heloci.pc, heloci-config.cmake, tools/prepare.sh, CONTRIBUTING.md.
# shellcheck disable=SC2317 # functions may be called by what is sourced
set -euo pipefail
usage="usage: mirrors.sh SOURCE_DIR BUILD_DIR"
source_dir=${1:?$usage}
build_dir=${2:?$usage}
export LC_ALL=C
for tool in pkg-config readelf; do
    command -v $tool > /dev/null || { echo "$tool is not installed: skipped"; exit 77; }
done
cd "$source_dir"
list=tools/packaging/dependencies.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
complain() {
    echo "$*"
    failed=1
}
# rows WHO...: the rows that are for one of these.
rows() {
    awk -v who=" $* " '!/^#/ && NF && index(who, " " $3 " ")' $list
}
[ "$(rows library | wc -l)" -ge 3 ] || complain "$list: hardly a library"
awk '!/^#/ && NF && NF != 7 { print FILENAME ": " NF " columns: " $0; bad = 1 } END { exit bad }' \
    $list || complain "every row has seven columns"

# What libheloci.so links is what the list says, both ways.
pc=$build_dir/tools/packaging/heloci.pc
config=$build_dir/tools/packaging/heloci-config.cmake
requires=$(sed -n 's/^Requires.private: //p' "$pc")
private=$(sed -n 's/^Libs.private: //p' "$pc")
readelf -d "$build_dir/libheloci.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
    grep -vE '^(libc|libm|ld-linux.*|libpthread|libdl|libgcc_s)\.so' > "$work/needed"
while read -r module least _ static _; do
    for flag in $(pkg-config --libs-only-l "$module"); do
        grep -q "^lib${flag#-l}\.so" "$work/needed" || complain "$module: libheloci.so does not need ${flag#-l}"
        sed -i "/^lib${flag#-l}\.so/d" "$work/needed"
        if [ "$static" = libs ]; then
            [[ " $private " == *" $flag "* ]] || complain "$module: not in Libs.private of heloci.pc"
        fi
    done
    wanted=$module
    [ "$least" = - ] || wanted="$module >= $least"
    if [ "$static" = requires ]; then
        [[ ", $requires," == *", $wanted,"* ]] || complain "$module: not in Requires.private of heloci.pc"
    fi
    grep -F "${wanted// /}" "$config" > /dev/null || complain "$module: not in heloci-config.cmake"
done < <(rows library)
[ ! -s "$work/needed" ] || complain "$list: not in the list, but linked:" "$(tr '\n' ' ' < "$work/needed")"
[ "$(tr -cd , <<< "$requires" | wc -c)" = "$(($(rows library | awk '$4 == "requires"' | wc -l) - 1))" ] ||
    complain "heloci.pc requires others than the list: $requires"
if grep -n pkg_check_modules CMakeLists.txt host/*/*/CMakeLists.txt tools/CMakeLists.txt \
    tools/*/CMakeLists.txt; then
    complain "tools/packaging/dependencies.cmake finds libraries, nothing else does"
fi

# Another list in the same place: the templates follow it.
mkdir -p "$work/project/tools"
cat > "$work/project/CMakeLists.txt" << 'EOF'
cmake_minimum_required(VERSION 3.25)
project(mirror LANGUAGES C)
find_package(PkgConfig REQUIRED)
include(packaging/dependencies.cmake)
message(STATUS "modules [${HEL_LIBRARY_MODULES}] requires [${HEL_PC_REQUIRES}] "
               "libs [${HEL_PC_LIBS}] packages [${HEL_DEBIAN_PACKAGES}] "
               "targets [${HEL_LIBRARY_TARGETS}]")
EOF
mkdir "$work/project/packaging" "$work/pc"
cp tools/packaging/dependencies.cmake "$work/project/packaging"
for name in one two-b three; do
    printf 'Name: %s\nDescription: none\nVersion: 2.5\nLibs: -L/nowhere -l%s\n' $name $name \
        > "$work/pc/$name.pc"
done
configures() { # ROW...: whether a list of these rows configures; its output is in the log
    printf '%s\n' '# a comment' '' "$@" > "$work/project/packaging/dependencies.txt"
    PKG_CONFIG_PATH=$work/pc "${CMAKE:-cmake}" -S "$work/project" -B "$work/out" \
        > "$work/log" 2>&1
}
configures 'one 2 library requires one-dev one One' 'two-b - library libs two-dev two Two' \
    'three 2.5 programs - three-dev three Three' 'four - tests - four-dev - -' ||
    { cat "$work/log"; complain "a good list does not configure"; }
grep -qF 'modules [one>=2;two-b] requires [one >= 2] libs [-L/nowhere -ltwo-b] packages [one-dev;two-dev] targets [PkgConfig::HELOCI_ONE;PkgConfig::HELOCI_TWO_B]' "$work/log" ||
    complain "made from a list: $(grep modules "$work/log")"
for bad in 'one 3 library requires one-dev one One' 'five - library requires five-dev five Five' \
    'one 2 library requires one-dev one' 'one 2 libary requires one-dev one One' \
    'one 2 library required one-dev one One' 'three 2.6 programs - three-dev three Three'; do
    if configures "$bad"; then
        complain "this row configures: $bad"
    fi
done

# tools/prepare.sh installs what the list says where nothing is there.
(
    # shellcheck disable=SC1091
    . tools/prepare.sh
    have_library() { echo "$1" >> "$work/asked"; return 1; }
    have_command() { return 0; }
    need_to_build
    printf '%s\n' "${missing[@]}" | sort > "$work/packages"
    missing=()
    need_libraries tests
    printf '%s\n' "${missing[@]}" | sort > "$work/packages-tests"
)
rows library programs | awk '{ print $5 }' | sort | diff - "$work/packages" ||
    complain "tools/prepare.sh installs other packages for a build"
rows tests | awk '{ print $5 }' | sort | diff - "$work/packages-tests" ||
    complain "tools/prepare.sh installs other packages for tests"
rows library programs tests | awk '{ print $2 == "-" ? $1 : $1 " >= " $2 }' | sort |
    diff - <(sort "$work/asked") || complain "tools/prepare.sh asks for other libraries"
grep -q '^need_libraries tests$' tools/test || complain "tools/test does not need its libraries"
if grep -n 'need library' tools/test tools/demo; then
    complain "$list is the place for these"
fi

# Every package has its reason.
sed -n '/^## Dependencies/,/^## How/p' CONTRIBUTING.md | grep '^|' > "$work/table"
while read -r _ _ _ _ package _; do
    grep -qF "| $package |" "$work/table" || complain "CONTRIBUTING.md gives no reason for $package"
done < <(rows library programs tests)
while read -r package; do
    rows library programs tests | awk '{ print $5 }' | grep -qxF "$package" ||
        complain "CONTRIBUTING.md names $package, $list does not"
done < <(grep -oE 'lib[a-z0-9.+-]+-dev' "$work/table")

[ "$failed" = 0 ] || exit 1
echo "dependencies: $(rows library programs tests | wc -l), the same everywhere"
