#!/bin/sh
# A fixture of the live tests: a pipeline in mid stream. Its output, DIR/out, is
# compared with that of an undisturbed run. The consumer is the slowest, and
# waits in the end for DIR/go, so that both pipes are full when the tree is
# captured.
dir=$1
echo root >> "$dir/roles"
seq 1 30000 | sed -u 's/^/line /' | {
	n=0 sum=0
	while read -r word number; do
		n=$((n + 1)) sum=$((sum + number))
		[ $((n % 1000)) -ne 0 ] || { echo "$n $sum $word"; sleep 0.02; }
		[ "$n" -ne 3000 ] || echo $$ > "$dir/ready"
		[ "$n" -ne 10000 ] || while [ ! -e "$dir/go" ]; do sleep 0.02; done
	done
	echo "end $n $sum"
} > "$dir/out"
[ "$FX_BREAK" != output ] || echo more >> "$dir/out"
echo "ok root" >> "$dir/result"
echo "RESULT PASS" >> "$dir/result"
