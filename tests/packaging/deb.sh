#!/bin/bash
# Debian packages made by cpack from the build as it is: names, control fields, lists and modes of
# files; then all of them unpacked into one folder, and the program, the manual and the library used
# from there.
set -euo pipefail
usage="usage: deb.sh SOURCE_DIR BUILD_DIR LIBDIR"
source_dir=${1:?$usage}
build_dir=${2:?$usage}
libdir=${3:?$usage}
cmake=${CMAKE:-cmake}
cpack=${CPACK:-cpack}
cc=${CC:-cc}
soversion=${SOVERSION:?the part of the version that the library file is named by}
export LC_ALL=C

skip() {
    echo "$1: skipped"
    exit 77
}
for tool in "$cpack" dpkg-deb dpkg-shlibdeps dpkg file gzip readelf pkg-config; do
    command -v "$tool" > /dev/null || skip "$tool is not installed"
done
[ -e /etc/debian_version ] || skip "this is no Debian"
case $libdir in
/*) skip "the library folder $libdir is fixed" ;;
esac
for made in libheloci.a libheloci.so tools/heloci tools/docs/share.stamp; do
    [ -e "$build_dir/$made" ] || { echo "$build_dir/$made: not built"; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
complain() {
    echo "$*"
    failed=1
}

# Named like this CPack does not ask the build whether it is up to date.
"$cpack" --config "$build_dir/CPackConfig.cmake" -G DEB -B "$work/out" \
    -D CPACK_CMAKE_GENERATOR=Ninja > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }

version=$(sed -n 's/^#define HEL_VERSION_STRING "\(.*\)"/\1/p' \
    "$build_dir/include/heloci/version.h")
full=$(sed -n '1s/^heloci (\(.*\)) .*/\1/p' "$source_dir/tools/packaging/deb/changelog")
[ "${full%-*}" = "$version" ] || complain "the changelog begins with $full, this is $version"
arch=$(dpkg --print-architecture)
packages=(heloci "libheloci$soversion" libheloci-dev)
if [ -e "$build_dir/lib/libheloci_cuda.so.0" ]; then
    packages+=(heloci-cuda)
fi
(cd "$work/out" && ls ./*.deb) | sort > "$work/there"
printf "./%s_${full}_$arch.deb\n" "${packages[@]}" | sort > "$work/wanted"
diff "$work/wanted" "$work/there" || complain "not the packages that were wanted"
[ "$failed" = 0 ] || exit 1

# expect PACKAGE FIELD PATTERN: a shell pattern.
expect() {
    local value
    value=$(dpkg-deb -f "$work/out/$1_${full}_$arch.deb" "$2")
    # shellcheck disable=SC2053
    [[ $value == $3 ]] || complain "$1: $2 is '$value', not '$3'"
}
root=$work/root
mkdir "$root"
: > "$work/all"
for package in "${packages[@]}"; do
    deb=$work/out/${package}_${full}_$arch.deb
    expect "$package" Package "$package"
    expect "$package" Version "$full"
    expect "$package" Architecture "$arch"
    expect "$package" Priority optional
    expect "$package" Maintainer "?* <?*@?*>"
    expect "$package" Description "?*"$'\n'" ?*"
    description=$(dpkg-deb -f "$deb" Description)
    summary=${description%%$'\n'*}
    [ ${#summary} -lt 80 ] || complain "$package: a summary of ${#summary} characters"
    [ "$(wc -L <<< "$description")" -le 80 ] || complain "$package: long lines"

    # mode owner size date time name: all below /usr, root's, with modes that everybody can use
    dpkg-deb -c "$deb" > "$work/list"
    awk '$2 != "root/root" { print "owner", $0; bad = 1 }
         $6 !~ /^\.\/usr\// { print "place", $0; bad = 1 }
         $1 ~ /^d/ && $1 != "drwxr-xr-x" { print "mode", $0; bad = 1 }
         $1 ~ /^-/ && $6 !~ /\/bin\// && $1 != "-rw-r--r--" { print "mode", $0; bad = 1 }
         $1 ~ /^-/ && $6 ~ /\/bin\// && $1 != "-rwxr-xr-x" { print "mode", $0; bad = 1 }
         $1 !~ /^[-dl]/ { print "kind", $0; bad = 1 }
         END { exit bad }' "$work/list" || complain "$package: the lines above"
    awk '$1 !~ /^d/ { print substr($6, 3) }' "$work/list" | sort > "$work/files-$package"
    cat "$work/files-$package" >> "$work/all"
    for file in copyright changelog.gz changelog.Debian.gz; do
        grep -qx "usr/share/doc/$package/$file" "$work/files-$package" ||
            complain "$package has no $file"
    done
    dpkg-deb -x "$deb" "$root"
    dpkg-deb -e "$deb" "$work/control"
    (cd "$root" && md5sum --quiet -c "$work/control/md5sums") || complain "$package: md5sums"
    [ "$(wc -l < "$work/control/md5sums")" = "$(grep -c '^-' "$work/list")" ] ||
        complain "$package: md5sums of other files"
    triggers=$(cat "$work/control/triggers" 2> /dev/null || true)
    rm -rf "$work/control"
    if grep -q '\.so\.' "$work/files-$package"; then
        [ "$triggers" = "activate-noawait ldconfig" ] || complain "$package: no trigger of ldconfig"
    elif [ -n "$triggers" ]; then
        complain "$package: triggers without a library"
    fi
done
sort "$work/all" | uniq -d > "$work/twice"
[ ! -s "$work/twice" ] || complain "in two packages: $(cat "$work/twice")"

# contains PACKAGE FILE...: these, and nothing else but what every package has.
contains() {
    local package=$1
    shift
    printf '%s\n' "$@" "usr/share/doc/$package/"{copyright,changelog{,.Debian}.gz} |
        sort > "$work/wanted"
    diff "$work/wanted" "$work/files-$package" || complain "$package: the files above"
}
lib=usr/$libdir
pages=()
while read -r command; do
    pages+=("usr/share/man/man1/heloci-$command.1.gz")
done < <("$build_dir/tools/heloci" help | sed -n 's/^  \([a-z-]*\) .*/\1/p' | grep -vx heloci)
# What the program's package has besides depends on the parts of the tree: tools/slurm for instance.
mapfile -t others < <(grep '^usr/share/heloci/' "$work/files-heloci" || true)
contains heloci usr/bin/heloci usr/share/bash-completion/completions/heloci \
    usr/share/zsh/vendor-completions/_heloci usr/share/fish/vendor_completions.d/heloci.fish \
    usr/share/doc/heloci/{FORMAT,MANIFEST}.md usr/share/man/man1/heloci.1.gz \
    usr/share/man/man5/heloci-container.5.gz "${pages[@]}" "${others[@]}"
contains "libheloci$soversion" "$lib/libheloci.so.$soversion" "$lib/libheloci.so.$version"
mapfile -t headers < <(cd "$source_dir/include" && ls heloci/*.h)
contains libheloci-dev "$lib/libheloci.a" "$lib/libheloci.so" "$lib/pkgconfig/heloci.pc" \
    "$lib"/cmake/heloci/heloci-config{,-version}.cmake \
    "$lib"/cmake/heloci/heloci-{shared,static}{,-release}.cmake \
    "${headers[@]/#/usr/include/}" usr/include/heloci/version.h usr/share/doc/heloci/example.c
if [ -e "$work/files-heloci-cuda" ]; then
    contains heloci-cuda "$lib/libheloci_cuda.so.0" "$lib/libheloci_cuda.so.$version" \
        usr/share/lintian/overrides/heloci-cuda
    expect heloci-cuda Section contrib/science
    expect heloci-cuda Depends "*libc6*"
    expect heloci-cuda Enhances "heloci, libheloci$soversion"
    grep -q NVIDIA "$root/usr/share/doc/heloci-cuda/copyright" || complain "cudart's licence"
fi
expect heloci Section science
expect "libheloci$soversion" Section libs
expect libheloci-dev Section libdevel
# What dpkg-shlibdeps found: the packages of all libraries that are linked.
for package in heloci "libheloci$soversion"; do
    file=$(grep -E '/(bin/heloci|libheloci\.so\.[0-9.]+)$' "$work/files-$package" | tail -n 1)
    needed=$(readelf -d "$root/$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
    [ -n "$needed" ] || complain "$package: nothing is linked"
    depends=$(dpkg-deb -f "$work/out/${package}_${full}_$arch.deb" Depends | sed 's/ ([^)]*)//g')
    for soname in $needed; do # which may have packages for other architectures too
        found=0
        for owner in $(dpkg -S "*/$soname" 2> /dev/null | sed 's/:.*//'); do
            [[ ", $depends," != *", $owner,"* ]] || found=1
        done
        [ $found = 1 ] || complain "$package: no package of $soname in '$depends'"
    done
    expect "$package" Depends "*libc6 [(]>= *"
done
expect libheloci-dev Depends "libheloci$soversion (= $full), *"
while read -r module _ who _ debian _; do
    case $module:$who in
    '#'*) ;;
    *:library) expect libheloci-dev Depends "*, $debian*" ;;
    esac
done < "$source_dir/tools/packaging/dependencies.txt"

for file in "$root/usr/bin/heloci" "$root/$lib"/lib*.so.*.* "$root/$lib/libheloci.a"; do
    if readelf -SW "$file" | grep '\.debug_info' > /dev/null; then
        complain "$file is not stripped"
    fi
done
gzip -dc "$root/usr/share/doc/heloci/changelog.Debian.gz" |
    cmp - "$source_dir/tools/packaging/deb/changelog" || complain "another changelog"
gzip -dc "$root/usr/share/man/man1/heloci-scan.1.gz" | grep '^\.TH "HELOCI.-SCAN"' > /dev/null ||
    complain "no page for scan"
if grep -rIlF -e "$source_dir" -e "$build_dir" -e "$work" "$root"; then
    complain "the files above name folders of the build"
fi

# Used from where they were unpacked.
[ "$("$root/usr/bin/heloci" --version)" = "heloci $version" ] || complain "the program does not run"
"$root/usr/bin/heloci" params --bits 16 > /dev/null || complain "params fails"
export PKG_CONFIG_PATH=$root/$lib/pkgconfig LD_LIBRARY_PATH=$root/$lib
# shellcheck disable=SC2046
"$cc" "$root/usr/share/doc/heloci/example.c" -o "$work/example" \
    $(pkg-config --cflags --libs heloci) || complain "the example does not compile"
[ "$("$work/example")" = "5.7500 (in clear: 5.7500)" ] || complain "the example is wrong"

# The release preset's packages have their libraries where Debian wants them.
"$cmake" -S "$source_dir" --preset release -B "$work/preset" -DHEL_CUDA=OFF \
    -DCMAKE_C_COMPILER="$cc" > "$work/log" 2>&1 || { cat "$work/log"; complain "preset release"; }
multiarch=$("$cc" -print-multiarch)
grep -qx "libdir=\${prefix}/lib/${multiarch:-$(basename "$libdir")}" \
    "$work/preset/tools/packaging/heloci.pc" || complain "preset release: another folder"
grep -q "CPACK_GENERATOR \"DEB\"" "$work/preset/CPackConfig.cmake" || complain "preset release: CPack"

[ "$failed" = 0 ] || exit 1
echo "packages: ${packages[*]}, in $SECONDS s"
