#!/bin/bash
# if_there.sh COMMAND ARGUMENT...: runs it, or says that it is missing and ends with 77.
if ! command -v "$1" > /dev/null; then
    echo "$1 is not installed: skipped"
    exit 77
fi
exec "$@"
