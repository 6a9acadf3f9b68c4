package alert

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/respond/deliver"
)

// Form is how a channel is spoken to.
type Form string

// The forms.
const (
	SMTP      Form = "smtp"
	Webhook   Form = "webhook"
	Slack     Form = "slack"
	Teams     Form = "teams"
	PagerDuty Form = "pagerduty"
	Syslog    Form = "syslog"
)

// ChannelConfig says how a channel is reached. Secrets come by file; an address that is a secret, as Slack's and
// Teams's are, too.
type ChannelConfig struct {
	Form    Form   `yaml:"kind"`
	URL     string `yaml:"url"`      // of an HTTPS channel
	URLFile string `yaml:"url_file"` // or the file that holds it
	Secret  string `yaml:"secret_file"`
	CA      string `yaml:"ca_file"` // authorities beside which no others count
	Private bool   `yaml:"private"` // the address may be one of this machine or a private network

	Server   string   `yaml:"server"` // of mail and syslog: host and port
	TLS      string   `yaml:"tls"`    // of mail: starttls, as when it is left out, or implicit
	From     string   `yaml:"from"`
	To       []string `yaml:"to"`
	User     string   `yaml:"user"`
	Password string   `yaml:"password_file"`
}

func (c ChannelConfig) check() error {
	switch c.Form {
	case SMTP:
		if c.TLS != "" && c.TLS != "starttls" && c.TLS != "implicit" {
			return errors.New("tls is starttls or implicit")
		}
		return deliver.Mail{Server: c.Server, From: c.From, To: c.To}.Check()
	case Syslog:
		if _, _, err := net.SplitHostPort(c.Server); err != nil {
			return errors.New("server is no host and port")
		}
		return nil
	case Webhook, PagerDuty:
		if c.Secret == "" {
			return errors.New("secret_file is missing")
		}
	case Slack, Teams:
	default:
		return fmt.Errorf("kind %q is not smtp, webhook, slack, teams, pagerduty or syslog", c.Form)
	}
	if (c.URL == "") == (c.URLFile == "") && c.Form != PagerDuty {
		return errors.New("name url or url_file")
	}
	if c.URL != "" {
		return deliver.Web{Address: c.URL}.Check()
	}
	return nil
}

// sender hands a note to a channel.
type sender interface {
	// send MUST succeed only when the channel has taken the note.
	send(ctx context.Context, n Note) error
}

// open makes a channel of its configuration; read gives the content of a file that it names.
func (c ChannelConfig) open(read func(string) ([]byte, error), node string, now clock.Clock) (sender, error) {
	secured, err := c.secured(read)
	if err != nil {
		return nil, err
	}
	secret, err := deliver.Secret(read, c.Secret)
	if err != nil {
		return nil, err
	}
	switch c.Form {
	case SMTP:
		password, err := deliver.Secret(read, c.Password)
		return mailChannel{deliver.Mail{
			Server: c.Server, Implicit: c.TLS == "implicit", TLS: secured, From: c.From, To: c.To, User: c.User, Password: password,
		}}, err
	case Syslog:
		return syslogChannel{deliver.Syslog{Address: c.Server, TLS: secured}, node}, nil
	case Webhook, Slack, Teams, PagerDuty:
	}
	address, err := deliver.Secret(read, c.URLFile)
	if err != nil {
		return nil, err
	}
	web := deliver.Web{Address: c.URL + string(address), TLS: secured, Private: c.Private}
	if web.Address == "" {
		web.Address = pagerDutyEvents
	}
	if err := web.Check(); err != nil {
		return nil, err
	}
	return webChannel{web: web, form: c.Form, secret: secret, source: node, clock: now}, nil
}

func (c ChannelConfig) secured(read func(string) ([]byte, error)) (*tls.Config, error) {
	if c.CA == "" {
		return nil, nil //nolint:nilnil // the machine's authorities
	}
	pem, err := deliver.Secret(read, c.CA)
	if err != nil {
		return nil, err
	}
	return deliver.Trusting(pem)
}

type mailChannel struct{ mail deliver.Mail }

func (c mailChannel) send(ctx context.Context, n Note) error {
	return c.mail.Send(ctx, deliver.Letter{ID: n.ID, Subject: "Tutela: " + n.Subject(), Text: n.Text(), At: n.At, Urgent: n.Level.Severity() >= 4})
}

type syslogChannel struct {
	log  deliver.Syslog
	node string
}

func (c syslogChannel) send(ctx context.Context, n Note) error {
	return c.log.Send(ctx, []deliver.Message{{
		Severity: severity(n), At: n.At, Host: c.node, App: "tutela", ID: "alert." + string(n.Sort), Text: n.Subject(),
		Data: map[string]string{"id": n.ID, "alert": n.Alert, "finding": n.Finding, "level": string(n.Level)},
	}})
}

// severity is a level as syslog has it (RFC 5424, 6.2.1).
func severity(n Note) int {
	return []int{6, 6, 5, 4, 3, 2}[n.Level.Severity()]
}
