#!/bin/sh
# For capture-judge.sh: captures tree $1 into $2 and keeps a copy as $COPY.
"$(dirname "$0")/judge-capture.sh" "$1" "$2" && cp "$2" "$COPY"
