package validate

import "github.com/thaw-cr/thaw/format"

// idIPC is an ipc namespace that the root is put into.
const idIPC = 80

func (v *vector) ipc() *format.Objects {
	v.namespaces(format.Namespace{ID: idIPC, Kind: format.NSIPC})
	return &v.Image.Objects
}

func sysvNumber(number, key int32) format.SysVKey {
	return format.SysVKey{Number: number, Key: key, Mode: 0o600, Namespace: idIPC}
}

var sysvMutations = []mutation{
	{"R090", "number-of-two-segments", func(v *vector) {
		o := v.ipc()
		first, second := sysvNumber(5, 0), sysvNumber(5, 7)
		o.Shared = append(o.Shared, format.SharedMemory{ID: 17, Kind: format.SharedSysV, Size: 4096, SysV: &first},
			format.SharedMemory{ID: 18, Kind: format.SharedSysV, Size: 4096, SysV: &second})
	}},
	{"R090", "key-of-two-queues", func(v *vector) {
		o := v.ipc()
		o.Messages = []format.SysVMessages{{ID: 81, Key: sysvNumber(1, 7)}, {ID: 82, Key: sysvNumber(2, 7)}}
	}},
	{"R091", "negative", func(v *vector) {
		o := v.ipc()
		o.Semaphores = []format.SysVSemaphores{{ID: 81, Key: sysvNumber(-1, 7), Values: []uint16{1}}}
	}},
	{"R091", "set-of-none", func(v *vector) {
		o := v.ipc()
		o.Semaphores = []format.SysVSemaphores{{ID: 81, Key: sysvNumber(1, 7)}}
	}},
	{"R091", "value-too-high", func(v *vector) {
		o := v.ipc()
		o.Semaphores = []format.SysVSemaphores{{ID: 81, Key: sysvNumber(1, 7), Values: []uint16{40000}}}
	}},
	{"R091", "message-of-type-0", func(v *vector) {
		o := v.ipc()
		o.Messages = []format.SysVMessages{{ID: 81, Key: sysvNumber(1, 7), Messages: []format.SysVMessage{{Data: []byte("x")}}}}
	}},
	{"R092", "of-pids", func(v *vector) {
		v.namespaces(format.Namespace{ID: idIPC, Kind: format.NSUTS})
		v.Image.Objects.Messages = []format.SysVMessages{{ID: 81, Key: sysvNumber(1, 7)}}
	}},
	{"R091", "mode-of-a-set", func(v *vector) {
		o := v.ipc()
		k := sysvNumber(1, 7)
		k.Mode = 0o1600
		o.Semaphores = []format.SysVSemaphores{{ID: 81, Key: k, Values: []uint16{1}}}
	}},
	{"R091", "room-for-ever", func(v *vector) {
		v.ipc().Messages = []format.SysVMessages{{ID: 81, Key: sysvNumber(1, 7), MaxBytes: 1 << 40}}
	}},
	{"R091", "removed-with-a-key", func(v *vector) {
		v.segment(8192, 0)
		v.index().Shared(idShared).SysV.Mode |= segmentRemoved
	}},
	{"R094", "nobodys", func(v *vector) {
		o := v.ipc()
		k := sysvNumber(5, 0)
		k.Mode |= segmentRemoved
		o.Shared = append(o.Shared, format.SharedMemory{ID: 17, Kind: format.SharedSysV, Size: 4096, SysV: &k})
	}},
}
