package live

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

// TestCRIUAgrees captures programs of which there are images by CRIU, and compares
// what thaw reads of both: the same tree is the same model.
func TestCRIUAgrees(t *testing.T) {
	Need(t)
	repo := os.Getenv(envRepo)
	shared := filepath.Join(repo, "..", "shared", "images", "criu")
	if !exists(shared) {
		t.Skip("no ../shared/images beside the repository")
	}
	for _, name := range []string{"a-single", "f-memory", "h1-files"} {
		t.Run(name, func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			copied := filepath.Join(w.Dir, "captured")
			own, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0) // the kernel gives 20 less it
			w.must(err)
			// The programs were not nice when CRIU saw them.
			cmd := exec.Command("/usr/bin/nice", "-n", fmt.Sprint(own-20), "/bin/bash", w.patientJudge(shared, "capture-judge.sh"), name)
			cmd.Env = append(os.Environ(), "F="+shared, "TIMEOUT=120", "THAW="+w.Thaw(), "COPY="+copied, "RESTORE="+w.Thaw()+" restore --detach",
				"CAPTURE="+filepath.Join(repo, "testdata", "live", "judge-capture-keep.sh"))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			unpack := exec.Command("/bin/sh", "-c", `zstd -dcq "$1" | tar -xf - -C "$2"`, "sh", filepath.Join(shared, name+".tar.zst"), w.Dir)
			if out, err := unpack.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			criu, ours := dumpJSON(t, w.Thaw(), filepath.Join(w.Dir, name, "images")), dumpJSON(t, w.Thaw(), copied)
			if d := gocmp.Diff(treeFacts(criu), treeFacts(ours)); d != "" {
				t.Errorf("-CRIU +thaw:\n%s", d)
			}
		})
	}
}

func dumpJSON(t *testing.T, thaw, image string) *format.Image {
	t.Helper()
	out, err := exec.Command(thaw, "dump", "--json", image).Output()
	if err != nil {
		t.Fatalf("dump %s: %v", image, err)
	}
	img := &format.Image{}
	if err := json.Unmarshal(out, img); err != nil {
		t.Fatal(err)
	}
	return img
}

// taskFacts is what must be the same of a task in two runs of a program: nothing
// that the kernel chose, as addresses, or that hangs on the moment, as registers.
type taskFacts struct {
	Comm    string
	State   format.State
	Mask    format.SignalSet
	Sched   format.Sched
	FS      format.FS
	Creds   format.Credentials
	Actions []format.SignalAction
	Limits  []format.Limit
	Areas   []areaFacts
	Files   []fileFacts
}

type areaFacts struct {
	Kind   format.VMAKind
	Prot   format.Prot
	Size   uint64
	Offset uint64
	Flags  format.VMAFlags
	Shared bool
	Path   string
}

type fileFacts struct {
	FD      format.FD
	CloExec bool
	Kind    format.FileKind
	Flags   uint32
	Pos     int64
}

func treeFacts(img *format.Image) []taskFacts {
	ix := format.NewIndex(img)
	out := make([]taskFacts, 0, len(img.Tasks))
	for i := range img.Tasks {
		t := &img.Tasks[i]
		f := taskFacts{Comm: t.Comm, State: t.State, Mask: t.SignalMask, Sched: format.Sched{Nice: t.Sched.Nice, Policy: t.Sched.Policy}}
		f.FS, f.Creds = *ix.FS(t.FS), *ix.Creds(t.Creds)
		f.FS.ID, f.Creds.ID = 0, 0
		f.Limits = ix.Process(t.Process).Limits
		for _, a := range ix.Handlers(t.Handlers).Actions {
			if a.Handler > ignored { // what is ignored is inherited
				f.Actions = append(f.Actions, a)
			}
		}
		f.Areas = areasOf(ix.Memory(t.Memory))
		for _, e := range ix.FileTable(t.Files).Entries {
			o := ix.File(e.File)
			f.Files = append(f.Files, fileFacts{e.FD, e.CloseOnExec, o.Kind, o.Flags, o.Pos})
		}
		out = append(out, f)
	}
	return out
}

// ignored is SIG_IGN; below is SIG_DFL alone.
const ignored = 1

// areasOf leaves out what the kernel provides or places, and the flag that CRIU
// does not tell. The order does not count: the kernel chose the addresses.
func areasOf(mm *format.AddressSpace) []areaFacts {
	var out []areaFacts
	for i := range mm.VMAs {
		v := &mm.VMAs[i]
		if v.Special() || v.Kind == format.VMAStack {
			continue
		}
		out = append(out, areaFacts{
			v.Kind, v.Prot, v.Pages(), v.Offset, v.Flags &^ format.VMAAccount, v.SharedMap, v.File.Path,
		})
	}
	slices.SortFunc(out, func(a, b areaFacts) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return out
}
