package validate

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

// TestRunOrder asks that Run gives the findings of Image family by family, and
// the same ones each time.
func TestRunOrder(t *testing.T) {
	o := Options{Plan: true, Modes: Modes()}
	for _, img := range []*format.Image{brokenImage().image(), bigImage(500, true), initImage()} {
		streamed := slices.Collect(Run(t.Context(), img, o))
		families := ""
		for _, f := range streamed {
			if n := len(families); f.Code[0] != 'F' && (n == 0 || families[n-1] != f.Code[0]) {
				families += f.Code[:1]
			}
		}
		order := "AHMSRP"
		for _, letter := range families {
			at := slices.Index([]rune(order), letter)
			if at < 0 {
				t.Fatalf("families come as %s", families)
			}
			order = order[at+1:]
		}
		if diff := cmp.Diff(streamed, slices.Collect(Run(t.Context(), img, o))); diff != "" {
			t.Errorf("another run, other findings:\n%s", diff)
		}
		byText := func(list []Finding) []string {
			var texts []string
			for _, f := range list {
				texts = append(texts, fmt.Sprint(f))
			}
			slices.Sort(texts)
			return texts
		}
		if diff := cmp.Diff(byText(Image(t.Context(), img, o)), byText(streamed)); diff != "" {
			t.Errorf("Image gives others:\n%s", diff)
		}
	}
}

// TestRunStops asks that nothing is asked any more once the consumer has
// stopped, wherever that is.
func TestRunStops(t *testing.T) {
	img := brokenImage().image()
	all := slices.Collect(Run(t.Context(), img, Options{Plan: true}))
	for n := range all {
		var got []Finding
		for f := range Run(t.Context(), img, Options{Plan: true, OnMode: func(ModeResult) { t.Error("the plan was told of") }}) {
			if got = append(got, f); len(got) > n {
				break
			}
		}
		if diff := cmp.Diff(all[:n+1], got); diff != "" {
			t.Errorf("the first %d (-want +got):\n%s", n+1, diff)
		}
	}
}

// TestRunEndsWithContext cancels while findings come.
func TestRunEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var families []string
	for f := range Run(ctx, brokenImage().image(), Options{Plan: true}) {
		cancel()
		if families = append(families, f.Code[:1]); f.Code[0] != 'H' {
			t.Errorf("%s after the end of the context", f.Code)
		}
	}
	if len(families) == 0 {
		t.Error("no finding")
	}
}

// TestRunIsBounded counts what an image that is wrong throughout gives.
func TestRunIsBounded(t *testing.T) {
	counts := map[string]int{}
	for f := range Run(t.Context(), bigImage(3000, true), Options{}) {
		counts[f.Code]++
	}
	for code, n := range counts {
		if n > MaxPerCode+1 {
			t.Errorf("%d findings of %s", n, code)
		}
	}
	if len(counts) < 5 {
		t.Errorf("few codes: %v", counts)
	}
}

// TestOnModeComesFirst: what came of the modes is known when the first finding
// of family P is.
func TestOnModeComesFirst(t *testing.T) {
	var events []string
	for f := range Run(t.Context(), initImage(), Options{
		Plan: true, Modes: []Mode{ModeInPlace}, Only: []string{"P"},
		OnMode: func(r ModeResult) { events = append(events, string(r.Mode)+" "+string(r.Plan)) },
	}) {
		events = append(events, f.Code)
	}
	if diff := cmp.Diff([]string{"inplace no", "P006"}, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
