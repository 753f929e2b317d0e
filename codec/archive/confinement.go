package archive

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// capabilitySets are those of process.capabilities (OCI runtime-spec, config.md).
type capabilitySets struct {
	Bounding    []string `json:"bounding"`
	Effective   []string `json:"effective"`
	Inheritable []string `json:"inheritable"`
	Permitted   []string `json:"permitted"`
	Ambient     []string `json:"ambient"`
}

// beyond gives what the other sets have that the bounding set has not.
func (s *capabilitySets) beyond() []string {
	bounding := make(map[string]bool, len(s.Bounding))
	for _, c := range s.Bounding {
		bounding[c] = true
	}
	var more []string
	for _, c := range slices.Concat(s.Effective, s.Inheritable, s.Permitted, s.Ambient) {
		if !bounding[c] {
			more = append(more, c)
		}
	}
	slices.Sort(more)
	return slices.Compact(more)
}

// processConfinement is the part of process that protects the host.
type processConfinement struct {
	AppArmor string                   `json:"apparmorProfile"`
	SELinux  string                   `json:"selinuxLabel"`
	Rlimits  []format.ContainerRlimit `json:"rlimits"`
}

func (p *processConfinement) into(c *format.Confinement) {
	c.AppArmor, c.SELinux, c.Rlimits = p.AppArmor, p.SELinux, p.Rlimits
}

// linuxConfinement is the part of linux that protects the host (OCI
// runtime-spec, config-linux.md).
type linuxConfinement struct {
	MaskedPaths   []string          `json:"maskedPaths"`
	ReadonlyPaths []string          `json:"readonlyPaths"`
	UIDMappings   []specIDMap       `json:"uidMappings"`
	GIDMappings   []specIDMap       `json:"gidMappings"`
	Sysctl        map[string]string `json:"sysctl"`
	Propagation   string            `json:"rootfsPropagation"`
	Seccomp       *struct {
		DefaultAction string `json:"defaultAction"`
	} `json:"seccomp"`
	Resources *struct {
		Devices []struct {
			Allow  bool   `json:"allow"`
			Type   string `json:"type"`
			Major  *int64 `json:"major"`
			Minor  *int64 `json:"minor"`
			Access string `json:"access"`
		} `json:"devices"`
	} `json:"resources"`
}

type specIDMap struct {
	ContainerID uint32 `json:"containerID"`
	HostID      uint32 `json:"hostID"`
	Size        uint32 `json:"size"`
}

func (l *linuxConfinement) into(c *format.Confinement) {
	c.MaskedPaths, c.ReadonlyPaths, c.Propagation = l.MaskedPaths, l.ReadonlyPaths, l.Propagation
	c.Sysctls = annotations(l.Sysctl)
	c.UIDMaps, c.GIDMaps = idMaps(l.UIDMappings), idMaps(l.GIDMappings)
	if l.Seccomp != nil {
		c.Seccomp = l.Seccomp.DefaultAction
	}
	if l.Resources == nil {
		return
	}
	for _, d := range l.Resources.Devices {
		c.DeviceRules = append(c.DeviceRules, format.ContainerDeviceRule{
			Allow: d.Allow, Type: d.Type, Major: orAll(d.Major), Minor: orAll(d.Minor), Access: d.Access,
		})
	}
}

// orAll is a device's number, or -1 for all where it is not told.
func orAll(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}

func idMaps(list []specIDMap) []format.ContainerIDMap {
	var maps []format.ContainerIDMap
	for _, m := range list {
		maps = append(maps, format.ContainerIDMap{Container: m.ContainerID, Host: m.HostID, Size: m.Size})
	}
	return maps
}
