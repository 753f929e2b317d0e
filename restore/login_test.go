package restore

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

func TestPlanLogins(t *testing.T) {
	none := format.NoLogin
	of := func(uids ...uint32) *format.Image {
		img := &format.Image{Tasks: []format.Task{{TID: 1}}} // one of which nobody knows
		for i, uid := range uids {
			img.Tasks = append(img.Tasks, format.Task{TID: format.PID(2 + i), State: format.Running, Login: &format.Login{UID: uid}})
		}
		return img
	}
	dead := of(1000, 1001)
	dead.Tasks[2].State = format.Zombie
	for _, tt := range []struct {
		name   string
		img    *format.Image
		engine *uint32
		want   logins
	}{
		{name: "not known", img: of(), engine: new(uint32(1000))},
		{name: "no audit", img: of(1000, 1001)},
		{name: "the engine's", img: of(1000, 1000), engine: new(uint32(1000))},
		{name: "none, as the engine", img: of(none), engine: new(none)},
		{name: "another", img: of(1000, 1000), engine: new(none), want: logins{common: &format.Login{UID: 1000}}},
		{name: "root's", img: of(0), engine: new(uint32(1000)), want: logins{common: &format.Login{}}},
		{name: "none", img: of(none), engine: new(uint32(1000)), want: logins{common: &format.Login{UID: none}}},
		{name: "several", img: of(none, 1000), engine: new(none), want: logins{differ: true}},
		{name: "that of a zombie", img: dead, engine: new(uint32(1000))},
	} {
		if d := cmp.Diff(tt.want, planLogins(tt.img, tt.engine), cmp.AllowUnexported(logins{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestLoginText(t *testing.T) {
	for _, tt := range []struct {
		want uint32
		got  *uint32
		text string
	}{
		{1000, new(format.NoLogin), "came from the login of user 1000, and now from no login"},
		{format.NoLogin, new(uint32(0)), "came from no login, and now from the login of user 0"},
		{7, nil, "came from the login of user 7; what it has now cannot be read"},
	} {
		if got := loginText(tt.want, tt.got); got != tt.text {
			t.Errorf("%q, want %q", got, tt.text)
		}
	}
}
