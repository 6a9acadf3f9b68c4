package event_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"

	"github.com/tutela-health/tutela/detect/event"
)

// lines is a stream of n events with their numbers as ids.
func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"class_uid":6005,"time":%d,"metadata":{"uid":"%d"}}`+"\n", i, i+1)
	}
	return b.String()
}

func TestLinesComeInOrderFromManyWorkers(t *testing.T) {
	defer goleak.VerifyNone(t)
	next := 1
	err := event.Read(t.Context(), strings.NewReader("\uFEFF"+lines(5000)), 4, func(n event.Numbered) error {
		if n.Err != nil || n.Number != next || n.Event.ID != fmt.Sprint(next) {
			return fmt.Errorf("line %d, %v, where %d was to come", n.Number, n.Err, next)
		}
		next++
		return nil
	})
	if err != nil || next != 5001 {
		t.Errorf("%d lines, %v", next-1, err)
	}
}

func TestBadLinesAreNamedAndTheRestIsRead(t *testing.T) {
	defer goleak.VerifyNone(t)
	long := `{"x":"` + strings.Repeat("x", event.MaxLine) + `"}`
	text := "\n  \r\n" + `{"kind":"staff","staff":"u"}` + "\r\nnonsense\n" + long + "\n" + long + long + "\n" + `{"kind":"chart","patient":"p"}`
	var got []string
	if err := event.Read(t.Context(), strings.NewReader(text), 2, func(n event.Numbered) error {
		got = append(got, fmt.Sprintf("%d staff=%t chart=%t %v", n.Number, n.Staff != nil, n.Chart != nil, n.Err))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := "3 staff=true chart=false <nil>; 4 staff=false chart=false is no JSON object; 5 staff=false chart=false is longer than 1 MiB; " +
		"6 staff=false chart=false is longer than 1 MiB; 7 staff=false chart=true <nil>"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
}

// What came before the fault is passed on, and the fault is told.
func TestReadingEndsWithTheFirstFault(t *testing.T) {
	defer goleak.VerifyNone(t)
	broken := errors.New("broken")
	n := 0
	err := event.Read(t.Context(), io.MultiReader(strings.NewReader(lines(3)), iotest.ErrReader(broken)), 2, func(event.Numbered) error { n++; return nil })
	if !errors.Is(err, broken) || n != 3 {
		t.Errorf("%d lines, %v", n, err)
	}
	if err := event.Read(t.Context(), strings.NewReader(lines(5000)), 2, func(event.Numbered) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("f's error is lost: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = event.Read(ctx, strings.NewReader(lines(5000)), 2, func(event.Numbered) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled, and %v", err)
	}
}
