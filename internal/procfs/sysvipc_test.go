package procfs

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSysV(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want []SysV
	}{
		"none": {"       key      msqid perms      cbytes\n", nil},
		"segments": {
			"       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n" +
				"     29783          5  3600                  8192    12    13      1     1     2     3     4          0          0 1795293104                  4096                     0\n" +
				"-559038737 2147450879   600                     1     0     0      0     0     0     0     0          0          0          0                     0                     0\n",
			[]SysV{
				{Key: 29783, ID: 5, Mode: 0o3600, UID: 1, GID: 2, CUID: 3, CGID: 4, Size: 8192, Creator: 12},
				{Key: -559038737, ID: 2147450879, Mode: 0o600, Size: 1},
			},
		},
		"sets": {
			"       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n" +
				"     29784          0   600          3     0     0     0     0          0 1795293104\n",
			[]SysV{{Key: 29784, Mode: 0o600, Size: 3}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseSysV([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	for _, bad := range []string{"key shmid\n4294967296 1\n", "key perms\n1 9\n", "uid\n-1\n", "key\nx\n"} {
		if got, err := ParseSysV([]byte(bad)); err == nil {
			t.Errorf("%q gives %+v", bad, got)
		}
	}
}
