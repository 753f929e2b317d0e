package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// restart brings an image back in a world of its own: pids, mounts and users. It
// waits until the program goes on, lets it finish, and prints thaw's exit code and
// the program's log. Its arguments are thaw, the program, the image and the
// workload's name.
const restart = `
mount -t tmpfs none /run && mkdir /run/x && cp "$1" /run/x/thaw && cp "$2" /run/x/wl && cp "$3" /run/x/image || exit 99
mount -t tmpfs none /tmp && touch /tmp/$4.out && echo 2000 > /proc/sys/kernel/ns_last_pid || exit 99
setsid /run/x/thaw restore --map-path /bin/wl=/run/x/wl /run/x/image < /dev/null 2>&1 &
for i in $(seq 200); do grep -q tick= /tmp/$4.out && break; kill -0 $! || break; sleep 0.02; done
sleep 0.2; touch /tmp/$4.go; wait $!; echo "exit code $?"; cat /tmp/$4.out
`

// TestLegacyRestart: processes that a kernel of 2010 froze go on, and what they
// say at the end is what their notes say.
func TestLegacyRestart(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("choosing pids needs root")
	}
	thaw, err := exec.LookPath("thaw")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		image string
		want  []string
	}{
		{"v20/single", []string{"exit code 5", "single pid=10 tid=10 ", " pgid=10 sid=10 tick=12\n"}},
		{"v21/single", []string{"exit code 5", "single pid=10 tid=10 "}},
		{"v20/sigs", []string{"exit code 6", "sigs before unblock handler=0 alarms=0\n", "handler=5 (want 5) alarms=1"}},
		{"v20/zombies", []string{
			"exit code 6", "zroot reaped pid=61 status=0x700 ", "zroot reaped pid=62 status=0x9 ",
			"zroot reaped pid=63 status=0xb ", "zpar reaped pid=66 status=0x700 ",
		}},
		{"v20-threads/deadldr", []string{"exit code 6", "survivor pid=113 tid=114 ppid=112 ", "dlroot reaped pid=113 status=0x900 "}},
	} {
		t.Run(tt.image, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			closeInherited(t)
			cmd := exec.CommandContext(ctx, "unshare", "--user", "--map-root-user", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc",
				"bash", "-c", restart, "restart", thaw, absolute(t, filepath.Join(legacyImages, "bin", "wl.x86_64")),
				absolute(t, filepath.Join(legacyImages, tt.image+".ckpt")), filepath.Base(tt.image))
			cmd.WaitDelay = time.Second
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, want := range tt.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("lacks %q:\n%s", want, out)
				}
			}
		})
	}
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
