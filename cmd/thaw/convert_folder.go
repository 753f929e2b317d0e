package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/internal/dump"
)

// A convertJob is one image of a folder.
type convertJob struct {
	in, out string
	size    int64
	// dir says that it is a directory.
	dir bool
	// err says why it cannot be converted at all.
	err error

	skipped bool
	done    convertedJSON
}

// convertFolder converts all images in and below a folder.
func (a *app) convertFolder(ctx context.Context, opts convertOptions, to convertTarget, said convertJSON, begin time.Time) error {
	jobs, err := a.findJobs(said.In, said.Out)
	if err != nil {
		return err
	}
	var total int64
	for i := range jobs {
		total += jobs[i].size
	}
	opts.losses, opts.folder = a.json, true
	m := a.meter("converting images", total)
	defer m.stop()
	if err := onAllProcessors(ctx, jobs, func(j *convertJob) { a.identifyJob(ctx, j) }); err != nil {
		return err
	}
	a.nameJobs(said.In, said.Out, to, jobs)
	err = onAllProcessors(ctx, jobs, func(j *convertJob) {
		a.convertJob(ctx, opts, to, j)
		m.add(int(j.size))
	})
	if err != nil {
		return err
	}
	said.collect(jobs)
	said.Milliseconds = milliseconds(time.Since(begin))
	m.stop()
	return a.sayFolder(said)
}

// onAllProcessors does work for each job. The error is the context's.
func onAllProcessors(ctx context.Context, jobs []convertJob, work func(*convertJob)) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range jobs {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			work(&jobs[i])
			return nil
		})
	}
	return errors.Join(g.Wait(), ctx.Err())
}

// collect puts the jobs' results into the report, in the order of names.
func (c *convertJSON) collect(jobs []convertJob) {
	c.Images = []convertedJSON{}
	for i := range jobs {
		j := &jobs[i]
		switch {
		case j.skipped:
			c.Skipped++
			continue
		case j.done.Error != nil:
			c.Failed++
		default:
			c.Converted++
		}
		c.Images = append(c.Images, j.done)
	}
}

// convertJob converts one file, unless it is no image.
func (a *app) convertJob(ctx context.Context, opts convertOptions, to convertTarget, j *convertJob) {
	if j.skipped {
		return
	}
	j.done.In = j.in
	err := j.err
	if err == nil {
		err = os.MkdirAll(filepath.Dir(j.out), 0o755)
	}
	if err == nil {
		j.done, err = a.convert(ctx, opts, to, j.in, j.out)
	}
	if err != nil {
		j.done.failed(classify(ctx, err))
	}
}

// identifyJob finds out whether a file is no image at all. One that is cut off is
// one, and an empty file if it has an image's name.
func (a *app) identifyJob(ctx context.Context, j *convertJob) {
	if j.err != nil || j.dir {
		return
	}
	if j.size == 0 {
		_, named := a.trimSuffix(j.in)
		j.skipped = !named
		return
	}
	file, err := os.Open(j.in)
	if err != nil {
		j.err = fail(exitIO, err)
		return
	}
	_, _, release, err := a.registry.Identify(ctx, codec.Source{Name: j.in, At: file, Size: j.size}, codec.Limits{})
	j.skipped = errors.Is(err, codec.ErrUnknownFormat)
	if err == nil { // what else is wrong, opening finds, too
		err = release()
	}
	_ = errors.Join(err, file.Close()) // it was read only
}

// findJobs lists the files in and below a folder, and the directories that are
// images, those below out left out.
func (a *app) findJobs(in, out string) ([]convertJob, error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, fail(exitIO, err)
	}
	outInfo, err := os.Stat(out)
	if err != nil {
		return nil, fail(exitIO, err)
	}
	if inInfo, err := os.Stat(in); err == nil && os.SameFile(inInfo, outInfo) {
		return nil, usage("%s is both the folder to read and the folder to write", dump.Clean(in))
	}
	var jobs []convertJob
	err = filepath.WalkDir(in, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			jobs = append(jobs, convertJob{in: path, err: fail(exitIO, err)})
			return nil
		}
		info, err := d.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone since the folder was listed
			return nil
		case err != nil:
			return err
		case d.IsDir() && os.SameFile(info, outInfo):
			return fs.SkipDir
		case d.IsDir() && a.isImageDir(path):
			jobs = append(jobs, convertJob{in: path, dir: true})
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		jobs = append(jobs, convertJob{in: path, size: info.Size()})
		return nil
	})
	if err != nil {
		return nil, fail(exitIO, err)
	}
	return jobs, nil
}

// nameJobs gives each image the name of what it becomes: its place in the folder,
// with the suffix of the target's format. No two get the same.
func (a *app) nameJobs(in, out string, to convertTarget, jobs []convertJob) {
	taken := map[string]string{}
	for i := range jobs {
		j := &jobs[i]
		rel, err := filepath.Rel(in, j.in)
		if j.skipped || j.err != nil || err != nil {
			j.err = errors.Join(j.err, err)
			continue
		}
		base, _ := a.trimSuffix(rel)
		j.out = filepath.Join(out, base+to.suffix)
		if first, ok := taken[j.out]; ok {
			j.err = fail(exitIO, fmt.Errorf("it would be written to %s, where %s goes", dump.Clean(j.out), dump.Clean(first)))
			continue
		}
		taken[j.out] = j.in
	}
}

// trimSuffix takes the suffixes of compression and of a format off a name, and
// says whether it had a format's.
func (a *app) trimSuffix(name string) (string, bool) {
	name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, cryptSuffix), ".gz"), ".zst")
	for _, f := range a.registry.Formats() {
		s := f.Info().Suffix
		if s == "" {
			continue
		}
		if base, ok := strings.CutSuffix(name, s); ok && filepath.Base(name) != s {
			return base, true
		}
	}
	return name, false
}
