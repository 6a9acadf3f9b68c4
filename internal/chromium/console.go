package chromium

import (
	"fmt"
	"time"

	"github.com/chromedp/chromedp"
)

// mark is what the console shows when everything before it was heard.
const mark = "the test ends here"

// listen keeps errors and warnings. That a form was answered with a status is no complaint.
func (b *Browser) listen(m chromedp.ConsoleMessage) {
	switch {
	case m.Text == mark:
		close(b.marked)
	case m.Source == "network":
	case m.IsException() || m.Type == "error" || m.Type == "warning":
		b.mu.Lock()
		defer b.mu.Unlock()
		b.complaints = append(b.complaints, m.String())
	}
}

// Quiet fails the test when a page complained up to now, of a violated policy for one. It ends the
// listening.
func (b *Browser) Quiet() {
	b.t.Helper()
	b.Run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("console.log(%q)", mark)))
	select {
	case <-b.marked:
	case <-time.After(patience):
		b.t.Error("the console is stuck")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.complaints {
		b.t.Error(text)
	}
}
