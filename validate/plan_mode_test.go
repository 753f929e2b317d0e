package validate

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/restore/plan"
)

// ofModes are rules that speak of ways to restore that were asked for, which no
// image trips by itself: TestModesOfVectors and TestModeFindings do.
var ofModes = map[string]bool{"P004": true, "P005": true, "P006": true}

// judgeModes asks for modes and gives the answers by mode.
func judgeModes(t *testing.T, img *format.Image, o Options) (map[Mode]ModeResult, []Finding) {
	t.Helper()
	results := map[Mode]ModeResult{}
	o.Plan = true
	o.OnMode = func(r ModeResult) { results[r.Mode] = r }
	return results, Image(t.Context(), img, o)
}

// TestModesOfVectors asks for all modes of all valid images.
func TestModesOfVectors(t *testing.T) {
	want := map[string]string{ // else yes yes yes
		"init": "no yes yes", // task 1
	}
	files, err := filepath.Glob(filepath.Join(validDir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %d vectors", err, len(files))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			results, found := judgeModes(t, readVector(t, b).image(), Options{Modes: Modes()})
			var got []string
			for _, m := range Modes() {
				r := results[m]
				got = append(got, string(r.Plan))
				if (r.Plan == PlanYes) != (r.Steps > 0) || (r.Plan == PlanNo) != (len(r.Reasons) > 0) {
					t.Errorf("%s: %+v", m, r)
				}
			}
			if want[name] == "" {
				want[name] = "yes yes yes"
			}
			if diff := cmp.Diff(want[name], strings.Join(got, " ")); diff != "" {
				t.Errorf("answers (-want +got):\n%s\n%v", diff, found)
			}
			if HasErrors(found) {
				t.Errorf("errors: %v", found)
			}
		})
	}
}

// initImage is a tree whose root is task 1.
func initImage() *format.Image {
	img := (&vector{Image: baseImage(), Pages: basePages()}).image()
	number := map[format.PID]format.PID{100: 1, 50: 1}
	for i := range img.Tasks {
		t := &img.Tasks[i]
		for _, n := range []*format.PID{&t.TID, &t.TGID, &t.PPID, &t.PGID, &t.SID} {
			if to := number[*n]; to != 0 {
				*n = to
			}
		}
		if t.TGID == 1 {
			t.PPID = 0
		}
	}
	img.Root = 1
	return img
}

func TestModeFindings(t *testing.T) {
	const taken = "number 1 belongs to the init of every pid namespace, so only one of its own has it free"
	remembered := "warning P005 image: with other numbers: programs that remember their numbers, in memory or in files, will name others"
	for _, tt := range []struct {
		name  string
		modes []Mode
		want  []string
	}{
		{"by itself", nil, nil},
		{"in place", []Mode{ModeInPlace}, []string{"error P006 task 1: in place: " + taken}},
		{"namespace", []Mode{ModePIDNS}, nil},
		{"either", []Mode{ModeInPlace, ModePIDNS}, []string{"note P004 task 1: in place: " + taken}},
		{"other numbers", []Mode{ModeRemap}, []string{
			remembered,
			"warning P005 task 1: with other numbers: it is the init of a pid namespace, which adopts all orphans " +
				"and which no signal ends that it has no handler for; as one process among others it is neither",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			_, found := judgeModes(t, initImage(), Options{Modes: tt.modes, Only: []string{"P"}})
			for _, f := range found {
				got = append(got, string(f.Severity)+" "+f.Code+" "+f.Subject.String()+": "+f.Message)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestModesOfBrokenTree asks for plans of a tree that is none.
func TestModesOfBrokenTree(t *testing.T) {
	img := baseImage()
	img.Root = 999
	results, _ := judgeModes(t, img, Options{Modes: Modes()})
	for _, m := range Modes() {
		if results[m].Plan != PlanUnknown {
			t.Errorf("%s: %+v", m, results[m])
		}
	}
}

// TestNoModeHasPlan asks that a tree without a plan is an error in every mode,
// which names the task.
func TestNoModeHasPlan(t *testing.T) {
	results, found := judgeModes(t, planMutations[0].vector().image(), Options{Modes: Modes()})
	for _, m := range Modes() {
		if r := results[m]; r.Plan != PlanNo || len(r.Reasons) == 0 || r.Reasons[0].Task == 0 {
			t.Errorf("%s: %+v", m, r)
		}
	}
	if diff := cmp.Diff([]string{"P001"}, codesOf(found)); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

// TestRemapNumbers asks that a tree with other numbers is the same tree: new
// numbers everywhere, none of which means something else already.
func TestRemapNumbers(t *testing.T) {
	img := baseImage()
	img.Tasks[2].SID = 4000 // a leader that is gone
	img.Objects.Files[0].Owner = &format.FileOwner{Type: 1, PID: firstNew, Signal: 29}
	r, err := newRenumbering(img, pidLimit)
	if err != nil {
		t.Fatal(err)
	}
	if r.to[4000] == 0 || r.from[firstNew] != 0 {
		t.Errorf("numbers %v", r.to)
	}
	if len(r.from) != len(r.to) {
		t.Errorf("%d numbers become %d", len(r.to), len(r.from))
	}
	for old, n := range r.to {
		if n == old || r.from[n] != old {
			t.Errorf("%d becomes %d, which comes from %d", old, n, r.from[n])
		}
	}
	if r.references == 0 {
		t.Error("no reference counted, but the base image has a terminal")
	}
	out := r.hierarchy(img)
	if out.Root != r.to[img.Root] || out.Tasks[0].PPID != 0 || out.Tasks[2].PPID != out.Root || out.Tasks[2].SID != r.to[4000] {
		t.Errorf("hierarchy %+v", out.Tasks)
	}
}

// TestRemapFaults has the simulation fail for the new numbers only.
func TestRemapFaults(t *testing.T) {
	refused := errors.New("refused")
	for _, tt := range []struct {
		name string
		do   func(*format.Image) error
		code string
		task format.PID
	}{
		{"no plan", func(*format.Image) error { return refused }, "P003", 0},
		{"another tree", func(built *format.Image) error {
			for i := range built.Tasks {
				if built.Tasks[i].State == format.Zombie {
					built.Tasks[i].Status = 0
				}
			}
			return nil
		}, "P002", 103},
	} {
		t.Run(tt.name, func(t *testing.T) {
			results, found := judgeModes(t, (&vector{Image: baseImage(), Pages: basePages()}).image(), Options{
				Modes: []Mode{ModeRemap},
				simulate: func(p *plan.Plan, img *format.Image, o plan.Options, r *rand.Rand) (*format.Image, error) {
					built, err := plan.Simulate(p, img, o, r)
					if err == nil {
						err = tt.do(built)
					}
					return built, err
				},
			})
			if len(found) != 1 || found[0].Code != tt.code || found[0].Subject.Task != tt.task {
				t.Errorf("findings %v", found)
			}
			if results[ModeRemap].Plan != PlanNo {
				t.Errorf("%+v", results)
			}
		})
	}
}

func TestRemapTooMany(t *testing.T) {
	img := baseImage() // five numbers: 50, 100 to 103
	if _, err := newRenumbering(img, firstNew+5); err != nil {
		t.Error(err)
	}
	if _, err := newRenumbering(img, firstNew+4); !errors.Is(err, errTooMany) {
		t.Errorf("error %v", err)
	}
}

func TestParseModes(t *testing.T) {
	for _, tt := range []struct {
		names []string
		want  []Mode
		ok    bool
	}{
		{nil, nil, true},
		{[]string{"pidns", "INPLACE", "pidns"}, []Mode{ModePIDNS, ModeInPlace}, true},
		{[]string{"remap", "all"}, Modes(), true},
		{[]string{"elsewhere"}, nil, false},
	} {
		got, err := ParseModes(tt.names)
		if diff := cmp.Diff(tt.want, got); diff != "" || (err == nil) != tt.ok {
			t.Errorf("%v: %v (-want +got):\n%s", tt.names, err, diff)
		}
	}
}
