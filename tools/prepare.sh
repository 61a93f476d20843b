# Sourced by tools/demo and tools/test: finds or installs what a build needs, and builds.
# Nothing here runs on its own.
# shellcheck shell=bash

say() {
    printf '\n\033[1m%s\033[0m\n' "$*"
}
if [ -n "${NO_COLOR:-}" ] || [ ! -t 1 ]; then
    say() {
        printf '\n%s\n' "$*"
    }
fi

have_command() {
    command -v "$1" > /dev/null 2>&1
}

have_library() {
    have_command pkg-config && pkg-config --exists "$1"
}

# need COMMAND|LIBRARY NAME PACKAGE: notes the Debian package of what is not there.
missing=()
need() {
    local kind=$1 name=$2 package=$3
    if ! "have_$kind" "$name"; then
        missing+=("$package")
    fi
}

# wish: the same for what is worth having but not needed.
wishes=()
wish() {
    local kind=$1 name=$2 package=$3
    if ! "have_$kind" "$name"; then
        wishes+=("$package")
    fi
}

# need_libraries WHO...: those of tools/packaging/dependencies.txt.
need_libraries() {
    local module least who debian
    while read -r module least who _ debian _; do
        case $module in
        '' | '#'*) continue ;;
        esac
        if [[ " $* " == *" $who "* ]]; then
            if [ "$least" != - ]; then
                module="$module >= $least"
            fi
            need library "$module" "$debian"
        fi
    done < tools/packaging/dependencies.txt
}

need_to_build() {
    need command cc build-essential
    need command c++ build-essential
    need command make build-essential
    need command cmake cmake
    need command pkg-config pkg-config
    need_libraries library programs
}

# For `cpack -G DEB`.
need_to_package() {
    need command dpkg-shlibdeps dpkg-dev
    need command file file
}

# Installs what need() noted, by apt as root or through sudo.
install_missing() {
    [ ${#missing[@]} -gt 0 ] || return 0
    local packages as_root=()
    mapfile -t packages < <(printf '%s\n' "${missing[@]}" | LC_ALL=C sort -u)
    missing=()
    if ! have_command apt-get; then
        echo "These Debian packages, or what your system calls them, are needed: ${packages[*]}" >&2
        echo "This system has no apt-get; install them and start again." >&2
        exit 69
    fi
    if [ "$(id -u)" != 0 ]; then
        if ! have_command sudo; then
            echo "As root: apt-get install ${packages[*]}" >&2
            echo "Then start again." >&2
            exit 77
        fi
        as_root=(sudo)
    fi
    say "installing ${packages[*]}"
    if ! "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=120 -qq update > /dev/null; then
        echo "note: the package lists could not be refreshed; trying with those that are here" >&2
    fi
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 \
        -qq -y --no-install-recommends install "${packages[@]}" > /dev/null; then
        echo "apt-get could not install: ${packages[*]}" >&2
        exit 69
    fi
}

# Installs what wish() noted where that is possible; says so where it is not.
install_wishes() {
    [ ${#wishes[@]} -gt 0 ] || return 0
    local packages=("${wishes[@]}")
    wishes=()
    local get=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -qq)
    if have_command apt-get && [ "$(id -u)" = 0 ]; then
        say "installing ${packages[*]}"
        { "${get[@]}" update && "${get[@]}" -y --no-install-recommends install "${packages[@]}"; } \
            > /dev/null 2>&1 && return 0
    fi
    echo "note: without ${packages[*]}, what needs them is skipped"
}

# configure_and_build FOLDER TARGET [CMAKE OPTIONS]: quiet unless it fails; then 70.
configure_and_build() {
    local folder=$1 target=$2 log
    shift 2
    mkdir -p "$folder"
    log=$folder/build.log
    if ! { cmake -S . -B "$folder" "$@" && cmake --build "$folder" --target "$target" \
        --parallel "$(nproc)"; } > "$log" 2>&1; then
        tail -n 40 "$log" >&2
        echo "the build failed; all of its output is in $log" >&2
        return 70
    fi
}
