package validate

// containerRules speak of the container that a tree was in, as its checkpoint tells, and
// of what that makes an engine do. They are judged over the model by a policy,
// whose built-in default has the same severities.
var containerRules = []Rule{
	{
		Code: "A040", Severity: Error, Title: "deleted.files leads out of the container",
		Why: "The engine deletes these names below the container's root as it restores; this one deletes a file or a folder of the host.",
		Fix: fixSuspect, Example: "../../../etc/shadow in deleted.files",
	},
	{
		Code: "A041", Severity: Error, Title: "layer leads out of the container",
		Why: "Unpacked by the engine as root, the member is written, or a hard link made, beside or above the container's root: over any file of the host.",
		Fix: fixSuspect, Example: "a member ../../etc/passwd of rootfs-diff.tar",
	},
	{
		Code: "A042", Severity: Error, Title: "layer writes through a link",
		Why: "It has a symbolic link and then members below it, or a hard link through it: unpacked, they land where the link leads, on the host.",
		Fix: fixSuspect, Example: "a link etc to /host, then a member etc/passwd",
	},
	{
		Code: "A043", Severity: Error, Title: "device node in a layer",
		Why: "Unpacked as root, it gives the container a disk or the memory of the host, which its specification need not allow.",
		Fix: fixAskMaker + " (layer-devices)", Example: "a block device dev/sda in rootfs-diff.tar",
	},
	{
		Code: "A044", Severity: Warning, Title: "set-user-id program in a layer",
		Why: "The container did not get it from its image; it makes whoever runs it root, and on the host's disk that may be a user of the host.",
		Fix: fixAskMaker + " (setuid)", Example: "a member tmp/sh of mode 4755",
	},
	{
		Code: "A045", Severity: Error, Title: "mount of a place of the host",
		Why: "Restored elsewhere, the container sees or writes what lies there on that host.",
		Fix: fixAskMaker + " (binds)", Example: "a bind mount of /data",
	},
	{
		Code: "A046", Severity: Error, Title: "mount leads out of the container",
		Why: "A destination with .. in it is a place of the host.",
		Fix: fixSuspect, Example: "a mount to /data/../../etc",
	},
	{
		Code: "A047", Severity: Error, Title: "privileged container",
		Why: "It has all devices, or a capability with which one is root on the host: who controls the checkpoint controls the host.",
		Fix: fixAskMaker + " (capabilities)", Example: "CAP_SYS_ADMIN in the bounding set",
	},
	{
		Code: "A048", Severity: Error, Title: "annotation asks for devices of the host",
		Why: "Engines take annotations of the checkpoint over and act on them: this one attaches devices or mounts that nobody asked for at restore.",
		Fix: fixAskMaker + " (device-annotations)", Example: "cdi.k8s.io/gpu: vendor.com/gpu=all",
	},
	{
		Code: "A049", Severity: Note, Title: "image named without a digest",
		Why: "The tree's files come from that image; a tag may mean another one by now, with other programs.",
		Fix: "restore only where the image is pinned by its digest", Example: "docker.io/library/redis:7",
	},
	{
		Code: "A050", Severity: Error, Title: "hook runs a program on the host",
		Why: "The runtime runs it as root outside of the container.",
		Fix: fixAskMaker + " (hooks)", Example: "a prestart hook /tmp/x",
	},
	{
		Code: "A051", Severity: Error, Title: "container in a namespace of the host",
		Why: "It sees the host's processes, network or messages, and may act on them.",
		Fix: fixAskMaker + " (host-namespaces)", Example: "no network namespace in the specification",
	},
	{
		Code: "A052", Severity: Note, Title: "secret in the environment",
		Why: "Who gets the checkpoint gets it, too; memory holds it in any case. The value is not told here.",
		Fix: "pass the checkpoint on as you would the secret", Example: "DB_PASSWORD in the environment",
	},
	{
		Code: "A053", Severity: Error, Title: "container's id or name is none",
		Why: "Engines make file names of it: this one is another place.",
		Fix: fixSuspect, Example: "an id ../../../etc",
	},
	{
		Code: "A054", Severity: Error, Title: "device of the host",
		Why: "The runtime makes this node in the container.",
		Fix: fixAskMaker + " (devices)", Example: "/dev/sda, b 8:0",
	},
	{
		Code: "A055", Severity: Error, Title: "engine makes files on the host",
		Why: "The engine makes the sources of bind.mounts where they are missing, as root and with the mode that stands there.",
		Fix: fixAskMaker + " (created)", Example: "bind.mounts with the source /etc/cron.d/x",
	},
	{
		Code: "A056", Severity: Error, Title: "deleted.files leads through a link",
		Why: "A symbolic link of rootfs-diff.tar stands in the name. The engine unpacks first and deletes then: it follows the link and deletes on the host.",
		Fix: fixSuspect, Example: "a link x to /etc in rootfs-diff.tar, and x/shadow in deleted.files",
	},
	{
		Code: "A057", Severity: Error, Title: "deleted.files deletes the container's root",
		Why: "The engine deletes the whole root, and with it what is mounted there.",
		Fix: fixSuspect, Example: "/ in deleted.files",
	},
	{
		Code: "A058", Severity: Error, Title: "whiteout reaches out of its folder",
		Why: "What is behind .wh. is deleted as the layer is unpacked: here it is the folder itself, or the one above.",
		Fix: fixSuspect, Example: "a member data/.wh... of rootfs-diff.tar",
	},
	{
		Code: "A059", Severity: Warning, Title: "extended attribute gives privileges",
		Why: "File capabilities make root of whoever runs the file; those of overlayfs let a file show another one of the host.",
		Fix: fixAskMaker + " (xattrs)", Example: "security.capability on tmp/sh",
	},
	{
		Code: "A060", Severity: Error, Title: "program of the archive's choice runs on the host",
		Why: "Podman takes exitCommand from config.dump, and conmon runs it on the host, with the engine's rights, when the container ends.",
		Fix: fixAskMaker + " (exit-programs)", Example: "an exitCommand /bin/sh -c ...",
	},
	{
		Code: "A061", Severity: Error, Title: "directory of the host as root of the container",
		Why: "The engine takes it in place of an image: the container reads and writes it, and the layers are unpacked there.",
		Fix: fixSuspect, Example: "rootfs / in config.dump",
	},
	{
		Code: "A062", Severity: Error, Title: "engine is told to write elsewhere",
		Why: "The engine makes, writes, mounts or deletes files of its own at this place, as root.",
		Fix: fixAskMaker + " (engine-files)", Example: "logPath /etc/cron.d/x in config.dump",
	},
	{
		Code: "A063", Severity: Error, Title: "unknown runtime",
		Why: "The engine runs this program as root on the host.",
		Fix: fixAskMaker + " (runtimes)", Example: "runtime /tmp/x in config.dump",
	},
	{
		Code: "A064", Severity: Error, Title: "container joins a namespace",
		Why: "It shares processes, network or mounts with whoever is in there: the host, or another container.",
		Fix: fixAskMaker + " (namespace-paths)", Example: "a mount namespace of the path /proc/1/ns/mnt",
	},
	{
		Code: "A065", Severity: Error, Title: "reference of the image is none",
		Why: "The engine pulls it: what has a transport in it is read from the host's disk or from anywhere.",
		Fix: fixSuspect, Example: "rootfsImageName dir:/root",
	},
	{
		Code: "A066", Severity: Error, Title: "image named in two ways",
		Why: "Engines differ in which name they go by, and people look at the other: what runs is not what was approved.",
		Fix: fixSuspect, Example: "rootfsImageName evil.example/redis, annotations docker.io/library/redis",
	},
	{
		Code: "A067", Severity: Error, Title: "image that is not allowed",
		Why: "The engine pulls it and runs what is in it.",
		Fix: "restore only images of registries that you trust, or allow it in a policy (images)", Example: "an image of evil.example, where a policy allows registry.example/**",
	},
	{
		Code: "A068", Severity: Error, Title: "annotation configures programs of the host",
		Why: "Runtimes act on it outside of the container: they load a configuration of CRIU, a hypervisor or a handler from where it says.",
		Fix: fixAskMaker + " (annotations)", Example: "org.criu.config: /tmp/criu.conf, which may name a script to run",
	},
	{
		Code: "A069", Severity: Warning, Title: "no seccomp filter",
		Why: "All system calls are open to the container, with all bugs of the kernel that a filter would have kept from it.",
		Fix: "make the container again with its engine's filter", Example: "a specification without seccomp",
	},
	{
		Code: "A070", Severity: Warning, Title: "AppArmor or SELinux switched off",
		Why: "What the container breaks out of by files or mounts nothing stops.",
		Fix: "make the container again with a profile or label", Example: "apparmorProfile unconfined",
	},
	{
		Code: "A071", Severity: Warning, Title: "paths of the kernel not protected",
		Why: "The container reads memory and keys of the host, or sets what is the whole machine's.",
		Fix: "make the container again without unmasking, or change masked-paths or readonly-paths in a policy", Example: "maskedPaths without /proc/kcore",
	},
	{
		Code: "A072", Severity: Warning, Title: "unusual capability",
		Why: "Engines do not give it by themselves; it opens parts of the kernel that containers do not need.",
		Fix: fixAskMaker + " (capabilities)", Example: "CAP_NET_ADMIN",
	},
	{
		Code: "A073", Severity: Error, Title: "sysctl of the host",
		Why: "It is not one that a namespace has of its own: it sets the whole machine.",
		Fix: fixAskMaker + " (sysctls)", Example: "kernel.core_pattern",
	},
	{
		Code: "A074", Severity: Warning, Title: "resource limit out of bounds",
		Why: "The container may take more of the machine than the policy grants one.",
		Fix: "ask for less, or change rlimits in a policy", Example: "RLIMIT_RTPRIO 99",
	},
	{
		Code: "A075", Severity: Warning, Title: "root of the host in the user namespace",
		Why: "The namespace protects nothing from who gets that id in it.",
		Fix: "map ids that nobody on the host has", Example: "a mapping of host id 0",
	},
	{
		Code: "A076", Severity: Error, Title: "all devices allowed",
		Why: "The device cgroup lets the container open every disk that it can make a node of.",
		Fix: fixAskMaker, Example: "a rule that allows rwm of all",
	},
	{
		Code: "A077", Severity: Warning, Title: "mounts spread to the host",
		Why: "What is mounted in the container shows on the host.",
		Fix: "make the container again with private or slave mounts", Example: "rootfsPropagation shared",
	},
	{
		Code: "A078", Severity: Error, Title: "volume's name is none",
		Why: "The engine makes file names of it.",
		Fix: fixSuspect, Example: "a volume ../../etc",
	},
	{
		Code: "A079", Severity: Error, Title: "network.status is poisoned",
		Why: "The engine asks its network for what stands there: names lead to other files, addresses to another's traffic.",
		Fix: fixSuspect, Example: "a network ../../x, or the address 127.0.0.1",
	},
	{
		Code: "A080", Severity: Error, Title: "process begins outside of the container",
		Why: "Descriptors that the runtime has open lead to the host's file system, and its own program can be overwritten.",
		Fix: fixSuspect, Example: "the working directory /proc/self/fd/8",
	},
	{
		Code: "A081", Severity: Error, Title: "mount of a place that gives the host away",
		Why: "Who writes there, or talks to the program that listens there, is root on the host.",
		Fix: fixAskMaker + " (binds)", Example: "a bind mount of /etc, or of the socket of an engine",
	},
	{
		Code: "A082", Severity: Error, Title: "mount over a file system of the kernel",
		Why: "The runtime writes to /proc to confine the process; with another file system there it confines nothing.",
		Fix: fixAskMaker + " (mount-points)", Example: "a tmpfs on /proc",
	},
	{
		Code: "A083", Severity: Error, Title: "host name is none",
		Why: "Engines write it into files such as hosts, with all that stands in it.",
		Fix: fixSuspect, Example: "a host name with a new line in it",
	},
	{
		Code: "A084", Severity: Error, Title: "layer larger than allowed",
		Why: "Unpacked, it fills the disk of the host.",
		Fix: "raise layer-size or layer-files in a policy if the archive can be trusted", Example: "a rootfs-diff.tar of 100 GiB, where a policy allows 64",
	},
	{
		Code: "A085", Severity: Warning, Title: "environment asks for devices",
		Why: "Hooks of the host read the variable and attach devices that nobody asked for at restore.",
		Fix: fixAskMaker + " (environment)", Example: "NVIDIA_VISIBLE_DEVICES=all",
	},
	{
		Code: "A086", Severity: Error, Title: "file system of the kernel without protection",
		Why: "Whoever is root in the container sets up the host's kernel by it, such as which program it runs when something crashes.",
		Fix: fixSuspect, Example: "a second proc on /x, where /x/sys can be written",
	},
	{
		Code: "A087", Severity: Error, Title: "processes with capabilities that the container has not",
		Why: "CRIU gives each process the capabilities in its image, whatever the specification says: what looks confined is not.",
		Fix: fixSuspect, Example: "a process with CAP_SYS_ADMIN in a container of ten harmless capabilities",
	},
	{
		Code: "A088", Severity: Error, Title: "mounts that the container has not",
		Why: "CRIU mounts what stands in its image, as root on the host, whatever the specification says.",
		Fix: fixSuspect, Example: "devtmpfs on /x, with all disks of the host in it",
	},
	{
		Code: "A089", Severity: Error, Title: "protection that the processes have not",
		Why: "CRIU restores filters and mounts as its image has them, whatever the specification says: what looks protected is open.",
		Fix: fixSuspect, Example: "/proc/sys read-only in spec.dump, and no mount on it in the image",
	},
}
