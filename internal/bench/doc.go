// Package bench measures captures and restores of living trees, and beside each
// what the machine itself needs for the same: the floor. The two alternate, so
// that both see the same machine, and medians are reported:
//
//	go test -run '^$' -bench . ./internal/bench
//	go test -run '^$' -bench . -benchtime 11x ./internal/bench  # as in docs/benchmarks.md
//
// A benchmark reports ms (the whole command, from its start until it has exited
// and the tree runs), floor-ms, ratio (of the medians) and MiB (peak memory of
// thaw itself). Its ns/op is the mean of the command alone. At the end all are
// printed as a table.
package bench
