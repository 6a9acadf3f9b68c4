package server_test

import (
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/chromium"
	"github.com/tutela-health/tutela/server"
	"github.com/tutela-health/tutela/store"
)

// append puts an entry by somebody into the ledger.
func (k *clinic) append(t *testing.T, at time.Time, name string, action tutela.Action) string {
	t.Helper()
	r, err := k.Audit.Append(t.Context(), tutela.Entry{
		Time: at, Actor: tutela.Actor{ID: tutela.UserID("u-" + name[:1]), Kind: tutela.ActorPerson, Name: name}, Action: action, Outcome: tutela.OutcomeSuccess,
		Subject: &tutela.Subject{Kind: "thing", ID: foreign},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}

// The ledger is searched by time, account, action and outcome, a page after the other, by who may; what stands in it stays words.
func TestTheLedgerIsSearchedInTheConsole(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		now := k.Now()
		id := k.append(t, now.AddDate(0, 0, -10), "zoe", tutela.ActionRead)
		for i := range 130 {
			k.append(t, now.AddDate(0, 0, -5).Add(time.Duration(i)*time.Second), "ann", tutela.ActionExport)
		}
		v := k.enters(t, "checker", "auditor")
		v.open("/console/ledger", http.StatusOK)
		v.sees([]string{"More came just now"}, ">Older<")
		if _, err := k.Audit.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		v.open("/console/ledger", http.StatusOK)
		v.sees([]string{">Older<", `<a href="/console/ledger"`}, "<img src=x", "<script>alert")
		asked := func(q url.Values) { v.open("/console/ledger?"+q.Encode(), http.StatusOK) }
		rows := func() int { return strings.Count(v.text, `<th scope="row"><a href="/console/ledger/`) }
		asked(url.Values{"actor": {"u-z"}})
		if rows() != 1 || strings.Contains(v.text, ">Older<") {
			t.Errorf("%d entries of one account", rows())
		}
		v.sees([]string{`value="u-z"`}, "<img src=x")
		asked(url.Values{"actor": {"u-a"}})
		if rows() != 100 {
			t.Errorf("%d entries on the first page", rows())
		}
		_, rest, _ := strings.Cut(v.text, `<p><a href="`)
		older, _, _ := strings.Cut(rest, `"`)
		v.open(strings.ReplaceAll(older, "&amp;", "&"), http.StatusOK)
		if n := rows(); n != 30 {
			t.Errorf("%d entries on the second page", n)
		}
		day := now.AddDate(0, 0, -10).Format(time.DateOnly)
		asked(url.Values{"from": {day}, "to": {day}})
		if rows() != 1 {
			t.Errorf("%d entries of a day", rows())
		}
		asked(url.Values{"actor": {"u-a"}, "outcome": {"denied"}})
		v.sees([]string{"No entry answers this"})
		v.open("/console/ledger?from=soon&actor="+url.QueryEscape(foreign), http.StatusBadRequest)
		v.sees([]string{"is no day", `name="actor" value="`}, "<img src=x", "<script>alert")
		v.open("/console/ledger?below=soon", http.StatusBadRequest)

		v.open("/console/ledger/"+id, http.StatusOK)
		v.sees([]string{"c2sp.org/tlog-proof@v1", "zoe", "The entry as it is kept"}, "<img src=x", "<script>alert")
		v.open("/console/ledger/0", http.StatusOK)
		v.sees([]string{"entry 0 of the tree", "c2sp.org/tlog-proof@v1"})
		v.open("/console/ledger/none", http.StatusNotFound)
		v.open("/console/ledger/99999999", http.StatusNotFound)
		v.open("/console/ledger/-2", http.StatusBadRequest)
		nurse := k.enters(t, "nora", "nurse")
		nurse.open("/console/", http.StatusOK)
		nurse.sees(nil, "/console/ledger")
		nurse.open("/console/ledger", http.StatusNotFound)
		nurse.open("/console/ledger/"+id, http.StatusNotFound)
	})
}

// A browser proves an entry by itself, and says so when a byte of the proof, its place or its signature is another.
func TestEntriesAreProvedInChromium(t *testing.T) {
	k := newClinic(t, store.SQLite, func(c *server.Config) { c.Hosts = append(c.Hosts, "127.0.0.1") })
	ids := []string{}
	for range 20 {
		ids = append(ids, k.append(t, k.Now(), "zoe", tutela.ActionRead))
	}
	if _, err := k.Audit.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := publish(t, k.Handler)
	b := chromium.Open(t, chromium.Config{Base: at.base, Trusted: []*x509.Certificate{shownBy(t, at)}})
	_, c := k.hire(t, "checker", "auditor")
	k.signInChromium(t, b, c)
	verdict := func(want string) {
		t.Helper()
		chromium.Ask(b, chromedp.Poll[bool](`/^(Not p|P)roved in/.test(document.getElementById("verdict").textContent)`))
		if got := b.Text("#verdict"); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, id := range []string{ids[0], ids[7], ids[19]} {
		b.Open("/console/ledger/" + id)
		verdict("Proved in this browser: entry ")
	}
	for name, edit := range map[string]string{
		"a byte of the entry": `t.replace(/^extra (.{40})./m, (l, a) => "extra " + a + (l.at(-1) === "A" ? "B" : "A"))`,
		"another place":       `t.replace(/^index (\d+)$/m, (_, n) => "index " + (Number(n) - 1))`,
		"a hash less":         `t.replace(/^(index \d+\n)[^\n]+\n/m, "$1")`,
		"another root":        `t.replace(/(\n\d+\n)(.)/, (_, a, b) => a + (b === "A" ? "B" : "A"))`,
		"another size":        `t.replace(/\n(\d+)\n(?=[^\n]{44}\n\n)/, (_, n) => "\n" + (Number(n) + 1) + "\n")`,
		"another signature":   `t.replace(/(\u2014 \S+ .{20})./, (l, a) => a + (l.at(-1) === "A" ? "B" : "A"))`,
		"no proof":            `"nothing"`,
	} {
		b.Open("/console/ledger/" + ids[7])
		verdict("Proved in this browser")
		changed := chromium.Ask(b, chromedp.Evaluate[bool](`(() => {
			const proof = document.getElementById("proof"), t = proof.textContent, other = `+edit+`;
			document.getElementById("verdict").textContent = "…";
			proof.textContent = other;
			proof.dispatchEvent(new Event("prove"));
			return other !== t;
		})()`))
		if !changed {
			t.Errorf("%s: nothing was changed", name)
		}
		verdict("Not proved in this browser: ")
	}
	b.Quiet()
}
