package pages_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/tutela-health/tutela/store"
)

// chrome is a real browser that a test drives. What pages complain of, such as a violated policy,
// is kept and fails the test.
type chrome struct {
	t    *testing.T
	site *site
	ctx  context.Context // chromedp's handle of the browser
	axe  string

	marked chan struct{} // closed when the console shows mark

	mu         sync.Mutex
	complaints []string // guarded by mu
}

const (
	patience = time.Minute // for one step in the browser
	mark     = "the test ends here"
)

func (s *site) chrome(t *testing.T) *chrome {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("chromium is needed: scripts/deps.sh installs it: %v", err)
	}
	flags := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoFirstRun, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("ignore-certificate-errors-spki-list", s.pin),
	}
	browser, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), flags...)
	ctx, end := chromedp.NewContext(browser)
	c := &chrome{t: t, site: s, ctx: ctx, axe: axeCore(t), marked: make(chan struct{})}
	var reading sync.WaitGroup
	t.Cleanup(func() {
		end()
		stop()
		reading.Wait()
	})
	check(t, chromedp.Do(ctx)) // starts the browser, whose life is that of ctx
	messages := chromedp.Console(ctx)
	reading.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			c.listen(m)
		}
	})
	return c
}

// axeCore is the source of axe-core.
func axeCore(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "../../scripts/axe-core.sh").Output()
	if err != nil {
		t.Fatalf("axe-core is needed: scripts/axe-core.sh fetches it with npm: %v", err)
	}
	source, err := os.ReadFile(strings.TrimSpace(string(out)))
	check(t, err)
	return string(source)
}

// listen keeps errors and warnings. That a form was answered with a status is no complaint.
func (c *chrome) listen(m chromedp.ConsoleMessage) {
	switch {
	case m.Text == mark:
		close(c.marked)
	case m.Source == "network":
	case m.IsException() || m.Type == "error" || m.Type == "warning":
		c.mu.Lock()
		defer c.mu.Unlock()
		c.complaints = append(c.complaints, m.String())
	}
}

// quiet fails the test when a page complained up to now.
func (c *chrome) quiet() {
	c.t.Helper()
	c.run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("console.log(%q)", mark)))
	select {
	case <-c.marked:
	case <-time.After(patience):
		c.t.Error("the console is stuck")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range c.complaints {
		c.t.Error(text)
	}
}

func (c *chrome) run(steps ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		c.fail(err)
	}
}

// ask runs what has an answer.
func ask[T any](c *chrome, a chromedp.Action[T]) T {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		c.fail(err)
	}
	return v
}

// fail ends the test with what the browser shows.
func (c *chrome) fail(err error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	where, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t.Fatalf("%v at %s:\n%s\ncomplaints: %q\nlog: %s", err, where, text, c.complaints, c.site.log)
}

func (c *chrome) open(path string) {
	c.t.Helper()
	c.run(chromedp.Navigate(c.site.base + path))
}

// fill types into an input, in place of what it holds.
func (c *chrome) fill(id, text string) {
	c.t.Helper()
	in := chromedp.CSS("#" + id)
	empty := chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.getElementById(%q).value = ""`, id))
	c.run(chromedp.WaitVisible(in), empty, chromedp.SendKeys(in, text))
}

// press clicks on what a selector names and waits for the next page, which has a heading.
func (c *chrome) press(selector, heading string) {
	c.t.Helper()
	c.run(chromedp.WaitVisible(chromedp.CSS(selector)))
	ask(c, chromedp.WaitEvent(page.LoadEventFired, func(page.EventLoadEventFired) bool { return true }, chromedp.Click(chromedp.CSS(selector))))
	c.heading(heading)
}

func (c *chrome) click(selector string) {
	c.t.Helper()
	c.run(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// heading waits for the page of a heading.
func (c *chrome) heading(want string) {
	c.t.Helper()
	c.run(chromedp.WaitVisible(chromedp.Search(fmt.Sprintf(`//h1[normalize-space()=%q]`, want))))
}

func (c *chrome) text(selector string) string {
	c.t.Helper()
	return ask(c, chromedp.Text(chromedp.CSS(selector)))
}

// authenticator plugs a virtual authenticator in that verifies its user (CDP, domain WebAuthn).
func (c *chrome) authenticator() {
	c.t.Helper()
	c.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
		return err
	}))
}

// look is a way in which a page is looked at.
type look struct {
	name   string
	width  int64
	scheme string
}

// looks are wide and narrow, light and dark. Where pages are drawn it is every combination.
func looks() []look {
	some := []look{{"1280-light", 1280, "light"}, {"390-dark", 390, "dark"}}
	if os.Getenv("TUTELA_SCREENSHOTS") == "" {
		return some
	}
	return append(some, look{"390-light", 390, "light"}, look{"1280-dark", 1280, "dark"})
}

// inspect holds the page at hand to accessibility and to its width. Where TUTELA_SCREENSHOTS
// names a folder, it draws the page there.
func (c *chrome) inspect(name string) {
	c.t.Helper()
	for _, l := range looks() {
		c.run(chromedp.EmulateViewport(l.width, 900), emulateScheme(l.scheme))
		if width := ask(c, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); width > l.width {
			c.t.Errorf("%s at %s is %d pixels wide", name, l.name, width)
		}
		c.accessible(name, l)
		c.draw(name, l)
	}
}

func emulateScheme(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	})
}

// accessible runs axe-core in the page: its rules of WCAG 2.2 at levels A and AA, and its best practices.
func (c *chrome) accessible(name string, l look) {
	c.t.Helper()
	const report = `axe.run(document).then((r) => JSON.stringify(r.violations.map((v) => [v.id, v.help, ...v.nodes.map((n) => n.html + " " + n.failureSummary)])))`
	c.run(chromedp.Evaluate[chromedp.Void](c.axe + ";undefined"))
	var violations [][]string
	check(c.t, json.Unmarshal([]byte(ask(c, chromedp.Evaluate[string](report, chromedp.EvalAwaitPromise))), &violations))
	for _, v := range violations {
		c.t.Errorf("%s at %s: %s", name, l.name, strings.Join(v, "\n    "))
	}
}

func (c *chrome) draw(name string, l look) {
	c.t.Helper()
	dir := os.Getenv("TUTELA_SCREENSHOTS")
	if dir == "" {
		return
	}
	check(c.t, os.MkdirAll(dir, 0o750))
	check(c.t, os.WriteFile(filepath.Join(dir, name+"-"+l.name+".png"), ask(c, chromedp.FullScreenshot(100)), 0o600))
}

// TestPagesCannotBeFramedInChromium tries clickjacking from the origin that has the best chance: our own.
func TestPagesCannotBeFramedInChromium(t *testing.T) {
	s := open(t, store.SQLite)
	s.mux.HandleFunc("GET /plain", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("plain")) })
	s.mux.HandleFunc("GET /frame", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><iframe src="%s"></iframe>`, html.EscapeString(r.FormValue("at")))
	})
	s.mux.HandleFunc("GET /consent", func(w http.ResponseWriter, r *http.Request) {
		s.pages.Authorize().Consent(w, r, sampleConsent("Chart"))
	})
	p := s.person(t, "ada", "admin")
	c := s.chrome(t)
	c.open("/login")
	c.signIn(p.Username, p.Password)
	c.fill("code", s.code(p.TOTP))
	c.press("button.main", "Your account")
	// A page that may not be framed is replaced by one of the browser's, which nobody may look into.
	const seen = `document.querySelector("iframe").contentDocument?.body.innerText ?? "nothing"`
	for path, want := range map[string]string{"/plain": "plain", "/login": "nothing", "/account": "nothing", "/admin/users": "nothing", "/consent": "nothing",
		"/oauth2/authorize?client_id=nobody": "nothing", "/oauth2/logout": "nothing"} {
		c.open("/frame?at=" + url.QueryEscape(path))
		if got := ask(c, chromedp.Evaluate[string](seen)); got != want {
			t.Errorf("%s in a frame shows %q, want %q", path, got, want)
		}
	}
}
