package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/thaw-cr/thaw/capture"
	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/restore"
	"github.com/thaw-cr/thaw/validate"
)

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func main() {
	ctx := context.Background()
	reg := codec.NewRegistry(native.Format())
	switch os.Args[1] {
	case "c":
		pid, _ := strconv.Atoi(os.Args[2])
		t0 := time.Now()
		s, err := capture.Freeze(ctx, format.PID(pid), capture.Options{})
		must(err)
		t1 := time.Now()
		f, err := os.OpenFile(os.Args[3], os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
		must(err)
		must(reg.Encode(ctx, f, s.Image(), "thaw", codec.EncodeOptions{}))
		t2 := time.Now()
		must(s.Kill())
		fmt.Println("capture", t1.Sub(t0), "encode", t2.Sub(t1), "kill", time.Since(t2))
	case "r":
		t0 := time.Now()
		f, err := os.Open(os.Args[2])
		must(err)
		st, _ := f.Stat()
		img, err := reg.Open(ctx, codec.Source{Name: os.Args[2], At: f, Size: st.Size()}, codec.Limits{})
		must(err)
		t1 := time.Now()
		fs := validate.Image(ctx, img.Image, validate.Options{Plan: true})
		for _, x := range fs {
			fmt.Println(x.Code, x.Severity, x.Subject, x.Message)
		}
		t2 := time.Now()
		var marks []string
		r, err := restore.Run(ctx, restore.Request{Image: img.Image, File: f, Options: restore.Options{PIDNamespace: len(os.Args) > 3, Progress: func(p restore.Progress) { marks = append(marks, fmt.Sprint(p.Stage, time.Since(t2))) }}})
		must(err)
		fmt.Println("open", t1.Sub(t0), "validate", t2.Sub(t1), "restore", time.Since(t2), marks)
		_ = r
	}
}
