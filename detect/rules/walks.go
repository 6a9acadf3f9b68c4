package rules

import (
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
)

// walks takes offence at a caller who asks for one number after the other: lines of web and application logs tell the
// address asked for. The ledger cannot show this, since it holds no ids, only pseudonyms; there the many refusals and
// the many patients show it.
type walks struct {
	state walksState
}

type walksState struct {
	Runs map[string]run // by caller and form of the address
}

// run is numbers that follow each other.
type run struct {
	Last    int64 // the number
	Up      bool
	Length  int
	At      int64    // seconds since 1970
	Entries []string // the first few, and the newest
}

// The bounds of a walk.
const (
	walkLength = 20          // numbers that follow each other
	walkStep   = 3           // how far apart at most
	walkGap    = time.Minute // how long between two
	maxRuns    = 20_000
)

func newWalks() *walks { return &walks{walksState{Runs: map[string]run{}}} }

func (*walks) name() string      { return "walks" }
func (w *walks) remembered() any { return &w.state }

func (w *walks) observe(ev *event.Event) []finding.Hit {
	if ev.Log == nil {
		return nil
	}
	form, number, ok := numbered(ev.Log)
	if !ok {
		return nil
	}
	who := caller(ev)
	if who == "" {
		return nil
	}
	key := who + " " + form
	r := w.state.Runs[key].next(number, ev.Time.Unix(), ev.ID)
	w.room()
	if r.Length < walkLength {
		w.state.Runs[key] = r
		return nil
	}
	delete(w.state.Runs, key)
	return []finding.Hit{{
		Rule: RuleWalk, Title: "Somebody asks for one record number after the other", Level: finding.High, Group: who, Actor: ev.Actor.ID,
		Entries: r.Entries, At: ev.Time,
		Reasons: []string{fmt.Sprintf("%d numbers that follow each other were asked for, each within a minute of the one before", r.Length)},
		Answer:  "Block the address or end the account's tokens, see which answers held data, and let ids be random.",
	}}
}

// next goes on with a number, or begins anew with it.
func (r run) next(number, at int64, entry string) run {
	step := number - r.Last
	follows := r.Length > 0 && at-r.At <= int64(walkGap/time.Second) && (r.Length == 1 || (step > 0) == r.Up)
	switch {
	case r.Length > 0 && step == 0:
		r.At = at
		return r
	case !follows || step > walkStep || step < -walkStep:
		return run{Last: number, Length: 1, At: at, Entries: []string{entry}}
	}
	if len(r.Entries) > 4 {
		r.Entries = r.Entries[:4]
	}
	return run{Last: number, Up: step > 0, Length: r.Length + 1, At: at, Entries: append(r.Entries, entry)}
}

// room forgets what is over when there is much, and everything when that is not enough.
func (w *walks) room() {
	if len(w.state.Runs) < maxRuns {
		return
	}
	newest := int64(0)
	for _, r := range w.state.Runs {
		newest = max(newest, r.At)
	}
	maps.DeleteFunc(w.state.Runs, func(_ string, r run) bool { return newest-r.At > int64(walkGap/time.Second) })
	if len(w.state.Runs) >= maxRuns {
		clear(w.state.Runs)
	}
}

// caller is who asks, as a line tells: the address, else the account.
func caller(ev *event.Event) string {
	if ev.Address != "" {
		return ev.Address
	}
	for _, name := range []string{"src_endpoint.ip", "remote_addr", "client_ip", "remote_ip", "clientip", "ip", "client"} {
		if v := ev.Log.Fields[name]; v != "" {
			return v
		}
	}
	first, _, _ := strings.Cut(ev.Log.Text, " ")
	if a, err := netip.ParseAddr(first); err == nil { // the combined log format of web servers
		return a.String()
	}
	return string(ev.Actor.ID)
}

// numbered takes the last number of the address that a line tells of, and the address without it.
func numbered(l *event.Log) (form string, number int64, ok bool) {
	at := address(l)
	if at == "" || len(at) > 1024 {
		return "", 0, false
	}
	end := len(at)
	for end > 0 && (at[end-1] < '0' || at[end-1] > '9') {
		end--
	}
	from := end
	for from > 0 && at[from-1] >= '0' && at[from-1] <= '9' {
		from--
	}
	if from == end || end-from > 18 || from == 0 || !(at[from-1] == '/' || at[from-1] == '=') || paging(at[:from]) {
		return "", 0, false
	}
	number, err := strconv.ParseInt(at[from:end], 10, 64)
	return at[:from] + "#" + at[end:], number, err == nil
}

// address is that of a request in a line: in a field, or in the message behind the method.
func address(l *event.Log) string {
	for _, name := range []string{"http_request.url.path", "url.path", "path", "uri", "request_uri", "url"} {
		if v := l.Fields[name]; strings.HasPrefix(v, "/") {
			return v
		}
	}
	for _, method := range []string{"GET /", "HEAD /", "POST /"} {
		if i := strings.Index(l.Text, method); i >= 0 {
			at, _, _ := strings.Cut(l.Text[i+len(method)-1:], " ")
			return at
		}
	}
	return ""
}

// paging reports whether the number turns pages, which everybody does one after the other.
func paging(before string) bool {
	name := strings.TrimRight(strings.ToLower(before), "=/")
	name = name[strings.LastIndexAny(name, "?&;/")+1:]
	switch name {
	case "page", "p", "offset", "_getpagesoffset", "start", "skip", "_count", "limit", "t", "ts", "time", "v", "after", "since", "_":
		return true
	}
	return false
}
