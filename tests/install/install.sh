#!/bin/bash
# Installs a build into a fresh prefix, moves that, and uses it as others would: CMake package and
# pkg-config, shared and static library, C and C++. Sources are tests/install/consumer.c and the
# example for newcomers, tools/example.c.
set -euo pipefail
usage="usage: install.sh SOURCE_DIR BUILD_DIR LIBDIR"
source_dir=${1:?$usage}
build_dir=${2:?$usage}
libdir=${3:?$usage}
cc=${CC:-cc}
cxx=${CXX:-c++}
cmake=${CMAKE:-cmake}
soversion=${SOVERSION:?the part of the version that the library file is named by}

skip() {
    echo "$1: skipped"
    exit 77
}
for tool in "$cc" "$cxx" "$cmake" pkg-config readelf; do
    command -v "$tool" > /dev/null || skip "$tool is not installed"
done
case $libdir in
/*) skip "the library folder $libdir is fixed, it cannot go into a temporary prefix" ;;
esac
for made in libheloci.a libheloci.so tools/heloci; do
    [ -e "$build_dir/$made" ] || { echo "$build_dir/$made: not built"; exit 1; }
done

version=$(sed -n 's/^#define HEL_VERSION_STRING "\(.*\)"/\1/p' \
    "$build_dir/include/heloci/version.h")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
step=
begin() {
    step=$1
    echo "$step, after $SECONDS s"
}
fail() {
    echo "$step: $1" >&2
    exit 1
}
# quietly COMMAND...: its output only when it fails.
quietly() {
    "$@" > "$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "failed: $*"
    }
}
# linked shared|static PROGRAM: against libheloci.so or not.
linked() {
    local how=static
    if readelf -d "$2" | grep -qF "[libheloci.so.$soversion]"; then
        how=shared
    fi
    [ "$how" = "$1" ] || fail "${2##*/} is linked $how, not $1"
}
# works shared|static FOLDER: runs consumer and example there.
works() {
    linked "$1" "$2/consumer"
    linked "$1" "$2/example"
    quietly "$2/consumer"
    quietly "$2/example"
    [ "$(cat "$work/log")" = "5.7500 (in clear: 5.7500)" ] || fail "example: $(cat "$work/log")"
}

begin "install"
quietly "$cmake" --install "$build_dir" --prefix "$work/first"
mkdir "$work/moved"
prefix=$work/moved/heloci
mv "$work/first" "$prefix"
for file in bin/heloci "$libdir"/libheloci.{a,so,so."$soversion"} "$libdir/pkgconfig/heloci.pc" \
    "$libdir"/cmake/heloci/heloci-config{,-version}.cmake include/heloci/version.h \
    share/doc/heloci/{LICENSE,NEWS.md,FORMAT.md,MANIFEST.md,example.c} "share/modulefiles/heloci/$version" \
    share/heloci/slurm/{README.md,{cpu,gpu}.json,{scan-cpu,scan-gpu,merge}.sbatch}; do
    [ -f "$prefix/$file" ] || fail "$file is missing"
done
if [ -e "$build_dir/tools/docs/share.stamp" ]; then
    for file in man/man1/heloci.1 man/man1/heloci-scan.1 man/man5/heloci-container.5 \
        bash-completion/completions/heloci zsh/site-functions/_heloci \
        fish/vendor_completions.d/heloci.fish; do
        cmp "$build_dir/tools/docs/share/$file" "$prefix/share/$file" || fail "$file differs"
    done
fi
# Nothing is installed that no part has: the parts together are the whole.
for part in program library dev cuda site; do
    quietly "$cmake" --install "$build_dir" --prefix "$work/parts" --component $part
done
diff <(cd "$prefix" && find . | sort) <(cd "$work/parts" && find . | sort) ||
    fail "the parts (components) are not the whole"
for header in "$source_dir"/include/heloci/*.h; do
    cmp "$header" "$prefix/include/heloci/${header##*/}" || fail "a header differs"
done
if grep -rIlF -e "$source_dir" -e "$build_dir" -e "$work" "$prefix"; then
    fail "the files above name folders of the build"
fi
linked static "$prefix/bin/heloci"
quietly "$prefix/bin/heloci" --version

mkdir "$work/project"
cp "$source_dir/tests/install/project.cmake" "$work/project/CMakeLists.txt"
cp "$source_dir/tests/install/consumer.c" "$prefix/share/doc/heloci/example.c" "$work/project"
for kind in shared static; do
    begin "CMake package, $kind"
    with_static=$([ $kind = static ] && echo ON || echo OFF)
    quietly "$cmake" -S "$work/project" -B "$work/cmake-$kind" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_C_COMPILER="$cc" -DWANTED="${version%.*}" -DWITH_STATIC="$with_static"
    grep -qF "heloci_DIR $prefix/" "$work/log" || fail "another heloci was found"
    quietly "$cmake" --build "$work/cmake-$kind"
    works $kind "$work/cmake-$kind"
done

export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
export LD_LIBRARY_PATH=$prefix/$libdir
warnings=(-Wall -Wextra -pedantic -Werror)
# shellcheck disable=SC2207 # flags are words
for kind in shared static; do
    begin "pkg-config, $kind"
    quietly pkg-config --validate heloci
    [ "$(pkg-config --modversion heloci)" = "$version" ] || fail "not version $version"
    flags=($(pkg-config --cflags heloci))
    if [ $kind = shared ]; then
        libraries=($(pkg-config --libs heloci))
    else # the linker prefers a shared library unless the file is named
        libraries=($(pkg-config --static --libs heloci | sed 's/-lheloci/-l:libheloci.a/'))
    fi
    mkdir "$work/plain-$kind"
    for program in consumer example; do
        quietly "$cc" -std=c99 "${warnings[@]}" "${flags[@]}" "$work/project/$program.c" \
            -o "$work/plain-$kind/$program" "${libraries[@]}"
    done
    works $kind "$work/plain-$kind"
done
# Linked statically the consumer needs what the shared library needs: it calls all of it.
needed() {
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^ld-linux' | sort
}
missing=$(comm -23 <(needed "$prefix/$libdir/libheloci.so") <(needed "$work/plain-static/consumer"))
[ -z "$missing" ] || fail "the consumer calls nothing of: $missing"

begin "C++"
{
    (cd "$prefix/include" && printf '#include <%s>\n' heloci/*.h)
    cat "$work/project/consumer.c"
} > "$work/project/consumer.cc"
# shellcheck disable=SC2046
quietly "$cxx" -std=c++17 "${warnings[@]}" $(pkg-config --cflags heloci) \
    "$work/project/consumer.cc" -o "$work/consumer_cc" $(pkg-config --libs heloci)
linked shared "$work/consumer_cc"
quietly "$work/consumer_cc"

echo "install: all of it works, in $SECONDS s"
