package validate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/linuxcr"
	"github.com/thaw-cr/thaw/codec/native"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// A gate in front of a restore: the image is opened, whatever its format, and
// judged. What is wrong with its bytes comes as an error of Open, of which
// FromError makes findings.
func Example() {
	ctx := context.Background()
	registry := codec.NewRegistry(native.Format(), linuxcr.Format())
	judge := func(name string) validate.Report {
		file, err := os.Open(name)
		if err != nil {
			panic(err)
		}
		defer file.Close()
		opened, err := registry.Open(ctx, codec.Source{Name: filepath.Base(name), Reader: file}, codec.Limits{})
		if err != nil {
			return validate.NewReport(filepath.Base(name), validate.FromError(err))
		}
		defer opened.Close()
		findings := append(validate.FromFaults(opened.Faults), validate.Image(ctx, opened.Image, validate.Options{Plan: true})...)
		findings = append(findings, validate.FromError(opened.Verify(ctx))...) // reads all pages
		return validate.NewReport(filepath.Base(name), findings)
	}
	for _, name := range []string{"single.ckpt", "unlinked.ckpt"} {
		report := judge("../testdata/linuxcr/v20/" + name)
		fmt.Println(report.Image, report.Verdict, report.Counts)
		for _, f := range report.Findings {
			if f.Severity == validate.Error {
				fmt.Println(f.Code, f.Subject, f.Message)
			}
		}
	}
	// Output:
	// single.ckpt valid no findings
	// unlinked.ckpt invalid 1 error
	// F003 unlinked.ckpt, C3 record header, at 0x9df the input ends 8 bytes early
}

// sample is an image with faults: the root is missing, and a task has a name that
// is too long.
func sample() *format.Image {
	return &format.Image{
		Provenance: format.Provenance{Arch: "amd64", PageSize: format.PageSize},
		Root:       5,
		Tasks: []format.Task{{
			TID: 7, TGID: 7, PPID: 1, PGID: 7, SID: 7, State: format.Zombie, ExitSignal: format.SIGCHLD,
			Comm: "longer than fifteen",
		}},
	}
}

// Findings are yielded as they are found, family by family. Breaking off at the
// first error ends the work.
func ExampleRun() {
	ctx := context.Background()
	for f := range validate.Run(ctx, sample(), validate.Options{Plan: true}) {
		fmt.Printf("%s: %s: %s\n", f.Code, f.Subject, f.Message)
		if f.Severity == validate.Error {
			fmt.Println("not restored")
			break
		}
	}
	if err := ctx.Err(); err != nil {
		fmt.Println("not all was asked:", err)
	}
	// Output:
	// H002: image: the root is task 5, which the image does not hold
	// not restored
}

// The ways in which a tree can be restored, each with its proof.
func ExampleRun_modes() {
	file, err := os.Open("../testdata/linuxcr/v20/zombies.ckpt")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	ctx := context.Background()
	opened, err := codec.NewRegistry(linuxcr.Format()).Open(ctx, codec.Source{Name: "zombies.ckpt", Reader: file}, codec.Limits{})
	if err != nil {
		panic(err)
	}
	defer opened.Close()
	for f := range validate.Run(ctx, opened.Image, validate.Options{
		Plan: true, Modes: validate.Modes(),
		OnMode: func(r validate.ModeResult) { fmt.Printf("%s: %s, %d steps\n", r.Mode, r.Plan, r.Steps) },
	}) {
		fmt.Println(f.Code, f.Subject, f.Message)
	}
	// Output:
	// inplace: yes, 24 steps
	// pidns: yes, 23 steps
	// remap: yes, 24 steps
	// P005 image with other numbers: programs that remember their numbers, in memory or in files, will name others
}

// A report as the document that thaw validate --json prints.
func ExampleJSON() {
	findings := validate.Image(context.Background(), sample(), validate.Options{Only: []string{"H002"}})
	if err := validate.JSON(os.Stdout, validate.NewReport("tree.thaw", findings)); err != nil {
		panic(err)
	}
	// Output:
	// {
	//   "version": 1,
	//   "tool": "thaw",
	//   "image": "tree.thaw",
	//   "verdict": "invalid",
	//   "errors": 1,
	//   "warnings": 0,
	//   "notes": 0,
	//   "left_out": {},
	//   "pages_read": false,
	//   "findings": [
	//     {
	//       "code": "H002",
	//       "severity": "error",
	//       "message": "the root is task 5, which the image does not hold",
	//       "hint": "capture the tree again; if it comes from a conversion, report the source image"
	//     }
	//   ]
	// }
}

// A report for code scanning services. A sieve leaves out what is known.
func ExampleSARIF() {
	findings := validate.Image(context.Background(), sample(), validate.Options{Only: []string{"H"}})
	sieve := validate.Sieve{Baseline: validate.NewBaseline(findings[:1])}
	var told []validate.Finding
	for i := range findings {
		if sieve.Pass(&findings[i]) {
			told = append(told, findings[i])
		}
	}
	report := validate.NewReport("tree.thaw", told)
	report.LeftOut = sieve.LeftOut
	var log bytes.Buffer
	if err := validate.SARIF(&log, report); err != nil {
		panic(err)
	}
	// What such a service shows of it.
	var shown struct {
		Version string
		Runs    []struct {
			Artifacts []struct{ Location struct{ URI string } }
			Results   []struct {
				RuleID, Level string
				Locations     []struct {
					LogicalLocations []struct{ FullyQualifiedName string }
				}
			}
			Properties struct{ Verdict string }
		}
	}
	if err := json.Unmarshal(log.Bytes(), &shown); err != nil {
		panic(err)
	}
	run := shown.Runs[0]
	fmt.Printf("SARIF %s: %s is %s\n", shown.Version, run.Artifacts[0].Location.URI, run.Properties.Verdict)
	for _, r := range run.Results {
		fmt.Println(r.Level, r.RuleID, r.Locations[0].LogicalLocations[0].FullyQualifiedName)
	}
	// Output:
	// SARIF 2.1.0: tree.thaw is invalid
	// error H036 task 7
}
