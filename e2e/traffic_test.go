package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
)

// traffic is concurrent clients of one round. Each ends when the server no longer answers it.
type traffic struct {
	client *client
	tally  *tally
	round  int
	failed func(format string, args ...any)
}

// How many clients of each kind there are.
const (
	writers    = 4
	bundlers   = 2
	readers    = 3
	subjects   = 3 // patients whom resources concern in turn; one in four concerns none
	perWriting = 5 // versions of a resource
)

// start lets all clients go; wait returns when each has lost the server.
func (f *traffic) start(ctx context.Context) (wait func()) {
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() { f.write(ctx, i) })
	}
	for i := range bundlers {
		all.Go(func() { f.transact(ctx, i) })
	}
	for i := range readers {
		all.Go(func() { f.read(ctx, i) })
	}
	return all.Wait
}

// observation is a resource whose content tells it from every other.
func observation(id, content string, n int) string {
	subject := ""
	switch n % 4 {
	case 0, 1, 2:
		subject = fmt.Sprintf(`,"subject":{"reference":"Patient/subject-%d"}`, n%4)
	}
	if n%16 == 5 { // one of several patients
		subject += `,"performer":[{"reference":"Patient/subject-0"},{"reference":"Patient/subject-2"}]`
	}
	return fmt.Sprintf(`{"resourceType":"Observation","id":%q,"status":"final","code":{"text":"e2e"},
		"identifier":[{"system":"http://example.org/e2e","value":%q}],"valueString":%q%s}`, id, id, content, subject)
}

// write makes one resource after another: created, changed, deleted, brought back.
func (f *traffic) write(ctx context.Context, writer int) {
	for n := 0; ; n++ {
		id := fmt.Sprintf("w-%d-%d-%d", f.round, writer, n)
		r := &resource{ref: "Observation/" + id}
		f.tally.addResource(r)
		for i := range perWriting {
			if !f.change(ctx, r, id, i, n+i/2) { // now and then the subject changes
				return
			}
			if r.unsure != nil {
				break // what comes next would depend on it
			}
		}
	}
}

// change makes one version; false when the server is gone.
func (f *traffic) change(ctx context.Context, r *resource, id string, i, n int) bool {
	v := version{content: fmt.Sprintf("%s content %d", id, i), deleted: i == perWriting-2}
	method, body, action := http.MethodPut, observation(id, v.content, n), "update"
	if v.deleted {
		method, body, action = http.MethodDelete, "", "delete"
	}
	a, err := f.client.send(ctx, method, "/fhir/r4/"+r.ref, body)
	switch {
	case a.status == http.StatusOK || a.status == http.StatusCreated || a.status == http.StatusNoContent:
		r.versions = append(r.versions, v)
		f.tally.answered(receipt{a.request, action, 1, "success"})
	case err != nil || a.status >= http.StatusInternalServerError:
		r.unsure = &v
	default:
		f.failed("%s %s: status %d: %s", method, r.ref, a.status, a.body)
	}
	return err == nil
}

// transact sends one transaction after another.
func (f *traffic) transact(ctx context.Context, bundler int) {
	made := ""
	for n := 0; ; n++ {
		id := fmt.Sprintf("t-%d-%d-%d", f.round, bundler, n)
		pair := fmt.Sprintf("pair-%d-%d", f.round, bundler)
		b := &bundle{
			made: [2]string{"Observation/" + id + "-0", "Observation/" + id + "-1"}, removed: made,
			pair: [2]string{"Observation/" + pair + "-0", "Observation/" + pair + "-1"}, turn: id,
		}
		f.tally.addBundle(b)
		a, err := f.client.send(ctx, http.MethodPost, "/fhir/r4", b.text(id, pair, n))
		switch {
		case a.status == http.StatusOK:
			b.acked, made = true, b.made[0]
			f.tally.answered(receipt{a.request, "transaction", b.writes(), "success"})
		case err != nil:
			return
		case a.status >= http.StatusInternalServerError:
			made = "" // it may be there or not
		default:
			f.failed("transaction: status %d: %s", a.status, a.body)
		}
	}
}

// writes is how many versions the transaction makes.
func (b *bundle) writes() int {
	if b.removed == "" {
		return 4
	}
	return 5
}

func (b *bundle) text(id, pair string, n int) string {
	put := func(id, content string, n int) any {
		return map[string]any{"resource": json.RawMessage(observation(id, content, n)),
			"request": map[string]string{"method": "PUT", "url": "Observation/" + id}}
	}
	entries := []any{put(id+"-0", id, n), put(id+"-1", id, n+1), put(pair+"-0", id, 0), put(pair+"-1", id, 3)}
	if b.removed != "" {
		entries = append(entries, map[string]any{"request": map[string]string{"method": "DELETE", "url": b.removed}})
	}
	text, err := json.Marshal(map[string]any{"resourceType": "Bundle", "type": "transaction", "entry": entries})
	if err != nil {
		return "" // strings always encode
	}
	return string(text)
}

// read asks in turn for what is there, what may be and what is not.
func (f *traffic) read(ctx context.Context, reader int) {
	for n := 0; ; n++ {
		path, action := f.question(n, reader)
		a, err := f.client.send(ctx, http.MethodGet, "/fhir/r4/"+path, "")
		switch {
		case a.status == http.StatusOK:
			f.tally.answered(receipt{a.request, action, 0, "success"})
		case a.status == http.StatusNotFound || a.status == http.StatusGone:
			f.tally.answered(receipt{a.request, action, 0, "failed"})
		case err == nil && a.status < http.StatusInternalServerError:
			f.failed("GET %s: status %d: %s", path, a.status, a.body)
		}
		if err != nil {
			return
		}
	}
}

func (f *traffic) question(n, reader int) (path, action string) {
	w := fmt.Sprintf("Observation/w-%d-%d-%d", f.round, reader, n/8)
	switch n % 6 {
	case 0:
		return w, "read"
	case 1:
		return fmt.Sprintf("Patient/subject-%d", n%subjects), "read"
	case 2:
		return fmt.Sprintf("Observation/pair-%d-%d-0/_history", f.round, reader%bundlers), "history-instance"
	case 3:
		return "Observation?identifier=http://example.org/e2e|" + w[len("Observation/"):], "search-type"
	case 4:
		return w + "/_history/1", "vread"
	default:
		return fmt.Sprintf("Observation/pair-%d-%d-1", f.round, reader%bundlers), "read"
	}
}
