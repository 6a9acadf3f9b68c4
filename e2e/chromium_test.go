package e2e_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// chrome is a headless browser that a test drives.
type chrome struct {
	t   *testing.T
	ctx context.Context // chromedp's handle of the browser
}

// patience bounds one step in the browser.
const patience = time.Minute

// chrome starts a browser that trusts the system's certificate, and others.
func (s *system) chrome(t *testing.T, trusted ...*x509.Certificate) *chrome {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("chromium is needed: scripts/deps.sh installs it: %v", err)
	}
	var pins []string
	for _, c := range append(trusted, s.certificate(t)) {
		sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
		pins = append(pins, base64.StdEncoding.EncodeToString(sum[:]))
	}
	flags := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoFirstRun, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(pins, ",")),
	}
	browser, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), flags...)
	ctx, end := chromedp.NewContext(browser)
	t.Cleanup(func() {
		end()
		stop()
	})
	must(t, chromedp.Do(ctx)) // starts the browser, whose life is that of ctx
	return &chrome{t, ctx}
}

// certificate is what the running system shows.
func (s *system) certificate(t *testing.T) *x509.Certificate {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.info.URL, "https://"), s.trust(t))
	must(t, err)
	must(t, conn.Close())
	return conn.ConnectionState().PeerCertificates[0]
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
	c.t.Fatalf("%v at %s:\n%s", err, where, text)
}

func (c *chrome) open(address string) {
	c.t.Helper()
	c.run(chromedp.Navigate(address))
}

func (c *chrome) fill(id, text string) {
	c.t.Helper()
	in := chromedp.CSS("#" + id)
	c.run(chromedp.WaitVisible(in), chromedp.SendKeys(in, text))
}

func (c *chrome) click(selector string) {
	c.t.Helper()
	c.run(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// signIn proves both of a member's factors where the login asks for them.
func (c *chrome) signIn(m *member) {
	c.t.Helper()
	c.fill("username", m.username)
	c.fill("password", m.password)
	c.click("button.main")
	c.fill("code", m.otp.next(c.t))
	c.click(`form[action="/login/factor/totp"] button.main`)
}
