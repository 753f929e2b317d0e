package hostfacts

import (
	"cmp"
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate/host"
)

func (s *Source) rights(f *host.Facts) error {
	self := os.Getpid()
	st, err := s.reader.Status(self)
	if err != nil {
		return err
	}
	r := &host.Rights{
		EUID: st.UID[1], EGID: st.GID[1], Effective: st.CapEffective, Permitted: st.CapPermitted, Bounding: st.CapBounding, Groups: &st.Groups,
		Login: cmp.Or(Login(self), new(format.NoLogin)),
	}
	if st.Groups == nil {
		r.Groups = &[]uint32{}
	}
	for i := range abi.RlimNlimits {
		soft, hard, err := sys.GetLimit(0, i)
		if err != nil {
			return err
		}
		r.Limits = append(r.Limits, format.Limit{Resource: uint32(i), Soft: soft, Hard: hard})
	}
	attr, err := sys.GetSchedAttr(self)
	if err != nil {
		return err
	}
	prio, err := sys.GetIOPrio(self)
	if err != nil {
		return err
	}
	r.Scheduling = &host.Scheduling{Policy: attr.Policy, Nice: int8(attr.Nice), Priority: attr.Priority, IOPrio: prio}
	ReadUserNamespace(r)
	f.Rights = r
	return nil
}

// ReadUserNamespace adds what the program's user namespace allows.
func ReadUserNamespace(r *host.Rights) {
	r.UIDs, r.GIDs = idMap("/proc/self/uid_map"), idMap("/proc/self/gid_map")
	r.UserNamespace = r.UIDs != nil
	if b, err := os.ReadFile("/proc/self/setgroups"); err == nil {
		r.GroupsFixed = strings.TrimSpace(string(b)) == "deny"
	}
}

// idMap reads the numbers that there are in this user namespace; nil for all,
// which is so in the first, and on kernels that know no other.
func idMap(path string) []host.Range {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return parseIDMap(string(b))
}

func parseIDMap(text string) []host.Range {
	list := []host.Range{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		const columns = 3 // inside, outside, count
		if len(words) != columns {
			continue
		}
		first, err1 := strconv.ParseUint(words[0], 10, 32)
		count, err2 := strconv.ParseUint(words[2], 10, 32)
		if err1 == nil && err2 == nil {
			list = append(list, host.Range{First: uint32(first), Count: uint32(count)})
		}
		if strings.Join(words, " ") == "0 0 4294967295" {
			return nil
		}
	}
	return list
}

// oomFile holds this program's own.
const oomFile = "/proc/self/oom_score_adj"

// oom reads oom_score_adj, and tries how low it can be set: what was set with a
// privilege once can be had again without, and nothing else tells. In the end it
// is as it was. With the privilege nothing is tried, for that would change it.
func (*Source) oom(f *host.Facts) error {
	const lowest = -1000
	now, err := readAdjust()
	if err != nil {
		return err
	}
	o := &host.OOM{Adjust: int16(now), Least: lowest}
	if !f.Rights.EverywhereHas(host.CapSysResource) {
		least := lowest
		for high := now; least < high; { // high can be set, or is as it is
			if middle := least + (high-least)/2; writeAdjust(middle) == nil {
				high = middle
			} else {
				least = middle + 1
			}
		}
		o.Least = int16(least)
		if least < now {
			err = writeAdjust(now)
		}
	}
	f.Rights.OOM = o
	return err
}

func readAdjust() (int, error) {
	b, err := os.ReadFile(oomFile)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}

func writeAdjust(n int) error {
	f, err := os.OpenFile(oomFile, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strconv.Itoa(n))
	return errors.Join(err, f.Close())
}
