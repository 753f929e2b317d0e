#!/bin/sh
# A fixture of the live tests: a shell that runs one short command after the
# other (each by vfork) while it is captured: 400 and more, until DIR/go is
# there. Its output, DIR/out, is compared with that of an undisturbed run.
dir=$1
echo root >> "$dir/roles"
i=0
while [ $i -lt 400 ]; do
	i=$((i + 1))
	expr $i \* $i
	[ $i -ne 50 ] || echo $$ > "$dir/ready"
done > "$dir/out"
while [ ! -e "$dir/go" ]; do
	expr $i \* $i > /dev/null
done
[ "$FX_BREAK" != output ] || echo more >> "$dir/out"
echo "ok root" >> "$dir/result"
echo "RESULT PASS" >> "$dir/result"
