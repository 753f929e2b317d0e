package abi

import "golang.org/x/sys/unix"

// Flags of mount(2) and fsmount(2) (include/uapi/linux/mount.h).
const (
	MsRec           = unix.MS_REC
	MsPrivate       = unix.MS_PRIVATE
	MsNosuid        = unix.MS_NOSUID
	MsNodev         = unix.MS_NODEV
	MsNoexec        = unix.MS_NOEXEC
	MountAttrNosuid = unix.MOUNT_ATTR_NOSUID
	MountAttrNodev  = unix.MOUNT_ATTR_NODEV
)
