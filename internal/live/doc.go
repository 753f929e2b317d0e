// Package live runs thaw on living process trees and judges what comes back.
//
// The trees are the fixture programs of testdata/live: each builds a state,
// waits while it is captured, killed and restored, and then checks itself (its
// protocol stands in fx.h). A test is an ordinary one whose body runs in a
// world of its own:
//
//	func TestX(t *testing.T) {
//		w := live.Inside(t)
//		if w == nil { // here, outside: the copy inside has done it
//			return
//		}
//		f := w.Start(live.Spec{Name: "tree"})
//		img := w.Capture(f)
//		w.Restore(img)
//		w.Judge(f)
//	}
//
// A world is a pid, mount and ipc namespace with a file system in memory. Numbers
// are free in it, worlds run side by side, and when its init goes all of it
// goes. Before that the world looks for what may not be left: processes,
// mounts, temporary files.
//
// Worlds need root and a C compiler; without them tests are skipped and say so.
package live
