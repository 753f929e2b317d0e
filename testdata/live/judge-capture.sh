#!/bin/sh
# judge-capture.sh PID OUT: thaw capture in the argument order of
# capture-judge.sh. THAW is the program, "thaw" if not set.
exec "${THAW:-thaw}" capture "$1" -o "$2"
