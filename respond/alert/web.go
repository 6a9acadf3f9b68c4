package alert

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/respond/deliver"
)

// pagerDutyEvents takes events of PagerDuty's Events API v2.
const pagerDutyEvents = "https://events.pagerduty.com/v2/enqueue"

// webChannel speaks to a channel by HTTPS.
type webChannel struct {
	web    deliver.Web
	form   Form
	secret []byte
	source string
	clock  clock.Clock
}

func (c webChannel) send(ctx context.Context, n Note) error {
	body, err := c.body(n)
	if err != nil {
		return fmt.Errorf("encode alert: %w", err)
	}
	h := http.Header{"Content-Type": {"application/json"}}
	if c.form == Webhook {
		sign(h, c.secret, n.ID, c.clock(), body) // of the attempt: receivers refuse what is old
	}
	reply, err := c.web.Post(ctx, h, body)
	if err == nil && c.form == Slack && strings.TrimSpace(string(reply.Body)) != "ok" {
		err = errors.New("the target did not say that it has the message") // as Slack's webhooks do
	}
	return err
}

// body is a note in the form that the channel reads.
func (c webChannel) body(n Note) ([]byte, error) {
	switch c.form {
	case Slack:
		return json.Marshal(map[string]any{"text": slackEscaped(n.Text())})
	case Teams:
		return json.Marshal(teamsCard(n))
	case PagerDuty:
		return json.Marshal(c.pagerDuty(n))
	case Webhook, SMTP, Syslog:
	}
	return json.Marshal(map[string]any{"type": "alert." + string(n.Sort), "timestamp": n.At.UTC().Format(time.RFC3339Nano), "data": n})
}

// sign adds the headers of Standard Webhooks 1.0: an id, a time, and HMAC-SHA-256 over both and the body.
func sign(h http.Header, secret []byte, id string, at time.Time, body []byte) {
	seconds := strconv.FormatInt(at.Unix(), 10)
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", seconds)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(signature(secret, id, seconds, body)))
}

func signature(secret []byte, id, seconds string, body []byte) []byte {
	key := secret
	if text, is := strings.CutPrefix(string(secret), "whsec_"); is {
		if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
			key = decoded
		}
	}
	m := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(m, "%s.%s.", id, seconds) // a hash takes everything
	_, _ = m.Write(body)
	return m.Sum(nil)
}

// tolerance is how far a signed message's time may be from ours.
const tolerance = 5 * time.Minute

// Verify holds a message to a webhook's secret: that it was signed, lately.
func Verify(secret []byte, h http.Header, body []byte, now time.Time) error {
	forged := errors.New("the message is not signed by the channel's secret, or not lately")
	id, seconds := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || id == "" || strings.Contains(id, ".") || len(secret) == 0 || now.Sub(time.Unix(at, 0)).Abs() > tolerance {
		return forged
	}
	want := signature(secret, id, seconds, body)
	for said := range strings.FieldsSeq(h.Get("Webhook-Signature")) {
		text, v1 := strings.CutPrefix(said, "v1,")
		got, err := base64.StdEncoding.DecodeString(text)
		if v1 && err == nil && subtle.ConstantTimeCompare(want, got) == 1 {
			return nil
		}
	}
	return forged
}

// slackEscaped keeps text from being read as a link or a mention: Slack asks that & < and > be escaped.
func slackEscaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// teamsCard is a message with an Adaptive Card, as Teams' workflows take it.
func teamsCard(n Note) any {
	type m = map[string]any
	var body []m
	for i, line := range strings.Split(strings.TrimSpace(n.Text()), "\n") {
		block := m{"type": "TextBlock", "text": markdownEscaped(line), "wrap": true}
		if i == 0 {
			block["weight"] = "Bolder"
		}
		body = append(body, block)
	}
	return m{"type": "message", "attachments": []m{{
		"contentType": "application/vnd.microsoft.card.adaptive",
		"content":     m{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": body},
	}}}
}

// markdownEscaped keeps text from becoming a link or other markup.
func markdownEscaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_[]()<>#|~", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// pagerDuty is an event of the Events API v2: alike ones, of one alert, have one dedup_key.
func (c webChannel) pagerDuty(n Note) any {
	type m = map[string]any
	key, action := n.Alert, "trigger"
	if key == "" {
		key = n.ID
	}
	if n.Sort == Acked {
		action = "acknowledge"
	}
	details := m{"finding": n.Finding, "risk": n.Risk, "hits": n.Hits, "patients": n.Touched}
	if len(n.Lines) > 0 {
		details = m{"lines": n.Lines}
	}
	return m{"routing_key": string(c.secret), "event_action": action, "dedup_key": "tutela-" + key, "payload": m{
		"summary": "Tutela: " + n.Subject(), "source": c.source, "severity": []string{"info", "info", "warning", "warning", "error", "critical"}[n.Level.Severity()],
		"timestamp": n.At.UTC().Format(time.RFC3339Nano), "custom_details": details,
	}}
}
