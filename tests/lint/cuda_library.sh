#!/bin/bash
# libheloci_cuda.so as it is loaded: its name, what it exports, and that it asks for nothing that a
# machine without CUDA lacks (the driver apart, which the CUDA runtime looks for by itself).
#
#   cuda_library.sh LIBRARY
set -euo pipefail
library=${1:?usage: cuda_library.sh LIBRARY}
for tool in readelf nm; do
    if ! command -v "$tool" > /dev/null; then
        echo "$tool (binutils) is not installed: skipped"
        exit 77
    fi
done
export LC_ALL=C
failed=0
dynamic=$(readelf -d "$library")
if ! grep -qF 'soname: [libheloci_cuda.so.0]' <<< "$dynamic"; then
    echo "its name is not libheloci_cuda.so.0, by which it is loaded"
    failed=1
fi
foreign=$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<< "$dynamic" |
    grep -vE '^(libc|libm|libdl|librt|libpthread|libgcc_s|ld-linux[^/]*)\.so' || true)
if [ -n "$foreign" ]; then
    printf 'it cannot be loaded without:\n%s\n' "$foreign"
    failed=1
fi
exported=$(nm -D --defined-only "$library" | sed 's/^.* //' | sort)
if [ "$exported" != "$(printf 'hel_device_about\nhel_device_count\nhel_device_open')" ]; then
    printf 'it exports:\n%s\n' "$exported"
    failed=1
fi
[ "$failed" = 0 ] && echo "cuda_library: $(stat -Lc %s "$library") bytes"
exit "$failed"
