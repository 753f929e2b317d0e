package archive

import "github.com/thaw-cr/thaw/format"

// orderConfig is the part of config.dump that Podman acts upon on the host as it
// restores (Podman: libpod/container_config.go; pkg/checkpoint,
// CRImportCheckpoint: the whole of it becomes the new container's).
type orderConfig struct {
	ExitCommand   []string `json:"exitCommand"`
	Rootfs        string   `json:"rootfs"`
	StaticDir     string   `json:"staticDir"`
	ShmDir        string   `json:"ShmDir"`
	LogPath       string   `json:"logPath"`
	ConmonPidFile string   `json:"conmonPidFile"`
	PidFile       string   `json:"pid_file"`
	SecretsPath   string   `json:"secretsPath"`
	SdNotify      string   `json:"sdnotifySocket"`
	Mounts        []string `json:"mounts"`
	Dependencies  []string `json:"Dependencies"`

	IPCNsCtr    string `json:"ipcNsCtr"`
	MountNsCtr  string `json:"mountNsCtr"`
	NetNsCtr    string `json:"netNsCtr"`
	PIDNsCtr    string `json:"pidNsCtr"`
	UserNsCtr   string `json:"userNsCtr"`
	UTSNsCtr    string `json:"utsNsCtr"`
	CgroupNsCtr string `json:"cgroupNsCtr"`

	NamedVolumes []struct {
		Name    string   `json:"volumeName"`
		Dest    string   `json:"dest"`
		Options []string `json:"options"`
	} `json:"namedVolumes"`
	OverlayVolumes []struct {
		Dest    string   `json:"dest"`
		Source  string   `json:"source"`
		Options []string `json:"options"`
	} `json:"overlayVolumes"`
}

// fromOrders takes what config.dump orders.
func (r *containerReader) fromOrders(c *orderConfig) {
	o := &r.c.Orders
	o.ExitCommand, o.Rootfs = c.ExitCommand, c.Rootfs
	o.Files = told([]format.Annotation{
		{Key: "staticDir", Value: c.StaticDir},
		{Key: "ShmDir", Value: c.ShmDir},
		{Key: "logPath", Value: c.LogPath},
		{Key: "conmonPidFile", Value: c.ConmonPidFile},
		{Key: "pid_file", Value: c.PidFile},
		{Key: "secretsPath", Value: c.SecretsPath},
		{Key: "sdnotifySocket", Value: c.SdNotify},
	})
	for _, m := range c.Mounts {
		o.Files = append(o.Files, format.Annotation{Key: "mounts", Value: m})
	}
	o.Joins = told([]format.Annotation{
		{Key: "ipcNsCtr", Value: c.IPCNsCtr},
		{Key: "mountNsCtr", Value: c.MountNsCtr},
		{Key: "netNsCtr", Value: c.NetNsCtr},
		{Key: "pidNsCtr", Value: c.PIDNsCtr},
		{Key: "userNsCtr", Value: c.UserNsCtr},
		{Key: "utsNsCtr", Value: c.UTSNsCtr},
		{Key: "cgroupNsCtr", Value: c.CgroupNsCtr},
	})
	for _, d := range c.Dependencies {
		o.Joins = append(o.Joins, format.Annotation{Key: "Dependencies", Value: d})
	}
	for _, v := range c.NamedVolumes {
		o.Volumes = append(o.Volumes, format.ContainerVolume{Name: v.Name, Destination: v.Dest, Options: v.Options})
	}
	for _, v := range c.OverlayVolumes {
		r.c.Mounts = append(r.c.Mounts, format.ContainerMount{Destination: v.Dest, Type: "bind", Source: v.Source, Options: v.Options})
	}
}

// told leaves out what has no value.
func told(list []format.Annotation) []format.Annotation {
	var out []format.Annotation
	for _, a := range list {
		if a.Value != "" {
			out = append(out, a)
		}
	}
	return out
}
