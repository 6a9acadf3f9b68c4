package state_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/detect/state"
)

func written(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w := state.NewWriter(&out, "sample", 3)
	w.Uint(math.MaxUint64)
	w.Int(math.MinInt64)
	w.Float(0.1)
	w.Bool(true)
	w.Text("ward 3")
	w.Uint(7)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	r := state.NewReader(bytes.NewReader(written(t)), "sample", 3)
	got := []any{r.Uint(), r.Int(), r.Float(), r.Bool(), r.Text(), r.Count(7)}
	if diff := cmp.Diff([]any{uint64(math.MaxUint64), int64(math.MinInt64), 0.1, true, "ward 3", 7}, got); diff != "" || r.Err() != nil {
		t.Errorf("%v %s", r.Err(), diff)
	}
}

func TestForeignBytesAreRefused(t *testing.T) {
	whole := written(t)
	for name, open := range map[string]func() *state.Reader{
		"another name":    func() *state.Reader { return state.NewReader(bytes.NewReader(whole), "other", 3) },
		"another version": func() *state.Reader { return state.NewReader(bytes.NewReader(whole), "sample", 4) },
		"cut":             func() *state.Reader { return state.NewReader(bytes.NewReader(whole[:len(whole)-3]), "sample", 3) },
		"nothing":         func() *state.Reader { return state.NewReader(bytes.NewReader(nil), "sample", 3) },
	} {
		r := open()
		r.Uint()
		r.Int()
		r.Float()
		r.Bool()
		r.Text()
		r.Count(7)
		if !errors.Is(r.Err(), state.ErrForeign) {
			t.Errorf("%s: %v", name, r.Err())
		}
	}
	r := state.NewReader(bytes.NewReader(whole), "sample", 3)
	if n := r.Count(1000); n != 0 || !errors.Is(r.Err(), state.ErrForeign) {
		t.Errorf("a count beyond the limit reads as %d, %v", n, r.Err())
	}
}

func FuzzReader(f *testing.F) {
	f.Add(written(f))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := state.NewReader(bytes.NewReader(raw), "sample", 3)
		for range 4 {
			if n := r.Count(10); n > 10 {
				t.Fatalf("%d of at most 10", n)
			}
			r.Text()
			r.Float()
		}
	})
}
