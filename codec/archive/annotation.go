package archive

import (
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// annotationPrefixes are those of a checkpoint's annotations: Podman's
// (podman: pkg/checkpoint/crutils), CRI-O's and the ones that engines agreed on
// later (checkpointctl: lib/annotations.go).
var annotationPrefixes = []string{"io.podman.annotations.checkpoint.", "io.kubernetes.cri-o.annotations.checkpoint.", "org.criu.checkpoint."}

// annotationFields say where an annotation goes, by its key without the prefix.
var annotationFields = map[string]func(*format.Container) *string{
	"name":            func(c *format.Container) *string { return &c.Name },
	"container.name":  func(c *format.Container) *string { return &c.Name },
	"engine.name":     func(c *format.Container) *string { return &c.Engine },
	"engine.version":  func(c *format.Container) *string { return &c.EngineVersion },
	"podman.version":  func(c *format.Container) *string { return &c.EngineVersion },
	"criu.version":    func(c *format.Container) *string { return &c.CRIUVersion },
	"runtime.name":    func(c *format.Container) *string { return &c.Runtime },
	"runtime.version": func(c *format.Container) *string { return &c.RuntimeVersion },
	"rawImageName":    func(c *format.Container) *string { return &c.Image },
	"rootfsImageName": func(c *format.Container) *string { return &c.Image },
	"rootfsImageID":   func(c *format.Container) *string { return &c.ImageDigest },
	"rootfsImageSha":  func(c *format.Container) *string { return &c.ImageDigest },
	"pod.name":        func(c *format.Container) *string { return &c.Pod },
}

// checkpointOf says whether annotations are those of a checkpoint.
func checkpointOf(list map[string]string) bool {
	for k := range list {
		for _, p := range annotationPrefixes {
			if strings.HasPrefix(k, p) {
				return true
			}
		}
	}
	return false
}

// containerOf is what the annotations of an image say of a container.
func containerOf(list map[string]string) *format.Container {
	c := &format.Container{Annotations: annotations(list)}
	for _, a := range c.Annotations {
		for _, p := range annotationPrefixes {
			key, ok := strings.CutPrefix(a.Key, p)
			if field := annotationFields[key]; ok && field != nil {
				*field(c) = a.Value
			}
			if ok && key == "podman.version" {
				c.Engine = "podman"
			}
		}
	}
	return c
}
