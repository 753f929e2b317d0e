package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
	"github.com/thaw-cr/thaw/validate/host"
)

// fitNode are the facts of a host that can hold the sample.
func fitNode(name string) *host.Facts {
	all, fine, exec := uint64(1<<41-1), "", false
	f := &host.Facts{
		Version: host.Version, Name: name, Kernel: "6.18.0", Arch: "amd64", PageSize: format.PageSize,
		Processor:   &host.Processor{XFeatures: 7, Online: []uint64{3}, UserEnd: host.UserEnd4},
		Rights:      &host.Rights{Effective: all, Permitted: all, Bounding: all, Limits: []format.Limit{{Resource: 7, Soft: 1024, Hard: 4096}}},
		Memory:      &host.Memory{Available: 1 << 30, Tasks: 100},
		Cgroups:     &host.Cgroups{Unified: true, Path: "/"},
		Security:    &host.Security{Modules: []string{"capability"}},
		Numbers:     &host.Numbers{Tasks: []host.Taken{{Number: 1, By: "init"}}, Groups: []host.Taken{{Number: 1, Process: 1}}},
		Filesystems: []string{"proc", "tmpfs"},
		Settings:    map[string]string{},
		Features:    map[string]host.Answer{},
		Files: []host.File{
			{Path: "/", Mode: 0o40755},
			{Path: "/dev/null", Mode: 0o20666, Major: 1, Minor: 3, Read: &fine, Write: &fine},
			{Path: "/usr/bin/sample", Mode: 0o100755, Size: 4096, NoExec: &exec, SHA256: sumOf("the program")},
		},
	}
	for _, s := range host.Settings() {
		f.Settings[s] = "1000000"
	}
	f.Settings["kernel.core_pattern"], f.Settings["kernel.yama.ptrace_scope"], f.Settings["vm.overcommit_memory"] = "core", "1", "0"
	for _, s := range host.Features() {
		f.Features[s] = host.Answer{Is: host.Yes}
	}
	return f
}

// writeNodes writes the facts of three hosts.
func writeNodes(dir string) error {
	a, b, c := fitNode("node-a"), fitNode("node-b"), fitNode("node-c")
	b.Kernel, b.Features[host.FeatureSetTID] = "5.4.0", host.Answer{Is: host.No, Why: "argument list too long"}
	b.Memory.Available = 4096
	b.Files[2] = host.File{Path: "/usr/bin/sample", Error: "ENOENT"}
	c.Files, c.Numbers = nil, nil
	if err := os.Mkdir(filepath.Join(dir, "nodes"), 0o755); err != nil {
		return err
	}
	for name, f := range map[string]*host.Facts{"a.json": a, "b.json": b, "c.json": c} {
		var doc bytes.Buffer
		if err := host.Encode(&doc, f); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "nodes", name), doc.Bytes(), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// TestHostSchemas checks what host-facts and validate --host-facts DIR print.
func TestHostSchemas(t *testing.T) {
	good, dir := imageFile(t, nil), t.TempDir()
	if err := writeNodes(dir); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		schema string
		args   []string
	}{
		{"host-facts", []string{"host-facts", "--for", good, "--numbers"}},
		{"host-matrix", []string{"validate", "--host-facts", filepath.Join(dir, "nodes"), "--json", good}},
		{"findings", []string{"validate", "--host-facts", filepath.Join(dir, "nodes", "c.json"), "--json", good}},
	} {
		b := newBench()
		if code := b.run(tt.args...); code != exitOK {
			t.Errorf("%v: exit code %d: %s", tt.args, code, b.err.String())
		}
		checkSchema(t, tt.schema, b.out.Bytes())
	}
}

// TestFactsLikeHost asks this machine itself, and by the facts that it writes
// down for the image: both say the same.
func TestFactsLikeHost(t *testing.T) {
	good := imageFile(t, nil)
	verdict := func(args ...string) validate.Report {
		t.Helper()
		b := newBench()
		b.app.engine = liveEngine{}
		code := b.run(append(args, "--json", good)...)
		if code != exitHost {
			t.Fatalf("exit code %d, want %d: the sample's program is nowhere: %s", code, exitHost, b.err.String())
		}
		var r validate.Report
		if err := json.Unmarshal(b.out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, mode := range []string{"inplace", "pidns"} {
		facts := filepath.Join(t.TempDir(), "facts.json")
		b := newBench()
		b.app.engine = liveEngine{}
		if code := b.run("host-facts", "--numbers", "--for", good, "-o", facts); code != exitOK {
			t.Fatalf("exit code %d: %s", code, b.err.String())
		}
		here, there := verdict("validate", "--mode", mode, "--host"), verdict("validate", "--mode", mode, "--host-facts", facts)
		if diff := cmp.Diff(here, there); diff != "" {
			t.Errorf("%s (-host +facts):\n%s", mode, diff)
		}
	}
}
