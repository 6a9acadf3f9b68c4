package server

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/http"
	"runtime/metrics"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/httpx"
)

// bounds is how many latencies there are.
const bounds = 11

// latencies are the upper bounds of the histogram's buckets; a last one takes the rest.
func latencies() [bounds]time.Duration {
	const ms = time.Millisecond
	return [bounds]time.Duration{ms, 2 * ms, 5 * ms, 10 * ms, 25 * ms, 50 * ms, 100 * ms, 250 * ms, time.Second, 5 * time.Second, 30 * time.Second}
}

// measurements count requests. Labels are patterns and statuses, never an address or a value.
type measurements struct {
	mu     sync.RWMutex
	series map[seriesName]*series // guarded by mu; its values are not
}

type seriesName struct {
	route  string
	status int
}

// series is the histogram of one route and status.
type series struct {
	buckets [bounds + 1]atomic.Int64
	total   atomic.Int64 // nanoseconds
}

func (m *measurements) observe(n seriesName, took time.Duration) {
	s := m.of(n)
	i := 0
	for _, bound := range latencies() {
		if took <= bound {
			break
		}
		i++
	}
	s.buckets[i].Add(1)
	s.total.Add(int64(took))
}

func (m *measurements) of(n seriesName) *series {
	m.mu.RLock()
	s, ok := m.series[n]
	m.mu.RUnlock()
	if ok {
		return s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok = m.series[n]; !ok {
		s = &series{}
		if m.series == nil {
			m.series = map[seriesName]*series{}
		}
		m.series[n] = s
	}
	return s
}

// measured counts every request by the pattern that took it.
func (s *Server) measured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.cfg.Clock()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusInternalServerError} // what a panic comes to
		defer func() {
			if s.cfg.Served != nil {
				s.cfg.Served.Add(1)
			}
			s.measurements.observe(seriesName{cmp.Or(r.Pattern, "none"), seen.status}, s.cfg.Clock().Sub(began))
		}()
		next.ServeHTTP(seen, r)
		if !seen.wrote {
			seen.status = http.StatusOK
		}
	})
}

// statusWriter remembers the status that went out.
type statusWriter struct {
	http.ResponseWriter
	status int
	wrote  bool
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	if !w.wrote && status >= http.StatusOK {
		w.status, w.wrote = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *statusWriter) Write(b []byte) (int, error) {
	if !w.wrote {
		w.status, w.wrote = http.StatusOK, true
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach what is beneath.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// metrics answers in the Prometheus text format, to this machine and to callers who may.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	if local(r) {
		s.writeMetrics(w, r)
		return
	}
	s.guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.cfg.Access.Authorize(r.Context(), httpx.Principal(r.Context()), access.Request{Action: tutela.ActionMetrics}); err != nil {
			s.refuse(w, r, err)
			return
		}
		s.writeMetrics(w, r)
	})).ServeHTTP(w, r)
}

// local tells a caller on this machine. What a proxy here forwards comes from elsewhere.
func local(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	ip := net.ParseIP(httpx.Peer(r))
	return ip != nil && ip.IsLoopback()
}

func (s *Server) writeMetrics(w http.ResponseWriter, r *http.Request) {
	pending, err := s.cfg.Audit.Backlog(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	var b bytes.Buffer
	s.measurements.write(&b, s.cfg.Tenant)
	writeLabelled(&b, "tutela_ledger_pending_batches", s.cfg.Tenant, "Batches of ledger entries that are not in the tree yet.", pending)
	if err := s.writeDetection(r.Context(), &b); err != nil {
		s.refuse(w, r, err)
		return
	}
	if err := s.writeResponse(r.Context(), &b); err != nil {
		s.refuse(w, r, err)
		return
	}
	writeRuntime(&b)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes())
}

// write gives every series, in a fixed order, labelled by tenant where one is named.
func (m *measurements) write(b *bytes.Buffer, tenant string) {
	m.mu.RLock()
	all := maps.Clone(m.series)
	m.mu.RUnlock()
	const name = "tutela_http_request_duration_seconds"
	fmt.Fprintf(b, "# HELP %s How long requests took, by route and status.\n# TYPE %s histogram\n", name, name)
	for _, n := range slices.SortedFunc(maps.Keys(all), func(x, y seriesName) int {
		return cmp.Or(cmp.Compare(x.route, y.route), cmp.Compare(x.status, y.status))
	}) {
		labels := fmt.Sprintf(`route=%q,status="%d"`, n.route, n.status)
		if tenant != "" {
			labels = fmt.Sprintf("tenant=%q,%s", tenant, labels)
		}
		var count int64
		for i, bound := range latencies() {
			count += all[n].buckets[i].Load()
			fmt.Fprintf(b, "%s_bucket{%s,le=\"%s\"} %d\n", name, labels, seconds(bound), count)
		}
		count += all[n].buckets[bounds].Load()
		fmt.Fprintf(b, "%s_bucket{%s,le=\"+Inf\"} %d\n", name, labels, count)
		fmt.Fprintf(b, "%s_sum{%s} %s\n%s_count{%s} %d\n", name, labels, seconds(time.Duration(all[n].total.Load())), name, labels, count)
	}
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'g', -1, 64) }

func writeMetric[N int64 | uint64](b *bytes.Buffer, name, kind, help string, value N) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n%s %d\n", name, help, name, kind, name, value)
}

// writeLabelled writes a gauge of a tenant.
func writeLabelled(b *bytes.Buffer, name, tenant, help string, value int64) {
	if tenant == "" {
		writeMetric(b, name, "gauge", help, value)
		return
	}
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s gauge\n%s{tenant=%q} %d\n", name, help, name, name, tenant, value)
}

// writeRuntime gives memory, goroutines and collections under the names that dashboards for Go know.
func writeRuntime(b *bytes.Buffer) {
	gauges := []struct{ sample, name, kind, help string }{
		{"/memory/classes/heap/objects:bytes", "go_memstats_heap_alloc_bytes", "gauge", "Bytes of live and unswept heap objects."},
		{"/memory/classes/total:bytes", "go_memstats_sys_bytes", "gauge", "Bytes that the Go runtime holds of the system."},
		{"/sched/goroutines:goroutines", "go_goroutines", "gauge", "Goroutines."},
		{"/gc/cycles/total:gc-cycles", "go_gc_cycles_total", "counter", "Garbage collections since the start."},
	}
	samples := make([]metrics.Sample, len(gauges))
	for i, g := range gauges {
		samples[i].Name = g.sample
	}
	metrics.Read(samples)
	for i, g := range gauges {
		if samples[i].Value.Kind() == metrics.KindUint64 {
			writeMetric(b, g.name, g.kind, g.help, samples[i].Value.Uint64())
		}
	}
}
