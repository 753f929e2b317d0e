package policy

// A Section is a pair of lists in a policy: what is allowed and what is denied.
// Its text is the key in the document.
type Section string

// The sections. What their values are stands in sections.
const (
	Images            Section = "images"
	Runtimes          Section = "runtimes"
	ExitPrograms      Section = "exit-programs"
	EngineFiles       Section = "engine-files"
	Created           Section = "created"
	Binds             Section = "binds"
	MountPoints       Section = "mount-points"
	Devices           Section = "devices"
	Hooks             Section = "hooks"
	HostNamespaces    Section = "host-namespaces"
	NamespacePaths    Section = "namespace-paths"
	Capabilities      Section = "capabilities"
	Sysctls           Section = "sysctls"
	DeviceAnnotations Section = "device-annotations"
	Annotations       Section = "annotations"
	Environment       Section = "environment"
	SecretNames       Section = "secret-names"
	SecretValues      Section = "secret-values"
	LayerDevices      Section = "layer-devices"
	SetUID            Section = "setuid"
	XAttrs            Section = "xattrs"
)

// sections describes all sections, in the order of the schema.
var sections = []struct {
	key Section
	// paths says that values are names of files, to be cleaned.
	paths bool
	about string
}{
	{Images, false, "references of images as the engine is told them; one that is denied or not allowed gives A067"},
	{Runtimes, true, "OCI runtimes, by name or path; one that is not allowed gives A063"},
	{ExitPrograms, true, "programs that config.dump may have run on the host when the container ends; others give A060"},
	{EngineFiles, true, "places of the host where the engine keeps files of its own; others give A062"},
	{Created, true, "places of the host that bind.mounts may have made; others give A055"},
	{Binds, true, "sources of bind mounts; one that is denied gives A081, one that is not allowed A045"},
	{MountPoints, true, "places in the container where nothing may be mounted but a file system made for them; those denied give A082"},
	{Devices, false, "devices that the runtime makes, as \"c 1:3\"; others give A054"},
	{Hooks, true, "programs that the runtime runs on the host; others give A050"},
	{HostNamespaces, false, "kinds of namespaces that may be the host's: pid, mount, ipc, network; others give A051"},
	{NamespacePaths, true, "namespaces to join, by path or as \"container:ID\"; others give A064"},
	{Capabilities, false, "capabilities; one that is denied gives A047, one that is not allowed A072"},
	{Sysctls, false, "keys of sysctls; others give A073"},
	{DeviceAnnotations, false, "keys of annotations that attach devices or mounts; those denied give A048"},
	{Annotations, false, "keys of annotations that run or configure programs of the host; those denied give A068"},
	{Environment, false, "variables that programs of the host heed, as NAME=VALUE; those denied give A085"},
	{SecretNames, false, "names of variables and options that hold secrets, in capital letters; those denied give A052"},
	{SecretValues, false, "values that are secrets; those denied give A052"},
	{LayerDevices, false, "device nodes in layers, as \"b 8:0\"; others give A043"},
	{SetUID, true, "set-user-id and set-group-id programs in layers, by their place in the container; others give A044"},
	{XAttrs, false, "extended attributes of files in layers; those denied give A059"},
}

// A Limit is a bound in section limits. Its text is the key in the document.
type Limit string

// The limits.
const (
	ArchiveSize Limit = "archive-size"
	Members     Limit = "members"
	Ratio       Limit = "ratio"
	LayerSize   Limit = "layer-size"
	LayerFiles  Limit = "layer-files"
)

// limits describes all limits, in the order of the schema.
var limits = []struct {
	key   Limit
	unit  unit
	about string
}{
	{ArchiveSize, bytesUnit, "all of an archive, decompressed"},
	{Members, countUnit, "members of one archive"},
	{Ratio, ratioUnit, "how many times longer than its input decompressed data may get"},
	{LayerSize, bytesUnit, "all files of one layer; more give A084"},
	{LayerFiles, countUnit, "files of one layer; more give A084"},
}

// A Required is a list of names that must be there. Its text is the key in the
// document.
type Required string

// The lists of what must be there.
const (
	MaskedPaths   Required = "masked-paths"
	ReadonlyPaths Required = "readonly-paths"
)

// required describes them, in the order of the schema.
var required = []struct {
	key   Required
	about string
}{
	{MaskedPaths, "paths that must be masked in the container; A071 names those that are not"},
	{ReadonlyPaths, "paths that must be read-only in the container; A071 names those that are not"},
}
