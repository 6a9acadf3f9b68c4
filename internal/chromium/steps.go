package chromium

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// Open goes to an address.
func (b *Browser) Open(address string) {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.cfg.Base + address
	}
	b.Run(chromedp.Navigate(address))
}

// Fill types into an input, in place of what it holds.
func (b *Browser) Fill(id, text string) {
	b.t.Helper()
	in := chromedp.CSS("#" + id)
	empty := chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.getElementById(%q).value = ""`, id))
	b.settled(chromedp.WaitVisible(in), empty, chromedp.SendKeys(in, text))
}

// Press clicks on what a selector names and waits for the next page, which has a heading.
func (b *Browser) Press(selector, heading string) {
	b.t.Helper()
	b.Run(chromedp.WaitVisible(chromedp.CSS(selector)))
	Ask(b, chromedp.WaitEvent(page.LoadEventFired, func(page.EventLoadEventFired) bool { return true }, chromedp.Click(chromedp.CSS(selector))))
	b.Heading(heading)
}

// Click clicks on what a selector names.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	b.settled(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// Heading waits for the page of a heading.
func (b *Browser) Heading(want string) {
	b.t.Helper()
	b.Run(chromedp.WaitVisible(chromedp.Search(fmt.Sprintf(`//h1[normalize-space()=%q]`, want))))
}

// Text is what an element shows.
func (b *Browser) Text(selector string) string {
	b.t.Helper()
	return Ask(b, chromedp.Text(chromedp.CSS(selector)))
}

// Authenticator plugs a virtual authenticator in that verifies its user (CDP, domain WebAuthn).
func (b *Browser) Authenticator() {
	b.t.Helper()
	b.Run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
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
