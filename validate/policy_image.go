package validate

import (
	"path"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate/policy"
)

// imageReference is the grammar of references to images (distribution/reference), and
// imageID that of the ids that engines put in their place.
var (
	imageReference = lazily(`^([A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?/)?` +
		`[a-z0-9]+([._]|__|[-]+|[a-z0-9])*(/[a-z0-9]+([._]|__|[-]+|[a-z0-9])*)*` +
		`(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@[a-z0-9]+:[0-9a-fA-F]+)?$`)
	imageID = lazily(`^(sha256:|sha512:)?[0-9a-f]+$`)
)

// maxReference bounds what is taken for a reference (distribution/reference,
// RepositoryNameTotalLengthMax with a tag and a digest).
const maxReference = 600

// judgeImage judges what the container says it was made of: the engine pulls that
// and runs it.
func judgeImage(j *judge) {
	k := j.k
	for _, i := range k.Orders.Images {
		if len(i.Value) > maxReference || strings.Contains(i.Value, "..") || !imageReference().MatchString(i.Value) && !imageID().MatchString(i.Value) {
			j.find("A065", inConfig, "%.40s is %.200q", i.Key, i.Value)
			return // what else there is to say of it means nothing
		}
	}
	judgeAgreement(j)
	if k.Image == "" {
		return
	}
	if !j.Allows(policy.Images, k.Image) {
		j.find("A067", inConfig, "%.200q", k.Image)
	}
	if !strings.Contains(k.Image+" "+k.ImageDigest, "sha256:") && !strings.Contains(k.Image, "@sha512:") {
		j.find("A049", inConfig, "%.200q", k.Image)
	}
}

// nameAnnotations and idAnnotations are keys, or ends of keys, of annotations that
// name the image, too.
var (
	nameAnnotations = []string{"io.kubernetes.cri-o.ImageName", "io.kubernetes.cri.image-name", "checkpoint.rootfsImageName"}
	idAnnotations   = []string{"checkpoint.rootfsImageID"}
)

// judgeAgreement asks that all places name the same image: engines differ in
// which one they go by, and people look at another.
func judgeAgreement(j *judge) {
	var name, id format.Annotation
	for _, i := range j.k.Orders.Images {
		switch i.Key {
		case "rootfsImageName":
			name = i
		case "rootfsImageID":
			id = i
		}
	}
	if name.Value != "" && !imageID().MatchString(name.Value) {
		for _, i := range j.k.Orders.Images {
			agree(j, name, i)
		}
		for _, a := range annotationsEnding(j.k.Annotations, nameAnnotations) {
			agree(j, name, a)
		}
	}
	for _, a := range annotationsEnding(j.k.Annotations, idAnnotations) {
		if id.Value != "" && strings.TrimPrefix(a.Value, "sha256:") != strings.TrimPrefix(id.Value, "sha256:") {
			j.find("A066", inConfig, "%s is %.100q, and %.100s %.100q", id.Key, id.Value, a.Key, a.Value)
		}
	}
}

func annotationsEnding(list []format.Annotation, keys []string) []format.Annotation {
	var out []format.Annotation
	for _, a := range list {
		for _, k := range keys {
			if strings.HasSuffix(a.Key, k) && a.Value != "" {
				out = append(out, a)
			}
		}
	}
	return out
}

// agree reports two names of different images. A name as somebody typed it may
// lack its registry, and its tag; an id names nothing.
func agree(j *judge, name, other format.Annotation) {
	if imageID().MatchString(other.Value) {
		return
	}
	a, b := parseReference(name.Value), parseReference(other.Value)
	same := a.repo == b.repo
	if other.Key == "RawImageName" || other.Key == "rootfsImage" {
		same = path.Base(a.repo) == path.Base(b.repo)
	}
	if !same || a.tag != "" && b.tag != "" && a.tag != b.tag {
		j.find("A066", inConfig, "%s is %.100q, and %.100s %.100q", name.Key, name.Value, other.Key, other.Value)
	}
}

type imageName struct{ repo, tag string }

// parseReference takes a reference apart, without its digest and the names that
// Docker's registry leaves out.
func parseReference(s string) imageName {
	s, _, _ = strings.Cut(s, "@")
	n := imageName{repo: s}
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, '/') {
		n.repo, n.tag = s[:i], s[i+1:]
	}
	n.repo = strings.TrimPrefix(strings.TrimPrefix(n.repo, "docker.io/"), "library/")
	return n
}
