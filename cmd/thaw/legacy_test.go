package main

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// restart brings an image back in a world of its own: pids, mounts and users. It
// waits until the program goes on, lets it finish, and prints thaw's exit code and
// the program's log. Its arguments are thaw, the program, the image, the
// workload's name, arguments for thaw and what is to be made before.
const restart = `
mount --make-rprivate / && mount -t proc proc /proc && mount -t tmpfs none /run && mkdir /run/x || exit 99
cp "$1" /run/x/thaw && cp "$2" /run/x/wl && cp "$3" /run/x/image || exit 99
mount -t tmpfs none /tmp && touch /tmp/$4.out && echo 2000 > /proc/sys/kernel/ns_last_pid && eval "$6" || exit 99
setsid /run/x/thaw restore $5 /run/x/image < /dev/null 2>&1 &
for i in $(seq 200); do grep -q tick= /tmp/$4.out && break; kill -0 $! 2> /dev/null || break; sleep 0.02; done
sleep 0.2; touch /tmp/$4.go; wait $!; echo "exit code $?"; cat /tmp/$4.out
`

// A legacyCase is an image with what its processes say after the restart.
type legacyCase struct {
	image string
	// args are given to thaw, and before is run first, where the defaults are not
	// enough: the program found where it lies, and the logs in /tmp.
	args, before string
	want         []string
}

// findProgram is for thaw to find the program that the images map.
const findProgram = "--map-path /bin/wl=/run/x/wl"

// legacyCases are all images of x86-64 with a program in them that can go on. What
// each says at its end is what its notes say.
var legacyCases = []legacyCase{
	{"v20/single", "", "", []string{"exit code 5", "single pid=10 tid=10 ", " pgid=10 sid=10 tick=12\n", " GO after "}},
	{"v21/single", "", "", []string{"exit code 5", "single pid=10 tid=10 ", " GO after "}},
	{"v20/csingle", "--pidns " + findProgram, "", []string{"exit code 5", "csingle pid=1 tid=1 ppid=0 pgid=1 sid=1 GO after "}},
	{"v20/sigs", "", "", []string{"exit code 6", "sigs before unblock handler=0 alarms=0\n", "handler=5 (want 5) alarms=1"}},
	{"v20/stopped", "", "", []string{"exit code 6", "stkid pid=103 tid=103 ppid=102 ", "stroot reaped pid=103 status=0x300 "}},
	{"v20/pipe", "", "", []string{"exit code 6", "pwr sent=5000 sum=99d2e234 cloexec9=1\n", "prd got=5000 sum=99d2e234\n", "pwr reaped pid=79 status=0x300 "}},
	{"v20/threads4", "", "", []string{"exit code 8", "thr1 pid=36 tid=37 ", "thr3 pid=36 tid=39 ", "main4 threads joined total=", " OK\n"}},
	{"v21/threads4", "", "", []string{"exit code 8", "thr1 pid=36 tid=37 ", "main4 threads joined total=", " OK\n"}},
	{"v20/tree3", "", "", []string{"exit code 6", "b2 pid=22 tid=22 ppid=18 pgid=22 sid=18 GO ", "b reaped pid=21 status=0x300 ", "root reaped pid=18 "}},
	{"v21/tree3", "", "", []string{"exit code 6", "b1 pid=20 tid=20 ppid=18 pgid=18 sid=18 GO ", "root reaped pid=18 "}},
	{"v20/orphan", "--pidns " + findProgram, "", []string{"exit code 6", "orphan pid=3 tid=3 ppid=1 pgid=2 sid=2 GO ", "oinit reaped pid=3 status=0x300 "}},
	{"v20/zombies", "", "", zombieLines},
	{"v21/zombies", "", "", []string{"exit code 6", " status=0x700 ", " status=0x9 ", " status=0xb "}},
	{"v20/deadldr", "", "", []string{"exit code 6", "dlroot reaped pid=111 status=0x0 "}},
	{"v20-threads/deadldr", "", "", []string{"exit code 6", "survivor pid=113 tid=114 ppid=112 ", "dlroot reaped pid=113 status=0x900 "}},
	{"v20-threads/mtchild", "", "", []string{"exit code 6", "mtkid threads joined total=", " OK\n", "mtroot reaped pid=50 status=0x300 "}},
	{"v20-threads/mixz", "", "", []string{"exit code 6", "prd got=600 sum=975eb800\n", "mtkid threads joined total=", "zpar reaped pid=784 status=0x700 ", "mixz reaped pid=780 status=0x9 "}},
	{"v20/shmem", findProgram + " --map-path /shmem.map=/run/x/map", "truncate -s 8192 /run/x/map", sharedLines},
	{"v20/shmem", "--root /run/r", `mkdir -p /run/r/bin /run/r/tmp /run/r/dev && mount --bind /tmp /run/r/tmp && cp /run/x/wl /run/r/bin/wl &&
		truncate -s 8192 /run/r/shmem.map && touch /run/r/dev/null && mount --bind /dev/null /run/r/dev/null`, sharedLines},
	{"v20/fds", findProgram + " --map-path /fds.dat=/run/x/dat", "printf 0123456789abcdef > /run/x/dat", []string{
		"exit code 6", "fdk read 5 [45678] off=9\n", "fds off(keep)=9 off(40)=9 off(20)=9 fl0=800 umask=22 cwdok=1\n",
	}},
	{"v20/creds", "", "", []string{"exit code 6", "crk uid 1000 1001 1002 ngroups 3 g2=300\n", "crroot reaped pid=134 status=0x300 "}},
	{"v20/self", findProgram, "touch /tmp/self.ckpt", []string{"exit code 42", "self checkpoint returned 0 errno=0 pid=123\n"}},
}

var (
	zombieLines = []string{
		"exit code 6", "zroot reaped pid=61 status=0x700 ", "zroot reaped pid=62 status=0x9 ", "zroot reaped pid=63 status=0xb ",
		"zpar reaped pid=66 status=0x700 ",
	}
	sharedLines = []string{"exit code 6", "shk1 sees ", "shroot reaped pid=87 status=0x300 ", " magic=feed priv=private copy\n"}
)

// TestLegacyRestart: processes that a kernel of 2010 froze go on.
func TestLegacyRestart(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("choosing pids needs root")
	}
	thaw, err := exec.LookPath("thaw")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range legacyCases {
		t.Run(strings.TrimSpace(c.image+" "+strings.TrimSuffix(c.args, findProgram)), func(t *testing.T) {
			image := filepath.Join(legacyImages, c.image+".ckpt")
			if _, err := os.Stat(image); err != nil {
				image = filepath.Join(sharedLegacy, c.image+".ckpt")
			}
			if _, err := os.Stat(image); err != nil {
				t.Skip("this real image is not in the repository, and the folder of all is not at hand")
			}
			if c.args == "" {
				c.args = findProgram
			}
			out := restartLegacy(t, thaw, image, c)
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("lacks %q:\n%s", want, out)
				}
			}
		})
	}
}

// restartLegacy runs the script in namespaces of its own, as a root that has all
// users and groups.
func restartLegacy(t *testing.T, thaw, image string, c legacyCase) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	closeInherited(t)
	cmd := exec.CommandContext(ctx, "bash", "-c", restart, "restart", thaw, absolute(t, filepath.Join(legacyImages, "bin", "wl.x86_64")),
		absolute(t, image), filepath.Base(c.image), c.args, cmp.Or(c.before, "true"))
	all := []syscall.SysProcIDMap{{Size: 65536}}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		UidMappings: all, GidMappings: all, GidMappingsEnableSetgroups: true,
	}
	cmd.WaitDelay = time.Minute
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
