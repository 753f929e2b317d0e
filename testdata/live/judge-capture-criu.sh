#!/bin/bash
# For capture-judge.sh: captures tree $1 and makes an image of CRIU of it at $2.
set -e
"$(dirname "$0")/judge-capture.sh" "$1" "$2.thaw"
"$THAW" convert "$2.thaw" "$2" --to criu
rm "$2.thaw"
