package criu

import (
	"path"
	"strings"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/cgroup"
	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// cgroup reads the sets of control groups that tasks are in.
func (d *decoder) cgroup() error {
	f := d.find(kCgroup, 0)
	e, ok := entry[*cgroup.CgroupEntry](f)
	if !ok {
		return nil
	}
	settings := map[string][]format.Sysctl{}
	for _, c := range e.GetControllers() {
		for _, dir := range c.GetDirs() {
			if err := d.collect(settings, strings.Join(c.GetCnames(), ","), "/", dir); err != nil {
				return codec.InFile(err, f.name)
			}
		}
	}
	for _, s := range e.GetSets() {
		if _, twice := d.cgroups[s.GetId()]; twice {
			return fault(f, &f.records[0], codec.Duplicate, "set %d is there twice", s.GetId())
		}
		o := format.Cgroup{ID: d.newID()}
		for _, c := range s.GetCtls() {
			o.Paths = append(o.Paths, format.CgroupPath{
				Controllers: c.GetName(), Path: c.GetPath(), Settings: settings[c.GetName()+":"+path.Clean("/"+c.GetPath())],
			})
		}
		d.cgroups[s.GetId()] = o.ID
		d.img.Objects.Cgroups = append(d.img.Objects.Cgroups, o)
	}
	return nil
}

// collect gathers the settings of a directory and those below it.
func (d *decoder) collect(out map[string][]format.Sysctl, controllers, parent string, dir *cgroup.CgroupDirEntry) error {
	at := path.Join(parent, dir.GetDirName())
	if err := d.charge(int64(len(controllers)+len(at)) + 64*int64(len(dir.GetProperties()))); err != nil {
		return err
	}
	list := make([]format.Sysctl, 0, len(dir.GetProperties()))
	for _, p := range dir.GetProperties() {
		list = append(list, format.Sysctl{Name: p.GetName(), Value: p.GetValue()})
	}
	if len(list) > 0 {
		out[controllers+":"+at] = list
	}
	for _, c := range dir.GetChildren() {
		if err := d.collect(out, controllers, at, c); err != nil {
			return err
		}
	}
	return nil
}

// taskCgroup is the set that a task is in; before 3.18 that of its process.
func (d *decoder) taskCgroup(p *proc, tc *criu_core.ThreadCoreEntry) (format.ObjectID, error) {
	n := tc.GetCgSet()
	if tc.CgSet == nil {
		n = p.core.GetTc().GetCgSet()
	}
	if n == 0 {
		return 0, nil
	}
	if id, ok := d.cgroups[n]; ok {
		return id, nil
	}
	f := d.find(kCgroup, 0)
	if f == nil {
		return 0, nil // dumped with --manage-cgroups=ignore
	}
	return 0, fault(f, &f.records[0], codec.Missing, "set %d of process %d is not there", n, p.pid)
}
