package chromium

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

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

// Inspect holds the page at hand to accessibility and to its width. Where TUTELA_SCREENSHOTS
// names a folder, it draws the page there.
func (b *Browser) Inspect(name string) {
	b.t.Helper()
	for _, l := range looks() {
		b.Run(chromedp.EmulateViewport(l.width, 900), emulateScheme(l.scheme))
		if width := Ask(b, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); width > l.width {
			b.t.Errorf("%s at %s is %d pixels wide", name, l.name, width)
		}
		b.accessible(name, l)
		b.draw(name, l)
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
func (b *Browser) accessible(name string, l look) {
	b.t.Helper()
	const report = `axe.run(document).then((r) => JSON.stringify(r.violations.map((v) => [v.id, v.help, ...v.nodes.map((n) => n.html + " " + n.failureSummary)])))`
	b.Run(chromedp.Evaluate[chromedp.Void](b.axe() + ";undefined"))
	var violations [][]string
	if err := json.Unmarshal([]byte(Ask(b, chromedp.Evaluate[string](report, chromedp.EvalAwaitPromise))), &violations); err != nil {
		b.t.Fatalf("%s at %s: decode what axe-core found: %v", name, l.name, err)
	}
	for _, v := range violations {
		b.t.Errorf("%s at %s: %s", name, l.name, strings.Join(v, "\n    "))
	}
}

func (b *Browser) draw(name string, l look) {
	b.t.Helper()
	dir := os.Getenv("TUTELA_SCREENSHOTS")
	if dir == "" {
		return
	}
	err := os.MkdirAll(dir, 0o750)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+"-"+l.name+".png"), Ask(b, chromedp.FullScreenshot(100)), 0o600)
	}
	if err != nil {
		b.t.Fatalf("draw %s: %v", name, err)
	}
}
