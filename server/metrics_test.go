package server_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
)

// scrape reads the metrics as a peer on this machine.
func (s *site) scrape(t *testing.T) string {
	t.Helper()
	r := request(t, http.MethodGet, "/metrics", "")
	r.RemoteAddr = "127.0.0.1:4711"
	w := s.send(r)
	if w.Code != http.StatusOK {
		t.Fatalf("metrics: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetricsCountByRouteAndStatus(t *testing.T) {
	s := newSite(t, nil)
	s.Put(t, `{"resourceType":"Patient","id":"quillfeather-1"}`)
	for range 3 {
		expect(t, s.Get(t, rig.Loader, "Patient/quillfeather-1"), 200)
	}
	expect(t, s.Get(t, rig.Loader, "Patient/quillfeather-2"), 404)
	s.get(t, "/quillfeather/nowhere")
	r := request(t, http.MethodGet, "/healthz", "")
	r.Host = "quillfeather.test"
	s.send(r)
	text := s.scrape(t)
	const name = "tutela_http_request_duration_seconds"
	for series, want := range map[string]int{
		`{route="GET /fhir/r4/{type}/{id}",status="200"}`: 3,
		`{route="GET /fhir/r4/{type}/{id}",status="404"}`: 1,
		`{route="PUT /fhir/r4/{type}/{id}",status="201"}`: 1,
		`{route="none",status="404"}`:                     2,
	} {
		bucket := strings.TrimSuffix(series, "}") + `,le="+Inf"}`
		for _, line := range []string{fmt.Sprintf("%s_count%s %d\n", name, series, want), fmt.Sprintf("%s_bucket%s %d\n", name, bucket, want)} {
			if !strings.Contains(text, line) {
				t.Errorf("no %s in\n%s", line, text)
			}
		}
	}
	if strings.Contains(text, "uillfeather") {
		t.Errorf("a label holds what a caller sent:\n%s", text)
	}
}

func TestMetricsAreInThePrometheusTextFormat(t *testing.T) {
	s := newSite(t, nil)
	s.Put(t, `{"resourceType":"Organization","id":"1"}`)
	text := s.scrape(t)
	comment := regexp.MustCompile(`^# (HELP [a-z_]+ [^\\]+|TYPE [a-z_]+ (gauge|counter|histogram))$`)
	sample := regexp.MustCompile(`^[a-z_]+(\{([a-z]+="[^"\\]*",?)+\})? [0-9.e+-]+$`)
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); !comment.MatchString(line) && !sample.MatchString(line) {
			t.Errorf("not a line of the format: %q", line)
		}
	}
	for _, name := range []string{"tutela_ledger_pending_batches", "go_memstats_heap_alloc_bytes", "go_memstats_sys_bytes", "go_goroutines", "go_gc_cycles_total"} {
		if strings.Count(text, "\n"+name+" ") != 1 {
			t.Errorf("%s is missing, or there twice", name)
		}
	}
	if !strings.Contains(text, "\ntutela_ledger_pending_batches 3\n") { // account, token, organization
		t.Errorf("pending: %s", text)
	}
	s.sequence(t)
	if !strings.Contains(s.scrape(t), "\ntutela_ledger_pending_batches 0\n") {
		t.Error("still pending when all is sequenced")
	}
}

func TestMetricsNeedATokenOrALoopbackPeer(t *testing.T) {
	s := newSite(t, nil)
	for _, c := range []struct {
		peer, as string
		header   string
		want     int
	}{
		{"127.0.0.1:1", rig.Nobody, "", 200},
		{"[::1]:1", rig.Nobody, "", 200},
		{"192.0.2.7:1", rig.Nobody, "", 401},
		{"192.0.2.7:1", rig.Loader, "", 200},
		{"192.0.2.7:1", admin, "", 200},
		{"192.0.2.7:1", "developer", "", 200},
		{"192.0.2.7:1", "physician", "", 403},
		{"127.0.0.1:1", rig.Nobody, "X-Forwarded-For", 401}, // through a proxy on this machine
		{"127.0.0.1:1", rig.Nobody, "Forwarded", 401},
		{"not an address", rig.Nobody, "", 401},
	} {
		r := request(t, http.MethodGet, "/metrics", "")
		r.RemoteAddr = c.peer
		if c.as != rig.Nobody {
			r.Header.Set("Authorization", "Bearer "+s.Token(t, c.as))
		}
		if c.header != "" {
			r.Header.Set(c.header, "192.0.2.7")
		}
		if w := s.send(r); w.Code != c.want {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
	}
}
