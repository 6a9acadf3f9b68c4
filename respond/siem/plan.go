package siem

import (
	"bytes"
	"errors"
	"fmt"
	"net"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela/respond/deliver"
)

// Form is how a target is spoken to.
type Form string

// The forms.
const (
	Syslog  Form = "syslog"  // RFC 5424 over TLS
	HTTPS   Form = "https"   // a line an event
	Splunk  Form = "splunk"  // HTTP Event Collector
	Elastic Form = "elastic" // _bulk of Elasticsearch and OpenSearch
	OTLP    Form = "otlp"    // OTLP/HTTP logs, in JSON
	Azure   Form = "azure"   // Azure Monitor's Logs Ingestion API
)

// Text is what a line of syslog or HTTPS holds.
type Text string

// The texts.
const (
	OCSF Text = "ocsf"
	CEF  Text = "cef"
)

// TargetConfig says how a target is reached. Secrets come by file.
type TargetConfig struct {
	Form    Form   `yaml:"kind"`
	URL     string `yaml:"url"`
	Server  string `yaml:"server"` // of syslog: host and port
	Text    Text   `yaml:"format"` // of syslog and https: ocsf, as when it is left out, or cef
	Secret  string `yaml:"secret_file"`
	CA      string `yaml:"ca_file"` // authorities beside which no others count
	Private bool   `yaml:"private"` // the address may be one of this machine or a private network
	Index   string `yaml:"index"`   // of Splunk and Elastic
	From    string `yaml:"from"`    // now, as when it is left out, or beginning: where a new target begins

	Login  string `yaml:"login"`  // of Azure: where tokens come from, https://login.microsoftonline.com where it is left out
	Tenant string `yaml:"tenant"` // of Azure
	Client string `yaml:"client"` // of Azure
}

// Plan says where the ledger goes.
type Plan struct {
	Format  int                     `yaml:"version"`
	Targets map[string]TargetConfig `yaml:"targets"`
}

// The bounds of a plan.
const (
	planFormat = 1
	maxPlan    = 256 << 10
	maxTargets = 50
)

// Parse reads a plan. An unknown key, and what cannot be meant, is an error.
func Parse(text []byte) (*Plan, error) {
	if len(text) > maxPlan {
		return nil, fmt.Errorf("a plan of export takes %d bytes at most", maxPlan)
	}
	p := &Plan{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("plan of export: %w", err)
	}
	if p.Format != planFormat || len(p.Targets) > maxTargets {
		return nil, fmt.Errorf("plan of export: version is %d, and %d is understood; %d targets are the most", p.Format, planFormat, maxTargets)
	}
	for name, t := range p.Targets {
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("plan of export: target %s: %w", name, err)
		}
	}
	return p, nil
}

func (t TargetConfig) check() error {
	if t.Text != "" && t.Text != OCSF && t.Text != CEF {
		return errors.New("format is ocsf or cef")
	}
	if t.From != "" && t.From != "now" && t.From != "beginning" {
		return errors.New("from is now or beginning")
	}
	switch t.Form {
	case Syslog:
		if _, _, err := net.SplitHostPort(t.Server); err != nil {
			return errors.New("server is no host and port")
		}
		return nil
	case Splunk, Elastic:
		if t.Secret == "" {
			return errors.New("secret_file is missing")
		}
	case Azure:
		if t.Secret == "" || t.Tenant == "" || t.Client == "" {
			return errors.New("tenant, client and secret_file are needed")
		}
		if t.Login != "" {
			if err := (deliver.Web{Address: t.Login}).Check(); err != nil {
				return fmt.Errorf("login: %w", err)
			}
		}
	case HTTPS, OTLP:
	default:
		return fmt.Errorf("kind %q is not syslog, https, splunk, elastic, otlp or azure", t.Form)
	}
	return deliver.Web{Address: t.URL}.Check()
}
