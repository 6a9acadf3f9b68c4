package tracker

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/respond/deliver"
)

// The bounds of a plan.
const (
	maxPlan     = 64 << 10 // bytes
	maxTrackers = 20
	maxLabels   = 10
	minSecret   = 16 // bytes of a callback's secret
	planFormat  = 1
)

// Form is a tracker's maker.
type Form string

// The forms.
const (
	GitHub Form = "github"
	Jira   Form = "jira"
)

// Plan says which trackers there are, and what goes to them. Its zero value has none.
type Plan struct {
	Format   int               `yaml:"version"`
	Console  string            `yaml:"console"` // stands in tickets
	Trackers map[string]Config `yaml:"trackers"`
}

// Config says how a tracker is reached, and what goes to it. Secrets come by file.
type Config struct {
	Form    Form     `yaml:"kind"`
	URL     string   `yaml:"url"`     // of the API, of GitHub https://api.github.com where it is left out; of Jira the site
	Project string   `yaml:"project"` // of GitHub owner/repository, of Jira the project's key
	User    string   `yaml:"user"`    // the account whose token it is: GitHub's login, Jira's address
	Token   string   `yaml:"token_file"`
	Secret  string   `yaml:"secret_file"` // of callbacks; where it is left out, none is taken
	CA      string   `yaml:"ca_file"`     // authorities beside which no others count
	Private bool     `yaml:"private"`     // the address may be one of this machine or a private network
	Labels  []string `yaml:"labels"`

	Type   string `yaml:"type"`   // of Jira's issues; Task where it is left out
	Close  string `yaml:"close"`  // the transition of Jira's workflow that closes; the first that does where it is left out
	Reopen string `yaml:"reopen"` // and the one that opens again

	Findings *When `yaml:"findings"` // which go there; none where it is left out
	Steps    *When `yaml:"steps"`    // of incidents, by their severity
}

// When holds where everything that is set does.
type When struct {
	Level finding.Level `yaml:"level"` // this one and those above it
	Risk  int           `yaml:"risk"`  // of a finding, at least
	Rules []string      `yaml:"rules"` // of findings
}

func (w *When) takes(f finding.Finding) bool {
	return w != nil && f.Level.Severity() >= w.Level.Severity() && f.Risk >= w.Risk && (len(w.Rules) == 0 || slices.Contains(w.Rules, f.Rule))
}

// Parse reads a plan. An unknown key, and what cannot be meant, is an error.
func Parse(text []byte) (*Plan, error) {
	if len(text) > maxPlan {
		return nil, fmt.Errorf("a plan of trackers takes %d bytes at most", maxPlan)
	}
	p := &Plan{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("plan of trackers: %w", err)
	}
	if p.Format != planFormat {
		return nil, fmt.Errorf("plan of trackers: version is %d, and %d is understood", p.Format, planFormat)
	}
	if len(p.Trackers) > maxTrackers {
		return nil, fmt.Errorf("plan of trackers: %d trackers are the most", maxTrackers)
	}
	if p.Console != "" {
		if err := (deliver.Web{Address: p.Console}).Check(); err != nil {
			return nil, fmt.Errorf("plan of trackers: console: %w", err)
		}
	}
	for name, c := range p.Trackers {
		if c.URL == "" && c.Form == GitHub {
			c.URL = "https://api.github.com"
		}
		if c.Type == "" {
			c.Type = "Task"
		}
		c.URL = strings.TrimSuffix(c.URL, "/")
		p.Trackers[name] = c
		if err := c.check(name); err != nil {
			return nil, fmt.Errorf("plan of trackers: %s: %w", name, err)
		}
	}
	return p, nil
}

func (c Config) check(name string) error {
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`).MatchString(name) {
		return errors.New("a tracker's name is small letters, digits and hyphens")
	}
	switch c.Form {
	case GitHub:
		if !repository().MatchString(c.Project) {
			return errors.New("project is an owner and a repository, as acme/security")
		}
	case Jira:
		if !projectKey().MatchString(c.Project) {
			return errors.New("project is a project's key, as SEC")
		}
	default:
		return fmt.Errorf("kind %q is not github or jira", c.Form)
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.RawQuery != "" {
		return errors.New("url is no address without a query")
	}
	if err := (deliver.Web{Address: c.URL}).Check(); err != nil {
		return err
	}
	return c.checkRest()
}

func (c Config) checkRest() error {
	if c.User == "" || c.Token == "" {
		return errors.New("user and token_file say who makes tickets")
	}
	if c.Findings == nil && c.Steps == nil {
		return errors.New("findings or steps say what goes there")
	}
	for _, w := range []*When{c.Findings, c.Steps} {
		if w != nil && (w.Level != "" && w.Level.Severity() == 0 || w.Risk < 0 || w.Risk > 100) {
			return errors.New("level is informational to critical, risk 0 to 100")
		}
	}
	if c.Steps != nil && (c.Steps.Risk != 0 || len(c.Steps.Rules) > 0) {
		return errors.New("steps go by level alone")
	}
	if len(c.Labels) > maxLabels || slices.ContainsFunc(c.Labels, func(l string) bool { return l == "" || len(l) > 50 || strings.ContainsAny(l, " ,\"") }) {
		return fmt.Errorf("labels: %d at most, of 50 characters at most and without spaces", maxLabels)
	}
	return nil
}

// connect makes a remote of a configuration; read gives the content of a file that it names. secret is of callbacks.
func (c Config) connect(read func(string) ([]byte, error), home string) (r remote, secret []byte, err error) {
	token, err := deliver.Secret(read, c.Token)
	if err != nil {
		return nil, nil, err
	}
	if secret, err = deliver.Secret(read, c.Secret); err != nil {
		return nil, nil, err
	}
	if c.Secret != "" && len(secret) < minSecret {
		return nil, nil, fmt.Errorf("%s holds fewer than %d bytes", c.Secret, minSecret)
	}
	at := site{web: deliver.Web{Address: c.URL, Private: c.Private}, header: http.Header{"Accept": {"application/json"}}}
	if c.CA != "" {
		pem, err := deliver.Secret(read, c.CA)
		if err != nil {
			return nil, nil, err
		}
		if at.web.TLS, err = deliver.Trusting(pem); err != nil {
			return nil, nil, err
		}
	}
	if c.Form == Jira {
		at.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.User+":"+string(token))))
		return &jira{site: at, project: c.Project, typ: c.Type, labels: c.Labels, done: c.Close, again: c.Reopen, base: c.URL, home: home}, secret, nil
	}
	at.header = http.Header{"Accept": {"application/vnd.github+json"}, "Authorization": {"Bearer " + string(token)}, "X-Github-Api-Version": {"2022-11-28"}}
	return &github{site: at, project: c.Project, user: c.User, labels: c.Labels, base: readAt(c.URL), home: home}, secret, nil
}

// readAt is where people read what an API of GitHub keeps: github.com, or the host of an Enterprise Server.
func readAt(api string) string {
	if api == "https://api.github.com" {
		return "https://github.com"
	}
	return strings.TrimSuffix(api, "/api/v3")
}
