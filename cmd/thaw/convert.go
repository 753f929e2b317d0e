package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
)

// convertOptions say what images become.
type convertOptions struct {
	policyOptions
	cryptOptions
	// to is FORMAT or FORMAT@VERSION.
	to string
	// strict refuses what would lose something.
	strict bool
	// compress is none or zstd; empty for the choice of source or format.
	compress string
	// task is a task of the process to write; zero for all.
	task int32
	// losses keeps all losses for a report, folder says that the image is one of
	// many; not flags.
	losses, folder bool
}

// AddFlags declares the flags.
func (o *convertOptions) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&o.to, "to", "", "write `FORMAT[@VERSION]`, of those that thaw formats lists")
	f.BoolVar(&o.strict, "strict", false, "refuse an image of which the target cannot hold all")
	o.addPolicyFlag(f)
	o.cryptOptions.AddFlags(f)
	f.Int32Var(&o.task, "task", 0, "with --to core, write the process of task `N` only")
	f.StringVar(&o.compress, "compress", "", "none or zstd; left out, an image of the same version stays as it is and others get none")
}

func newConvertCommand(a *app) *cobra.Command {
	var opts convertOptions
	cmd := &cobra.Command{
		Use:   "convert IN OUT --to FORMAT[@VERSION]",
		Short: "Write an image in another format or version",
		Long: `Convert reads an image, judges it and writes it in another format or version.
What the target cannot hold is reported. An invalid image is refused, and with
--strict one of which something would be lost: the exit code is 1 then, and no
file is left. Written in the format and version it has, an image stays the same
byte for byte.

IN and OUT are files, or - for standard input and output; an image of CRIU is a
directory, and OUT must then be new or empty. If IN is a folder of images, all
images in and below it are written to the same places below the folder OUT, on
all processors, and a table says what became of each: files that are no images
are passed over, those that fail do not keep the others from being written.

With --encrypt the image is written encrypted with age; without --to it stays as it
is otherwise. With --decrypt, or --identity, an encrypted one is read.

With --to core, processes become ELF core files, for gdb and its like. OUT is a
file if --task names one or the image has only one that is alive; otherwise it
is a directory, new or empty, with a file core.PID for each.` +
			exitHelp(exitOK, exitInvalid, exitUsage, exitIO, exitInterrupted),
		Example: "  thaw convert old.ckpt new.thaw --to thaw\n  thaw convert - - --to linux-cr@v21 --strict < tree.thaw > tree.ckpt\n" +
			"  thaw convert --json checkpoints/ converted/ --to thaw\n" +
			"  thaw convert tree.thaw core.4711 --to core --task 4711 && gdb PROGRAM core.4711\n" +
			"  thaw convert tree.thaw tree.thaw.age --encrypt age1…\n  thaw convert tree.thaw.age tree.thaw --decrypt key.txt",
		Args: exactArgs(2, "IN OUT"),
		RunE: runE(func(cmd *cobra.Command, args []string) error {
			return runConvert(cmd.Context(), a, opts, args[0], args[1])
		}),
	}
	opts.AddFlags(cmd.Flags())
	a.access.AddFlags(cmd.Flags())
	return cmd
}

// check refuses options that do not go together.
func (o *convertOptions) check(a *app, out string, folder bool) error {
	switch {
	case out != "-":
	case folder:
		return usage("a folder of images does not go to standard output")
	case a.streams.outTerm:
		return usage("an image does not go to a terminal: give a file")
	case a.json:
		return usage("--json and an image on standard output do not go together")
	}
	if !slices.Contains([]string{"", string(codec.None), string(codec.Zstd)}, o.compress) {
		return usage("--compress %.40q: none or zstd", o.compress)
	}
	return nil
}

// checkTask refuses --task where it means nothing.
func (o *convertOptions) checkTask(to convertTarget, folder bool) error {
	_, single := to.dir.(codec.FileOrDir)
	switch {
	case o.task == 0:
		return nil
	case o.task < 0:
		return usage("--task %d: tasks have positive numbers", o.task)
	case !single:
		return usage("--task goes with --to core: %s images hold whole trees", to.format)
	case folder:
		return usage("--task is about one image, not a folder of them")
	}
	return nil
}

// A convertTarget is the format and version that images are written in.
type convertTarget struct {
	format, version string
	// suffix is that of its files' names.
	suffix string
	// encoder writes files, dir directories; one of them may be nil.
	encoder codec.Encoder
	dir     codec.DirEncoder
}

// convertTarget finds what --to asks for.
func (a *app) convertTarget(to string) (convertTarget, error) {
	if to == "" {
		return convertTarget{}, usage("what to write is not said: --to FORMAT[@VERSION]")
	}
	name, version, _ := strings.Cut(to, "@")
	f := a.registry.Lookup(name)
	if f == nil {
		return convertTarget{}, noTarget("no format is called %.40q", name)
	}
	t := convertTarget{format: name, suffix: f.Info().Suffix}
	t.encoder, _ = f.(codec.Encoder)
	t.dir, _ = f.(codec.DirEncoder)
	if t.encoder == nil && t.dir == nil {
		return t, noTarget("%s is only read", name)
	}
	var ok bool
	if t.version, ok = versionName(f, version); !ok {
		return t, noTarget("%s is not written as %.40q but as: %s", name, version, strings.Join(f.Info().Writes, " "))
	}
	return t, nil
}

func noTarget(form string, args ...any) error {
	return &failure{code: exitUsage, err: fmt.Errorf(form, args...), hint: "thaw formats lists what is read and written"}
}

// versionName is a version that can be written, as the format itself calls it;
// the newest, if none is asked for.
func versionName(f codec.Format, version string) (string, bool) {
	writes := f.Info().Writes
	if version == "" {
		return writes[0], true
	}
	if n, ok := f.(codec.VersionNamer); ok {
		if name, ok := n.VersionName(version); ok {
			version = name
		}
	}
	return version, slices.Contains(writes, version)
}

func runConvert(ctx context.Context, a *app, opts convertOptions, in, out string) error {
	folder := a.isFolder(in)
	if err := opts.check(a, out, folder); err != nil {
		return err
	}
	if err := a.usePolicy(ctx, opts.policyOptions); err != nil {
		return err
	}
	if err := opts.prepare(ctx, a); err != nil {
		return err
	}
	if opts.alone() && !folder {
		return a.recrypt(ctx, opts, in, out)
	}
	target, err := a.convertTarget(opts.to)
	if err != nil {
		return err
	}
	if len(opts.recipients) > 0 {
		target.suffix += cryptSuffix
	}
	if target.encoder == nil && out == "-" {
		return usage("%s images are directories, which do not go to standard output", target.format)
	}
	if opts.compress == string(codec.Zstd) && target.format != captureFormat {
		return usage("%s images are not compressed", target.format)
	}
	if err := opts.checkTask(target, folder); err != nil {
		return err
	}
	begin := time.Now()
	said := convertJSON{In: in, Out: out, Format: target.format, Version: target.version}
	if folder {
		return a.convertFolder(ctx, opts, target, said, begin)
	}
	opts.losses = true
	one, err := a.convert(ctx, opts, target, in, out)
	if err != nil {
		return a.sayRefused(ctx, said, one, err)
	}
	said.Images, said.Converted = []convertedJSON{one}, 1
	said.Milliseconds = milliseconds(time.Since(begin))
	return a.sayConverted(said)
}

// isFolder says whether a name on the command line is that of a directory that
// is no image itself.
func (a *app) isFolder(name string) bool {
	info, err := os.Stat(name)
	return name != "-" && err == nil && info.IsDir() && !a.isImageDir(name)
}

// isImageDir says whether a directory is an image.
func (a *app) isImageDir(name string) bool {
	dir, err := archive.OpenDir(name)
	if err != nil {
		return false
	}
	is := a.registry.DetectDir(dir)
	return dir.Close() == nil && is
}
