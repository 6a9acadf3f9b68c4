package siem

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tutela-health/tutela/respond/deliver"
)

// sender hands events to a target.
type sender interface {
	// send MUST succeed only when the target has taken every event.
	send(ctx context.Context, list []Event) error
}

// syslogTarget takes lines of syslog.
type syslogTarget struct {
	log  deliver.Syslog
	text Text
	node string
}

func (t syslogTarget) send(ctx context.Context, list []Event) error {
	out := make([]deliver.Message, len(list))
	for i, e := range list {
		out[i] = deliver.Message{Severity: []int{6, 6, 5, 4, 3, 2}[e.Severity], At: e.At, Host: t.node, App: "tutela", ID: e.Code, Text: e.line(t.text)}
	}
	return t.log.Send(ctx, out)
}

func (e Event) line(t Text) string {
	if t == CEF {
		return e.CEF
	}
	return string(e.OCSF)
}

// webTarget takes requests.
type webTarget struct {
	web    deliver.Web
	config TargetConfig
	secret string
	node   string
	token  func(context.Context) (string, error) // of Azure
}

func (t webTarget) send(ctx context.Context, list []Event) error {
	switch t.config.Form {
	case Splunk:
		return t.splunk(ctx, list)
	case Elastic:
		return t.elastic(ctx, list)
	case OTLP:
		return t.otlp(ctx, list)
	case Azure:
		return t.azure(ctx, list)
	case HTTPS, Syslog:
	}
	var b bytes.Buffer
	for _, e := range list {
		b.WriteString(e.line(t.config.Text) + "\n")
	}
	kind := "application/x-ndjson"
	if t.config.Text == CEF {
		kind = "text/plain; charset=utf-8"
	}
	_, err := t.post(ctx, kind, "Bearer", b.Bytes())
	return err
}

// post sends a compressed body, under the target's secret.
func (t webTarget) post(ctx context.Context, kind, scheme string, body []byte) (deliver.Reply, error) {
	h := http.Header{"Content-Type": {kind}, "Content-Encoding": {"gzip"}}
	if t.secret != "" {
		h.Set("Authorization", scheme+" "+t.secret)
	}
	return t.web.Post(ctx, h, deliver.Zipped(body))
}

// errRefused says that a target answered well and took not everything.
var errRefused = errors.New("the target did not take every event")

// splunk sends objects one after the other, as the HTTP Event Collector takes them; code 0 is success.
func (t webTarget) splunk(ctx context.Context, list []Event) error {
	type hec struct {
		Time   json.Number     `json:"time"` // seconds
		Host   string          `json:"host"`
		Source string          `json:"source"`
		Sort   string          `json:"sourcetype"`
		Index  string          `json:"index,omitempty"`
		Event  json.RawMessage `json:"event"`
		Fields map[string]any  `json:"fields"`
	}
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	for _, e := range list {
		at := json.Number(fmt.Sprintf("%d.%03d", e.At.Unix(), e.At.Nanosecond()/1e6))
		one := hec{at, t.node, "tutela", "ocsf:" + e.Code, t.config.Index, e.OCSF, map[string]any{"tutela_id": e.ID}}
		if err := w.Encode(one); err != nil {
			return err
		}
	}
	reply, err := t.post(ctx, "application/json", "Splunk", b.Bytes())
	if err != nil {
		return err
	}
	var said struct {
		Code *int `json:"code"`
	}
	if json.Unmarshal(reply.Body, &said) != nil || said.Code == nil || *said.Code != 0 {
		return errRefused
	}
	return nil
}

// elastic creates documents under the events' own ids: one that is there already was taken before.
func (t webTarget) elastic(ctx context.Context, list []Event) error {
	var b bytes.Buffer
	for _, e := range list {
		action := map[string]map[string]string{"create": {"_id": e.ID}}
		if t.config.Index != "" {
			action["create"]["_index"] = t.config.Index
		}
		head, err := json.Marshal(action)
		if err != nil {
			return err
		}
		doc, err := json.Marshal(map[string]any{"@timestamp": e.At.Format(time.RFC3339Nano), "ocsf": json.RawMessage(e.OCSF)})
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s\n%s\n", head, doc)
	}
	reply, err := t.post(ctx, "application/x-ndjson", "ApiKey", b.Bytes())
	if err != nil {
		return err
	}
	var said struct {
		Items []map[string]struct {
			Status int `json:"status"`
		} `json:"items"`
	}
	if json.Unmarshal(reply.Body, &said) != nil || len(said.Items) != len(list) {
		return errRefused
	}
	for _, item := range said.Items {
		if s := item["create"].Status; s/100 != 2 && s != http.StatusConflict {
			return errRefused
		}
	}
	return nil
}

// otlp sends log records (OpenTelemetry Protocol, OTLP/HTTP, JSON encoding).
func (t webTarget) otlp(ctx context.Context, list []Event) error {
	type m = map[string]any
	text := func(key, value string) m { return m{"key": key, "value": m{"stringValue": value}} }
	records := make([]m, len(list))
	for i, e := range list {
		nano := strconv.FormatInt(e.At.UnixNano(), 10)
		records[i] = m{
			"timeUnixNano": nano, "observedTimeUnixNano": nano, "severityNumber": []int{9, 9, 10, 13, 17, 21}[e.Severity],
			"body": m{"stringValue": string(e.OCSF)}, "attributes": []m{text("tutela.id", e.ID), text("event.name", "tutela."+e.Code)},
		}
	}
	body, err := json.Marshal(m{"resourceLogs": []m{{
		"resource":  m{"attributes": []m{text("service.name", "tutela"), text("host.name", t.node)}},
		"scopeLogs": []m{{"scope": m{"name": "tutela"}, "logRecords": records}},
	}}})
	if err != nil {
		return err
	}
	reply, err := t.post(ctx, "application/json", "Bearer", body)
	if err != nil {
		return err
	}
	var said struct {
		Partial struct {
			Rejected json.Number `json:"rejectedLogRecords"`
		} `json:"partialSuccess"`
	}
	if len(bytes.TrimSpace(reply.Body)) > 0 && json.Unmarshal(reply.Body, &said) != nil {
		return errRefused
	}
	if n := said.Partial.Rejected; n != "" && n != "0" {
		return errRefused
	}
	return nil
}

// azure sends records to a data collection rule.
func (t webTarget) azure(ctx context.Context, list []Event) error {
	type m = map[string]any
	records := make([]m, len(list))
	for i, e := range list {
		records[i] = m{"TimeGenerated": e.At.Format(time.RFC3339Nano), "EntryId": e.ID, "Code": e.Code, "Event": json.RawMessage(e.OCSF)}
	}
	body, err := json.Marshal(records)
	if err != nil {
		return err
	}
	if t.secret, err = t.token(ctx); err != nil {
		return err
	}
	_, err = t.post(ctx, "application/json", "Bearer", body)
	return err
}

// azureScope is what a token must be for to ingest logs.
const azureScope = "https://monitor.azure.com/.default"

// azureToken gets a token by the client's secret (RFC 6749, 4.4), for each batch anew.
func azureToken(web deliver.Web, client, secret string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {secret}, "scope": {azureScope}}
		reply, err := web.Post(ctx, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode()))
		if err != nil {
			return "", fmt.Errorf("get a token: %w", err)
		}
		var said struct {
			Token string `json:"access_token"`
		}
		if json.Unmarshal(reply.Body, &said) != nil || said.Token == "" {
			return "", errors.New("get a token: the answer holds none")
		}
		return said.Token, nil
	}
}
