package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/spf13/cobra"
)

// verifyFlag says what pages are held against.
type verifyFlag string

// What --verify can ask for.
const (
	// verifyDigests: checksums and SHA-256 digests, of what is decompressed.
	verifyDigests verifyFlag = "digests"
	// verifyChecksums: the checksums of what is stored, at the speed of memory.
	verifyChecksums verifyFlag = "checksums"
	// verifyNone: pages are not read.
	verifyNone verifyFlag = "none"
)

// String is the flag as it can be given.
func (v *verifyFlag) String() string { return string(*v) }

// Set reads the flag: true and false are digests and none.
func (v *verifyFlag) Set(s string) error {
	switch f := verifyFlag(s); f {
	case verifyDigests, verifyChecksums, verifyNone:
		*v = f
		return nil
	}
	yes, err := strconv.ParseBool(s)
	if err != nil {
		return errors.New("wanted: digests, checksums or none")
	}
	*v = verifyNone
	if yes {
		*v = verifyDigests
	}
	return nil
}

// Type is what the help calls the flag's value.
func (v *verifyFlag) Type() string { return "WHAT" }

// imageArg asks for the image, and says what is wrong with "--verify none IMAGE":
// a flag that has a meaning without a value takes one only behind an equals sign.
func (o *validateOptions) imageArg(_ *cobra.Command, args []string) error {
	var v verifyFlag
	if len(args) == 2 && v.Set(args[0]) == nil {
		return usage("%q is taken for an image: write --verify=%s", args[0], args[0])
	}
	return exactArgs(1, "IMAGE")(nil, args)
}

// judgePages reads all pages against their digests or checksums.
func judgePages(ctx context.Context, q *inquiry) error {
	read := q.img.Verify
	switch q.opts.verify {
	case verifyNone:
		return nil
	case verifyChecksums:
		read = q.img.Check
	case verifyDigests:
	}
	findings, err := findingsOf(q.app.readPages(ctx, q.img, read))
	for _, f := range findings {
		q.tell(f)
	}
	q.pagesRead = err == nil
	return err
}
