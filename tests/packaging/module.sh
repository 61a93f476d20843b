#!/bin/bash
# The modulefile of an installation, on a stub of Environment Modules: what it sets, wherever the
# tree is moved and through links, and that it refuses to work from elsewhere.
set -euo pipefail
usage="usage: module.sh BUILD_DIR LIBDIR VERSION"
build_dir=${1:?$usage}
libdir=${2:?$usage}
version=${3:?$usage}
here=$(cd "$(dirname "$0")" && pwd)
cmake=${CMAKE:-cmake}
export LC_ALL=C
if ! command -v tclsh > /dev/null; then
    echo "tclsh is not installed: skipped"
    exit 77
fi
case $libdir in
/*) echo "the library folder $libdir is fixed: skipped"; exit 77 ;;
esac
work=$(cd "$(mktemp -d)" && pwd -P)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "$*"
    exit 1
}

"$cmake" --install "$build_dir" --prefix "$work/first" > "$work/log" || fail "$(cat "$work/log")"
prefix="$work/a place"
mv "$work/first" "$prefix"
file=$prefix/share/modulefiles/heloci/$version
[ "$(head -c 10 "$file")" = "#%Module1." ] || fail "no magic words at the beginning"

# says MODE FILE: the commands, sorted.
says() {
    tclsh "$here/module_stub.tcl" "$1" "$2" 2> "$work/err" | sort > "$work/got"
}
cat > "$work/wanted" << EOF
append-path MANPATH 
conflict heloci
module-whatis Description: genome-wide association scans on encrypted genotypes
module-whatis Name: heloci
module-whatis Version: $version
prepend-path CMAKE_PREFIX_PATH $prefix
prepend-path LD_LIBRARY_PATH $prefix/$libdir
prepend-path MANPATH $prefix/share/man
prepend-path PATH $prefix/bin
prepend-path PKG_CONFIG_PATH $prefix/$libdir/pkgconfig
setenv HELOCI_HOME $prefix
EOF
same() {
    diff "$work/wanted" "$work/got" || fail "$1: other commands"
    [ ! -s "$work/err" ] || fail "$1: $(cat "$work/err")"
}
for folder in bin share/man "$libdir" "$libdir/pkgconfig"; do
    [ -d "$prefix/$folder" ] || fail "there is no $folder"
done
says load "$file" || fail "does not load: $(cat "$work/err")"
same "in its place"

# Gathered by links: absolute, relative, and a link to a link.
mkdir -p "$work/gathered/heloci"
ln -s "$file" "$work/gathered/heloci/absolute"
ln -s "../../a place/share/modulefiles/heloci/$version" "$work/gathered/heloci/relative"
ln -s relative "$work/gathered/heloci/twice"
for link in absolute relative twice; do
    says load "$work/gathered/heloci/$link" || fail "$link: does not load: $(cat "$work/err")"
    same "by the link $link"
done

# A copy cannot know where the program is: it says so and sets nothing, but may be looked at.
cp "$file" "$work/gathered/heloci/copy"
if says load "$work/gathered/heloci/copy"; then
    fail "a copy loads"
fi
grep -q 'link this modulefile' "$work/err" || fail "a copy says: $(cat "$work/err")"
if grep -vq '^module-whatis' "$work/got"; then
    fail "a copy sets something"
fi
says help "$work/gathered/heloci/copy" || fail "no help from a copy"
grep -q 'heloci help' "$work/err" || fail "help says: $(cat "$work/err")"
says unload "$file" || fail "does not unload"
same "unload"
echo "modulefile: as it should be"
