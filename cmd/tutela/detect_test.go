package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Events from elsewhere are scored without a system, also when they are compressed.
func TestDetectReplayFromTheCommandLine(t *testing.T) {
	dir := t.TempDir()
	events := `{"class_uid":6005,"time":1795339815250,"metadata":{"uid":"a"},"user":{"uid":"u-17"},"resources":[{"uid":"MRN 1"}]}` + "\n" +
		"nonsense\n" + `{"class_uid":6005,"time":1795339816250,"metadata":{"uid":"b"},"user":{"uid":"u-17"},"resources":[{"uid":"MRN 1"}]}` + "\n"
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(events)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	roster := filepath.Join(dir, "roster.ndjson")
	for path, text := range map[string]string{
		filepath.Join(dir, "events.ndjson"): events, filepath.Join(dir, "events.ndjson.gz"): packed.String(),
		roster: `{"kind":"staff","staff":"u-17","roles":["nurse"]}` + "\n", filepath.Join(dir, "none.ndjson"): "{}\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var first string
	for _, file := range []string{"events.ndjson", "events.ndjson.gz"} {
		code, out, said := command(t, "detect", "replay", filepath.Join(dir, file), "--roster", roster, "--zone", "Europe/Rome")
		if code == exitError || strings.Count(out, `"uid"`) != 2 || !strings.Contains(out, `{"uid":"a","score":`) {
			t.Errorf("%s: %d %s %s", file, code, out, said)
		}
		if !strings.Contains(said, "line 2 is no JSON object; it is skipped") || !strings.Contains(said, "2 events and 1 facts") {
			t.Errorf("%s: %s", file, said)
		}
		if first == "" {
			first = out
		}
		if out != first {
			t.Errorf("%s gives %s, and before %s", file, out, first)
		}
	}
	for what, args := range map[string][]string{
		"no such file": {filepath.Join(dir, "missing")}, "no such zone": {filepath.Join(dir, "events.ndjson"), "--zone", "Rome"},
		"nothing in it": {filepath.Join(dir, "none.ndjson")},
	} {
		if code, _, said := command(t, append([]string{"detect", "replay"}, args...)...); code != exitError || !strings.HasPrefix(strings.TrimSpace(lastLine(said)), "tutela:") {
			t.Errorf("%s: %d %s", what, code, said)
		}
	}
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
