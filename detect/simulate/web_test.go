package simulate

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/detect/event"
)

// portal writes a portal's log and gives it with its truth.
func portal(t *testing.T, c Config, web WebConfig) (log, truth []byte) {
	t.Helper()
	dir := t.TempDir()
	if err := Web(t.Context(), c, web, dir); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(dir, WebFile))
	if err != nil {
		t.Fatal(err)
	}
	if truth, err = os.ReadFile(filepath.Join(dir, WebTruthFile)); err != nil {
		t.Fatal(err)
	}
	return log, truth
}

func TestPortalLogReadsAsLinesOfALog(t *testing.T) {
	c := small()
	log, truth := portal(t, c, WebConfig{Requests: 400, Attacks: 0.1})
	ids, last := make(map[string]bool), int64(0)
	err := event.Read(t.Context(), bytes.NewReader(log), 1, func(n event.Numbered) error {
		if n.Err != nil || n.Event == nil || n.Event.Log == nil {
			t.Fatalf("line %d: %+v, %v", n.Number, n.Line, n.Err)
		}
		e := n.Event
		if !strings.Contains(e.Log.Text, e.Log.Fields["http_request.url.path"]) || e.Log.App != "nginx" || e.Log.Host != "portal-1" {
			t.Fatalf("line %d: %+v", n.Number, e.Log)
		}
		if at := e.Time.UnixMilli(); at < last {
			t.Fatalf("line %d is before the one above", n.Number)
		} else {
			last = at
		}
		ids[e.ID] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	attacks := regexp.MustCompile(`"uid":"([0-9a-f]{32})","attack":"(\w+)"`).FindAllSubmatch(truth, -1)
	kinds := make(map[string]int)
	for _, a := range attacks {
		if kinds[string(a[2])]++; !ids[string(a[1])] {
			t.Fatalf("%s is of no line", a[0])
		}
	}
	if share := float64(len(attacks)) / float64(len(ids)); len(kinds) != 6 || share < 0.07 || share > 0.13 {
		t.Errorf("%v attacks among %d requests", kinds, len(ids))
	}
}

func TestCleanPortalHasNoAttack(t *testing.T) {
	c := small()
	c.Days = 2
	log, truth := portal(t, c, WebConfig{Requests: 300})
	again, _ := portal(t, c, WebConfig{Requests: 300})
	if len(truth) != 0 || len(log) == 0 || !bytes.Equal(log, again) {
		t.Errorf("%d bytes of truth, %d of log, the same again: %v", len(truth), len(log), bytes.Equal(log, again))
	}
}
