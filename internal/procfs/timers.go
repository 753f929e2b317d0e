package procfs

import (
	"bytes"
)

// Timer is one entry of /proc/PID/timers.
type Timer struct {
	ID     int32
	Signal int32
	Value  uint64
	// Notify is the kind ("signal", "none", "thread") as a SIGEV number, with
	// SIGEV_THREAD_ID added where a thread is named; Target is that thread.
	Notify int32
	Target int
	Clock  int32
}

var notifyKinds = map[string]int32{"signal": 0, "none": 1, "thread": 2}

const sigevThreadID = 4

// ParseTimers parses /proc/PID/timers.
func ParseTimers(b []byte) ([]Timer, error) {
	var timers []Timer
	for n := 1; len(b) > 0; n++ {
		var text []byte
		text, b = line(b)
		name, value, ok := bytes.Cut(text, []byte(":"))
		value = bytes.TrimSpace(value)
		if ok && string(name) == "ID" {
			timers = append(timers, Timer{})
		}
		if !ok || len(timers) == 0 || !timers[len(timers)-1].set(string(name), value) {
			return nil, malformed("timers", n, "no line of a timer: %.40q", text)
		}
	}
	return timers, nil
}

func (t *Timer) set(name string, value []byte) bool {
	switch name {
	case "ID":
		v, ok := signed(value)
		t.ID = int32(v)
		return ok && v >= 0 && v <= 1<<31-1
	case "signal":
		sig, ptr, ok := bytes.Cut(value, []byte("/"))
		s, ok1 := number(sig, 10)
		v, ok2 := parsePointer(ptr)
		t.Signal, t.Value = int32(s), v
		return ok && ok1 && ok2 && s < 1<<31
	case "notify":
		return t.setNotify(value)
	case "ClockID":
		v, ok := signed(value)
		t.Clock = int32(v)
		return ok && v == int64(t.Clock)
	}
	return true
}

// parsePointer reads %px, which prints a null pointer as zeroes or "(null)".
func parsePointer(b []byte) (uint64, bool) {
	if string(b) == "(null)" {
		return 0, true
	}
	return number(bytes.TrimPrefix(b, []byte("0x")), 16)
}

// setNotify parses "signal/tid.123" or "none/pid.123".
func (t *Timer) setNotify(value []byte) bool {
	kind, who, ok := bytes.Cut(value, []byte("/"))
	sort, num, ok2 := bytes.Cut(who, []byte("."))
	v, ok3 := number(num, 10)
	notify, ok4 := notifyKinds[string(kind)]
	if !ok || !ok2 || !ok3 || !ok4 || v > 1<<31-1 {
		return false
	}
	t.Notify = notify
	if string(sort) == "tid" {
		t.Notify |= sigevThreadID
		t.Target = int(v)
	}
	return true
}

// Timers reads /proc/TID/timers.
func (r *Reader) Timers(tid int) ([]Timer, error) {
	path := Path(tid, "timers")
	b, err := r.Read(path)
	if err != nil {
		return nil, err
	}
	t, err := ParseTimers(b)
	return t, inFile(path, err)
}
