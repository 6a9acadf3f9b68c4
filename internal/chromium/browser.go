package chromium

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tutela-health/tutela/internal/testkit"
)

// Config says what a Browser looks at.
type Config struct {
	// Base is put before addresses that begin with a slash.
	Base string
	// Trusted are the certificates of servers that no authority vouches for.
	Trusted []*x509.Certificate
	// Log is shown when a step fails; nil shows none.
	Log fmt.Stringer
}

// Browser is a real one. A step that fails ends the test with what the browser shows.
type Browser struct {
	t   testing.TB
	cfg Config
	ctx context.Context //nolint:containedctx // chromedp's handle of the browser
	axe func() string   // source of axe-core

	marked chan struct{} // closed when the console shows mark

	mu         sync.Mutex
	complaints []string // guarded by mu
}

// patience bounds one step.
const patience = time.Minute

// Open starts a browser, which the test's end stops.
func Open(t testing.TB, cfg Config) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("chromium is needed: scripts/deps.sh installs it: %v", err)
	}
	flags := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoFirstRun, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("hide-scrollbars", true), // pictures are as wide as pages
		chromedp.Flag("ignore-certificate-errors-spki-list", pins(cfg.Trusted)),
	}
	started, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), flags...)
	ctx, end := chromedp.NewContext(started)
	b := &Browser{t: t, cfg: cfg, ctx: ctx, marked: make(chan struct{}), axe: sync.OnceValue(func() string { return testkit.AxeCore(t) })}
	var reading sync.WaitGroup
	t.Cleanup(func() {
		end()
		stop()
		reading.Wait()
	})
	if err := chromedp.Do(ctx); err != nil { // starts the browser, whose life is that of ctx
		t.Fatalf("start chromium: %v", err)
	}
	messages := chromedp.Console(ctx)
	reading.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.listen(m)
		}
	})
	return b
}

// pins are the hashes of certificates' keys, as Chromium takes them.
func pins(list []*x509.Certificate) string {
	hashes := make([]string, len(list))
	for i, c := range list {
		sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
		hashes[i] = base64.StdEncoding.EncodeToString(sum[:])
	}
	return strings.Join(hashes, ",")
}

// Run carries out steps.
func (b *Browser) Run(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.fail(err)
	}
}

// settled carries out steps on elements of a page. Where another page came in the middle of them they
// begin anew on that one: nothing was typed or clicked then.
func (b *Browser) settled(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	err := chromedp.Do(ctx, steps...)
	for err != nil && ctx.Err() == nil && strings.Contains(err.Error(), lostNode) {
		err = chromedp.Do(ctx, steps...)
	}
	if err != nil {
		b.fail(err)
	}
}

// lostNode is what Chromium says of an element whose page is gone (CDP, domain DOM).
const lostNode = "Could not find node with given id"

// Ask carries out what has an answer.
func Ask[T any](b *Browser, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		b.fail(err)
	}
	return v
}

// fail ends the test with what the browser shows.
func (b *Browser) fail(err error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	where, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	log := ""
	if b.cfg.Log != nil {
		log = b.cfg.Log.String()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.t.Fatalf("%v at %s:\n%s\ncomplaints: %q\nlog: %s", err, where, text, b.complaints, log)
}
