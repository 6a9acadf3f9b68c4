package scm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// GitHubAPI is where GitHub answers; an Enterprise Server does at https://HOST/api/v3.
const GitHubAPI = "https://api.github.com"

// GitHub asks how one repository is guarded. It is a supply.TreeScanner that looks at no tree.
type GitHub struct {
	Repository string // OWNER/NAME
	// Token may read the repository's administration, its webhooks and its organisation's members. With
	// less, what it may not read is not checked. Empty asks as anybody.
	Token     string
	API       string            // GitHubAPI when empty
	Transport http.RoundTripper // the default one when nil
}

// Class is scm.
func (GitHub) Class() supply.Class { return supply.SourceControl }

// names are what GitHub takes for an owner and a repository.
var names = regexp.MustCompile(`^([A-Za-z0-9_.-]{1,100})/([A-Za-z0-9_.-]{1,100})$`) //nolint:gochecknoglobals // fixed

// Check reports what is wrong with how the scan is to be made, before anything is asked.
func (g GitHub) Check() error {
	if !names.MatchString(g.Repository) {
		return errors.New("the repository is given as OWNER/NAME")
	}
	u, err := url.Parse(cmp.Or(g.API, GitHubAPI))
	if err != nil || u.Host == "" || u.Scheme != "https" && g.Transport == nil {
		return errors.New("GitHub's API is given as an https address, such as " + GitHubAPI)
	}
	return nil
}

// Scan asks for every setting.
func (g GitHub) Scan(ctx context.Context, _ *supply.Tree) (supply.Result, error) {
	if err := g.Check(); err != nil {
		return supply.Result{}, err
	}
	base, err := url.Parse(cmp.Or(g.API, GitHubAPI))
	if err != nil {
		return supply.Result{}, err
	}
	owner, name, _ := strings.Cut(g.Repository, "/")
	l := &look{client: newClient(base, g.Token, g.Transport), owner: owner, name: name}
	l.checked.Class = supply.SourceControl
	if err := l.get(ctx, &l.repository); err != nil {
		l.checked.Blind = fmt.Sprintf("%s: %v", g.Repository, err)
		return l.result(), ctx.Err()
	}
	for _, ask := range []func(context.Context){l.branch, l.people, l.organisation, l.deployKeys, l.workflows, l.hooks, l.scanning} {
		ask(ctx)
	}
	return l.result(), ctx.Err()
}

// look is one look at a repository.
type look struct {
	*client
	owner, name string
	repository  repository
	found       []supply.Finding
	checked     supply.Checked
	said        []string
	inherited   bool // some of the branch's rules are the organisation's
}

// repository is what GitHub says of it to everybody who may see it. A pointer is nil where GitHub does not say.
type repository struct {
	Branch string `json:"default_branch"`
	Owner  struct {
		Type string `json:"type"`
	} `json:"owner"`
	Mine struct {
		Admin bool `json:"admin"`
	} `json:"permissions"` // the token's own
	Security *struct {
		Secrets *enabled `json:"secret_scanning"`
		Push    *enabled `json:"secret_scanning_push_protection"`
		Updates *enabled `json:"dependabot_security_updates"`
	} `json:"security_and_analysis"`
}

type enabled struct {
	Status string `json:"status"`
}

// get asks for something below the repository.
func (l *look) get(ctx context.Context, into any, parts ...string) error {
	return l.client.get(ctx, into, nil, append([]string{"repos", l.owner, l.name}, parts...)...)
}

// add notes a finding.
func (l *look) add(r supply.Rule, format string, args ...any) {
	l.found = append(l.found, supply.Finding{
		Class: supply.SourceControl, Rule: r, Severity: r.Severity, Message: fmt.Sprintf(format, args...),
		Place: supply.Place{Path: "github:" + l.owner + "/" + l.name},
	})
}

// miss notes what could not be checked.
func (l *look) miss(what string, err error) {
	l.checked.Failed = append(l.checked.Failed, what+": "+err.Error())
}

// say notes what holds, for whoever reads the report.
func (l *look) say(format string, args ...any) { l.said = append(l.said, fmt.Sprintf(format, args...)) }

func (l *look) result() supply.Result {
	l.checked.Detail = strings.Join(l.said, "; ")
	return supply.Result{Findings: l.found, Checked: l.checked}
}

// some names a few of many.
func some(logins []string) string {
	const few = 10
	if len(logins) == 0 {
		return "nobody"
	}
	if len(logins) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(logins[:few], ", "), len(logins)-few)
	}
	return strings.Join(logins, ", ")
}
