package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/console"
	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/identity/scim"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/server"
)

// newWholeSite assembles every plane that mounts operations.
func newWholeSite(t *testing.T, change func(*server.Config)) *site {
	t.Helper()
	return newWholeRigged(t, rig.Config{}, change)
}

// newWholeRigged is newWholeSite over a system that differs.
func newWholeRigged(t *testing.T, system rig.Config, change func(*server.Config)) *site {
	t.Helper()
	return newRigged(t, system, func(c *server.Config) {
		people, err := pages.New(pages.Config{Identity: c.Identity, Base: "https://" + rig.Host, Log: c.Log})
		if err != nil {
			t.Fatal(err)
		}
		c.Pages, c.SCIM = people, scim.New(scim.Config{Identity: c.Identity, Base: "https://" + rig.Host, Clock: clock.System})
		if c.Console, err = console.New(console.Config{Pages: people, Clock: c.Clock, Log: c.Log}); err != nil {
			t.Fatal(err)
		}
		c.OAuth = oauth.New(oauth.Config{Identity: c.Identity, Audit: c.Audit, Pages: people.Authorize(), Session: pages.SessionCookie,
			Clock: clock.System, Log: c.Log, Issuer: "https://" + rig.Host, FHIR: rig.Base})
		if change != nil {
			change(c)
		}
	})
}

// What planes mount is on the list, and what is on the list is mounted.
func TestExposedAndMountedAreTheSame(t *testing.T) {
	s := newWholeSite(t, nil)
	if list := s.server.Unlisted(); len(list) > 0 {
		t.Errorf("mounted by a plane, and not listed in exposed.go: %q", list)
	}
	mounted := s.server.Mounted("/")
	if d := cmp.Diff(server.Listed(), mounted); d != "" {
		t.Errorf("listed and mounted (-, +): %s", d)
	}
	for _, pattern := range slices.Concat(pages.Public(), oauth.Public(), console.Public()) {
		if who := server.Who(pattern); who != "anyone" {
			t.Errorf("%s answers strangers, and is listed for %q", pattern, who)
		}
	}
}

// A plane that mounts more than the list names has not opened a door by it.
func TestAnUnlistedOperationIsNotThere(t *testing.T) {
	h, unlisted := server.Mounting("GET /debug/pprof/", "GET /healthz")
	for path, want := range map[string]int{"/debug/pprof/": 404, "/healthz": 200} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	if d := cmp.Diff([]string{"GET /debug/pprof/"}, unlisted); d != "" {
		t.Error(d)
	}
}

func TestRoutesTellWhoMayCallAndHowOftenItWas(t *testing.T) {
	s := newWholeSite(t, nil)
	s.Put(t, `{"resourceType":"Patient","id":"1"}`)
	expect(t, s.Get(t, rig.Loader, "Patient/1"), 200)
	expect(t, s.Get(t, rig.Loader, "Patient/2"), 404)
	type line struct {
		Method, Path, Who string
		Roles             []string
		Requests, Refused int
	}
	list := decode[[]line](t, s.Do(t, rig.Call{As: admin, Method: http.MethodGet, Path: "/api/v1/routes"}).Body)
	if len(list) != len(s.server.Mounted("/")) {
		t.Errorf("%d routes", len(list))
	}
	found := 0
	for _, r := range list {
		switch r.Method + " " + r.Path {
		case "GET /fhir/r4/{type}/{id}":
			found++
			if r.Requests != 2 || r.Refused != 1 || !strings.Contains(r.Who, "consent") {
				t.Errorf("%+v", r)
			}
		case "GET /api/v1/keys":
			found++
			if d := cmp.Diff([]string{admin}, r.Roles); d != "" {
				t.Error(d)
			}
		case "GET /api/v1/ledger/entries":
			found++
			if d := cmp.Diff([]string{"privacy", auditor}, r.Roles); d != "" {
				t.Error(d)
			}
		}
	}
	if found != 3 {
		t.Errorf("%d of the routes are there", found)
	}
}

// limited is a site with rates of a test's own, on a clock that stands still.
func limited(t *testing.T, rates server.Rates) *site {
	t.Helper()
	at := time.Now()
	return newSite(t, func(c *server.Config) {
		c.Clock = func() time.Time { return at }
		c.Gateway.Rates = rates
	})
}

func TestCallersAreHeldToTheirRate(t *testing.T) {
	few := server.Rate{PerSecond: 0.5, Burst: 3}
	s := limited(t, server.Rates{
		Caller: few,
		Roles:  map[string]server.Rate{"nurse": {PerSecond: 1, Burst: 5}, "service": {Unlimited: true}},
	})
	for as, want := range map[string]int{"physician": 3, "nurse": 5, rig.Loader: 40} {
		n := 0
		var last rig.Answer
		for n < 40 {
			if last = s.Get(t, as, "Organization/1"); last.Status == http.StatusTooManyRequests {
				break
			}
			n++
		}
		if n != want {
			t.Errorf("%s: %d requests, want %d", as, n, want)
		}
		if as == "physician" {
			got := []string{last.Header.Get("Retry-After"), last.Header.Get("RateLimit"), last.Header.Get("RateLimit-Policy")}
			if d := cmp.Diff([]string{"2", `"caller";r=0;t=2`, `"caller";q=3;w=6`}, got); d != "" {
				t.Error(d)
			}
			if !strings.Contains(string(last.Body), "OperationOutcome") {
				t.Errorf("FHIR hears %s", last.Body)
			}
		}
	}
	if a := s.Get(t, "billing", "Organization/1"); a.Status == http.StatusTooManyRequests {
		t.Error("one caller's haste holds another back")
	}
	s.Get(t, "physician", "Organization/1")
	if err := s.server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var counts []int
	for _, e := range s.entries(t, tutela.ActionLimit) {
		if e.Outcome != tutela.OutcomeDenied || e.Status != 429 || e.Actor.ID == "" {
			t.Errorf("entry %+v", e)
		}
		counts = append(counts, max(e.Count, 1))
	}
	slices.Sort(counts)
	if d := cmp.Diff([]int{1, 2}, counts); d != "" {
		t.Errorf("of nurse and physician: %s", d)
	}
}

// A client's rate goes before that of its users' roles, and each of its users has it.
func TestAClientMayHaveARateOfItsOwn(t *testing.T) {
	s := limited(t, server.Rates{
		Clients: map[string]server.Rate{"rig": {PerSecond: 1, Burst: 2}}, Roles: map[string]server.Rate{"nurse": {Unlimited: true}},
	})
	for _, as := range []string{"nurse", "physician"} {
		var got []int
		for range 3 {
			got = append(got, s.Get(t, as, "Organization/1").Status)
		}
		if got[1] == 429 || got[2] != 429 {
			t.Errorf("%s: %v", as, got)
		}
	}
}

// A network's budget is taken by strangers and by wrong tokens; who has a token is not held back by it.
func TestStrangersAreHeldToTheirNetworksRate(t *testing.T) {
	s := limited(t, server.Rates{Address: server.Rate{PerSecond: 1, Burst: 6}})
	ask := func(peer, path, authorization string) int {
		r := request(t, http.MethodGet, path, "")
		r.RemoteAddr = peer
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		return s.send(r).Code
	}
	good := "Bearer " + s.Token(t, rig.Loader)
	for i, want := range []int{401, 401, 401, 429, 429} {
		if got := ask("192.0.2.9:1", "/fhir/r4/Patient", "Bearer tut_guess"); got != want {
			t.Errorf("guess %d: %d, want %d", i, got, want)
		}
	}
	for path, want := range map[string]int{"/ledger/key": 429, "/healthz": 200, "/fhir/r4/metadata": 429} {
		if got := ask("192.0.2.9:1", path, ""); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if got := ask("192.0.2.9:1", "/fhir/r4/Patient", good); got != 200 {
		t.Errorf("with a token, beside the guesser: %d", got)
	}
	if got := ask("192.0.2.10:1", "/ledger/key", ""); got != 200 {
		t.Errorf("from the next address: %d", got)
	}
	for i, want := range []int{200, 200, 200, 200, 200, 200, 429} {
		if got := ask(fmt.Sprintf("[2001:db8:0:1::%d]:1", i), "/ledger/key", ""); got != want {
			t.Errorf("address %d of a /64: %d, want %d", i, got, want)
		}
	}
}

func TestForwardedAddressesCountFromTrustedProxiesAlone(t *testing.T) {
	s := newSite(t, func(c *server.Config) { c.Gateway.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	for _, c := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:1", "203.0.113.7", "192.0.2.1"},
		{"10.1.1.1:1", "203.0.113.7", "203.0.113.7"},
		{"10.1.1.1:1", "198.51.100.1, 203.0.113.7", "203.0.113.7"}, // what stands left is the caller's own claim
		{"10.1.1.1:1", "198.51.100.1, 203.0.113.7, 10.2.2.2", "203.0.113.7"},
		{"10.1.1.1:1", "10.9.9.9, 10.2.2.2", "10.9.9.9"},
		{"10.1.1.1:1", "203.0.113.7, nonsense", "10.1.1.1"},
		{"10.1.1.1:1", "", "10.1.1.1"},
		{"10.1.1.1:1", "::ffff:203.0.113.8", "203.0.113.8"},
		{"[::ffff:10.1.1.1]:1", "2001:db8::5", "2001:db8::5"},
	} {
		r := request(t, http.MethodGet, "/api/v1/keys", "")
		r.RemoteAddr = c.peer
		r.Header.Set("Authorization", "Bearer "+s.Token(t, admin))
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if w := s.send(r); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		list := s.entries(t, tutela.ActionKeyList)
		if got := list[len(list)-1].Address; got != c.want {
			t.Errorf("%s for %q: the ledger has %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
}

// A client or role with a list calls from there alone; elsewhere its token is worth as much as none.
func TestTokensAreWorthNothingFromOtherNetworks(t *testing.T) {
	lists := server.Networks{
		Clients: map[string][]netip.Prefix{"rig": {netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}},
		Roles:   map[string][]netip.Prefix{"service": {netip.MustParsePrefix("10.1.0.0/16")}, admin: {netip.MustParsePrefix("10.2.0.0/16"), netip.MustParsePrefix("2001:db8::/48")}},
	}
	s := newRigged(t, rig.Config{Admit: lists.Admit}, nil)
	for _, c := range []struct {
		as, peer string
		want     int
	}{
		{rig.Loader, "10.1.2.3:1", 200}, {rig.Loader, "10.2.2.3:1", 401}, {rig.Loader, "[::ffff:10.1.2.3]:1", 200},
		{admin, "10.2.2.3:1", 403}, {admin, "[2001:db8::1]:1", 403}, {admin, "192.0.2.1:1", 401}, {admin, "nonsense", 401},
		{auditor, "10.9.9.9:1", 403}, {auditor, "192.0.2.1:1", 401},
	} {
		r := request(t, http.MethodGet, "/fhir/r4/Organization", "")
		r.RemoteAddr = c.peer
		r.Header.Set("Authorization", "Bearer "+s.Token(t, c.as))
		w := s.send(r)
		if w.Code != c.want {
			t.Errorf("%s from %s: %d, want %d", c.as, c.peer, w.Code, c.want)
		}
		stranger := request(t, http.MethodGet, "/fhir/r4/Organization", "")
		if none := s.send(stranger); c.want == 401 && none.Body.String() != w.Body.String() {
			t.Errorf("%s from %s hears more than nobody: %s", c.as, c.peer, w.Body)
		}
	}
	list := s.entries(t, tutela.ActionNetwork)
	if len(list) != 4 || list[0].Actor.ID == "" || list[0].Client != "rig" || list[0].Address != "10.2.2.3" {
		t.Errorf("the ledger has %+v", list)
	}
}

func TestRequestsWithTwoReadingsAreRefused(t *testing.T) {
	s := newWholeSite(t, nil)
	token := s.Token(t, rig.Loader)
	s.Put(t, `{"resourceType":"Patient","id":"1"}`)
	for _, target := range []string{
		"/fhir/r4/../r4/Patient/1", "/fhir/r4/./Patient/1", "//fhir/r4/Patient/1", "/fhir//r4/Patient/1", "/fhir/r4/Patient%2f1", "/fhir/r4/Patient%2F1",
		"/fhir/r4/%2e%2e/r4/Patient/1", "/fhir/r4/Patient/1/..", "/fhir/r4/Patient/1/.", "/fhir/r4/Patient/..%2f1", "/fhir/r4/Patient%5c1",
		"/fhir/r4/Patient/%252e", "/fhir/r4/Patient/1%00", "/fhir/r4/Patient/1%0d%0aX:y", "https://" + rig.Host + "/fhir/r4/Patient/1",
	} {
		r := request(t, http.MethodGet, target, "")
		r.Header.Set("Authorization", "Bearer "+token)
		if w := s.send(r); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %v", target, w.Code, w.Header())
		}
	}
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL"} {
		r := request(t, http.MethodGet, "/fhir/r4/Patient/1", "")
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set(name, "DELETE")
		if w := s.send(r); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	for _, method := range []string{http.MethodTrace, http.MethodConnect} {
		if w := s.send(request(t, method, "/fhir/r4/Patient/1", "")); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	for _, path := range []string{"/fhir/r4/Patient/1", "/fhir/r4/Patient/a.b", "/fhir/r4/Patient?name=%2f..%5c", "/scim/v2/Schemas/urn%3Aietf", "/fhir/r4/"} {
		r := request(t, http.MethodGet, path, "")
		if w := s.send(r); w.Code == http.StatusBadRequest {
			t.Errorf("%s is plain, and refused", path)
		}
	}
}

// wire speaks HTTP/1.1 by hand, and gives the statuses of the answers before the connection ends.
func (s *site) wire(t *testing.T, text string) []int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() { _ = s.server.ServePlain(l) }) // ends with its listener
	defer served.Wait()
	defer func() { _ = l.Close() }()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	var list []int
	for in := bufio.NewReader(conn); ; {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return list
		}
		list = append(list, res.StatusCode)
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
}

// What one end of a chain takes for a body and the other for a request is never answered as a request.
func TestSmuggledRequestsAreNotAnswered(t *testing.T) {
	s := newSite(t, nil)
	const inner = "GET /healthz HTTP/1.1\r\nHost: rig.test\r\n\r\n"
	head := "POST /api/v1/assess HTTP/1.1\r\nHost: rig.test\r\n"
	for name, c := range map[string]struct {
		text string
		want []int
	}{
		"chunked and a length":   {head + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 5+len(inner)) + inner, []int{401}},
		"two lengths":            {head + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + inner, []int{400}},
		"a strange encoding":     {head + "Transfer-Encoding: xchunked\r\n\r\n" + inner, []int{501}},
		"encodings twice":        {head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + inner, []int{501}},
		"a space before a colon": {head + "Content-Length : 44\r\n\r\n" + inner, []int{400}},
		"two hosts":              {"GET /healthz HTTP/1.1\r\nHost: rig.test\r\nHost: other.test\r\n\r\n", []int{400}},
		"no host":                {"GET /healthz HTTP/1.1\r\n\r\n", []int{400}},
		"absolute form":          {"GET https://rig.test/healthz HTTP/1.1\r\nHost: rig.test\r\n\r\n", []int{400}},
		"another authority":      {"GET https://other.test/healthz HTTP/1.1\r\nHost: rig.test\r\n\r\n", []int{404}},
		"all of the server":      {"OPTIONS * HTTP/1.1\r\nHost: rig.test\r\n\r\n", []int{400}},
		"two honest requests":    {inner + inner, []int{200, 200}},
	} {
		if d := cmp.Diff(c.want, s.wire(t, c.text)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestABusyNodeSaysSo(t *testing.T) {
	s := newSite(t, func(c *server.Config) { c.Gateway.Concurrent = 1 })
	body, begun := io.Pipe()
	var first sync.WaitGroup
	first.Go(func() {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/tryout/token", body)
		r.Host = rig.Host
		r.SetBasicAuth("", secret)
		s.send(r)
	})
	if _, err := begun.Write([]byte("{")); err != nil { // the first request is being served
		t.Fatal(err)
	}
	w := s.send(request(t, http.MethodGet, "/ledger/key", ""))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("beside another request: %d %v", w.Code, w.Header())
	}
	if w := s.send(request(t, http.MethodGet, "/healthz", "")); w.Code != http.StatusOK {
		t.Errorf("alive: %d", w.Code)
	}
	_ = begun.Close()
	first.Wait()
	if w := s.send(request(t, http.MethodGet, "/ledger/key", "")); w.Code != http.StatusOK {
		t.Errorf("after it: %d", w.Code)
	}
}

// deadlines notes what a handler sets.
type deadlines struct {
	*httptest.ResponseRecorder
	read, write time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error  { d.read = t; return nil }
func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = t; return nil }

// A body that comes by the drop, and an answer that nobody takes, end when the operation's time is over.
func TestOperationsHaveTheirTime(t *testing.T) {
	at := time.Now()
	s := newSite(t, func(c *server.Config) { c.Clock = func() time.Time { return at } })
	for _, c := range []struct {
		method, path, body string
		read, write        time.Duration
	}{
		{"POST", "/api/v1/tryout/token", "{}", time.Minute, time.Minute},
		{"GET", "/api/v1/keys", "", 0, time.Minute},
		{"POST", "/fhir/r4/Patient", "{}", 2 * time.Minute, 0}, // and the connection's own five minutes
	} {
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		s.Handler.ServeHTTP(w, request(t, c.method, c.path, c.body))
		for what, got := range map[time.Time]time.Duration{w.read: c.read, w.write: c.write} {
			if want := at.Add(got); got != 0 && !what.Equal(want) || got == 0 && !what.IsZero() {
				t.Errorf("%s %s: %v, want %v from %v", c.method, c.path, what, got, at)
			}
		}
	}
}

func TestBodiesBeyondTheLimitAreRefused(t *testing.T) {
	s := newSite(t, nil)
	r := request(t, http.MethodPost, "/api/v1/tryout/token", strings.Repeat(" ", 1<<20))
	r.SetBasicAuth("", secret)
	r.ContentLength = -1
	if w := s.send(r); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestOperationsBesideTheListAreFound(t *testing.T) {
	s := newWholeSite(t, nil)
	leak := ""
	at := publish(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = rig.Host
		if leak != "" && r.URL.Path == leak {
			_, _ = io.WriteString(w, "goroutine 1 [running]")
			return
		}
		s.Handler.ServeHTTP(w, r)
	}))
	const id = "protect.exposed-operations"
	seen := testkit.Sabotage(t, id)
	seen.Expect(s.try(t, id, at), tutela.Pass, "none is there")
	leak = "/debug/pprof/"
	seen.Expect(s.try(t, id, at), tutela.Fail, "GET /debug/pprof/ answered 200")
	seen.Expect(s.try(t, id, nobodyListens(t)), tutela.CouldNotCheck)
	leak = ""
	seen.Expect(s.try(t, id, at), tutela.Pass)
}

func TestMissingRateLimitsAreFound(t *testing.T) {
	const id = "protect.rate-limit"
	seen := testkit.Sabotage(t, id)
	for _, c := range []struct {
		name  string
		rates server.Rates
		want  tutela.Verdict
		say   string
	}{
		{"defaults", server.Rates{}, tutela.Pass, "429 after 2000 requests"},
		{"no address", server.Rates{Address: server.Rate{Unlimited: true}}, tutela.Fail, "a network was not held back"},
		{"no caller", server.Rates{Caller: server.Rate{Unlimited: true}}, tutela.Fail, "a proven caller"},
		{"only loader", server.Rates{Clients: map[string]server.Rate{rig.Loader: {Unlimited: true}}}, tutela.Pass, "answered 429"},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen.Expect(limited(t, c.rates).try(t, id, outside{}), c.want, c.say)
		})
	}
}
