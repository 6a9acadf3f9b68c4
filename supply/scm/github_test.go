package scm_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/scm"
)

const token = "a-token-of-the-test"

// The paths that a scan asks for, as GitHub writes them.
const (
	repo       = "/repos/{owner}/{repo}"
	branch     = repo + "/rules/branches/{branch}"
	classic    = repo + "/branches/{branch}/protection"
	ruleset    = repo + "/rulesets/{ruleset_id}"
	people     = repo + "/collaborators"
	activity   = repo + "/activity"
	members    = "/orgs/{org}/members"
	org        = "/orgs/{org}"
	deployKeys = repo + "/keys"
	workflows  = repo + "/actions/permissions/workflow"
	hooks      = repo + "/hooks"
)

func paths() []string {
	return []string{classic, branch, ruleset, people, activity, members, org, deployKeys, workflows, hooks, repo}
}

// hub answers as GitHub documents that it does: with its own examples, changed in what it documents.
type hub struct {
	t       *testing.T
	d       *testkit.Description
	answers map[string]func(r *http.Request) any
	status  map[string]int
}

// guarded is a repository of an organisation that leaves nothing to wish for.
func guarded(t *testing.T) *hub {
	h := &hub{t: t, d: testkit.DescribedGitHub(t), answers: map[string]func(*http.Request) any{}, status: map[string]int{}}
	h.set(repo, func(v map[string]any) {
		v["owner"].(map[string]any)["type"] = "Organization"
		v["permissions"] = map[string]any{"pull": true, "push": true, "admin": true}
		on := map[string]any{"status": "enabled"}
		v["security_and_analysis"] = map[string]any{"secret_scanning": on, "secret_scanning_push_protection": on, "dependabot_security_updates": on}
	})
	h.give(branch, rules(map[string]any{"required_approving_review_count": 2.0, "dismiss_stale_reviews_on_push": true}))
	h.status[classic] = http.StatusNotFound
	h.set(ruleset, func(v map[string]any) { v["bypass_actors"] = []any{} })
	h.answers[people] = func(r *http.Request) any {
		if r.URL.Query().Get("affiliation") == "outside" {
			return []any{}
		}
		return []any{h.person(people, "ada", "admin"), h.person(people, "ben", "push"), h.person(people, "eve", "pull")}
	}
	h.answers[members] = func(r *http.Request) any {
		if r.URL.Query().Get("filter") == "2fa_disabled" {
			return []any{h.person(members, "ben", "")}
		}
		return []any{h.person(members, "ada", ""), h.person(members, "bob", "")}
	}
	example, _ := h.d.Answer(t, "get", activity, "200")
	h.give(activity, example)
	h.set(org, func(v map[string]any) { v["two_factor_requirement_enabled"] = true })
	example, _ = h.d.Answer(t, "get", deployKeys, "200")
	h.give(deployKeys, example) // read only
	h.set(workflows, func(v map[string]any) { v["can_approve_pull_request_reviews"] = false })
	example, _ = h.d.Answer(t, "get", hooks, "200")
	h.give(hooks, example)
	return h
}

// rules are those of a branch that wants reviews and checks, and stays as it is.
func rules(review map[string]any, without ...string) []any {
	var list []any
	for _, kind := range []string{"pull_request", "required_status_checks", "deletion", "non_fast_forward"} {
		r := map[string]any{"type": kind, "ruleset_source_type": "Repository", "ruleset_source": "clinic/portal", "ruleset_id": 42.0}
		if kind == "pull_request" {
			r["parameters"] = review
		}
		if !slices.Contains(without, kind) {
			list = append(list, r)
		}
	}
	return list
}

// give answers a path with a value that its documentation allows.
func (h *hub) give(path string, value any) {
	h.t.Helper()
	example, schema := h.d.Answer(h.t, "get", path, "200")
	if why := h.d.Undocumented(schema, value, example); why != "" {
		h.t.Fatalf("%s never answers so: %s", path, why)
	}
	h.answers[path] = func(*http.Request) any { return value }
}

// set changes the official example.
func (h *hub) set(path string, change func(map[string]any)) {
	h.t.Helper()
	example, _ := h.d.Answer(h.t, "get", path, "200")
	value := copied(h.t, example).(map[string]any)
	change(value)
	h.give(path, value)
}

// person is the official example of somebody, with a name and a right of their own.
func (h *hub) person(path, login, right string) any {
	example, _ := h.d.Answer(h.t, "get", path, "200")
	p := copied(h.t, example).([]any)[0].(map[string]any)
	p["login"] = login
	if right != "" {
		p["permissions"] = map[string]any{"pull": true, "triage": right != "pull", "push": right != "pull", "maintain": right == "admin", "admin": right == "admin"}
	}
	return p
}

func copied(t *testing.T, v any) (c any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// pathOf finds which documented path a request is for.
func pathOf(url string) string {
	for _, p := range paths() {
		want, got := strings.Split(p, "/"), strings.Split(url, "/")
		if len(want) == len(got) && !slices.ContainsFunc(want, func(w string) bool {
			i := slices.Index(want, w)
			return !strings.HasPrefix(w, "{") && w != got[i]
		}) {
			return p
		}
	}
	return ""
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := pathOf(r.URL.Path)
	switch {
	case path == "":
		h.t.Errorf("a scan asks for %s, which is not documented", r.URL.Path)
	case r.Method != http.MethodGet || r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("X-GitHub-Api-Version") == "" || r.Header.Get("User-Agent") == "":
		h.t.Errorf("%s %s is not how GitHub wants to be asked: %v", r.Method, r.URL.Path, r.Header)
	default:
		if why := h.d.Takes(path, r); why != "" {
			h.t.Error(why)
		}
	}
	if status := h.status[path]; status != 0 {
		w.WriteHeader(status)
		return
	}
	if err := json.NewEncoder(w).Encode(h.answers[path](r)); err != nil {
		h.t.Error(err)
	}
}

// scan asks the hub.
func (h *hub) scan() supply.Result {
	h.t.Helper()
	s := httptest.NewTLSServer(h)
	defer s.Close()
	g := scm.GitHub{Repository: "clinic/portal", Token: token, API: s.URL, Transport: s.Client().Transport}
	r, err := g.Scan(h.t.Context(), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func ids(r supply.Result) []string {
	list := []string{}
	for _, f := range r.Findings {
		list = append(list, strings.TrimPrefix(f.Rule.ID, "scm."))
	}
	slices.Sort(list)
	return list
}

func TestAGuardedRepository(t *testing.T) {
	r := guarded(t).scan()
	if len(r.Findings) > 0 || len(r.Checked.Failed) > 0 || r.Checked.Blind != "" {
		t.Errorf("%+v", r)
	}
	want := "master needs 2 approvals; administered by ada; pushed to by ada, ben; owned by ada, bob"
	if d := cmp.Diff(want, r.Checked.Detail); d != "" {
		t.Error(d)
	}
}

// Each thing that a repository may lack is found, and nothing else with it.
func TestWhatIsNotGuarded(t *testing.T) {
	review := map[string]any{"required_approving_review_count": 1.0, "dismiss_stale_reviews_on_push": true}
	protection := func(change func(map[string]any)) func(*hub) {
		return func(h *hub) {
			h.give(branch, []any{})
			delete(h.status, classic)
			h.set(classic, func(v map[string]any) {
				v["allow_deletions"], v["allow_force_pushes"] = map[string]any{"enabled": false}, map[string]any{"enabled": false}
				change(v)
			})
		}
	}
	for name, tc := range map[string]struct {
		change func(*hub)
		want   []string
	}{
		"nothing at all":     {func(h *hub) { h.give(branch, []any{}) }, []string{"deletable-branch", "no-checks", "no-review", "rewritable-history"}},
		"no approval":        {func(h *hub) { h.give(branch, rules(map[string]any{"required_approving_review_count": 0.0})) }, []string{"no-review"}},
		"no pull request":    {func(h *hub) { h.give(branch, rules(review, "pull_request")) }, []string{"no-review"}},
		"stale approval":     {func(h *hub) { h.give(branch, rules(map[string]any{"required_approving_review_count": 1.0})) }, []string{"stale-approval"}},
		"deletable":          {func(h *hub) { h.give(branch, rules(review, "deletion")) }, []string{"deletable-branch"}},
		"force push":         {func(h *hub) { h.give(branch, rules(review, "non_fast_forward")) }, []string{"rewritable-history"}},
		"no checks":          {func(h *hub) { h.give(branch, rules(review, "required_status_checks")) }, []string{"no-checks"}},
		"bypass of rules":    {func(h *hub) { h.set(ruleset, func(map[string]any) {}) }, []string{"bypass"}},
		"protected":          {protection(func(map[string]any) {}), []string{}},
		"admins unprotected": {protection(func(v map[string]any) { v["enforce_admins"].(map[string]any)["enabled"] = false }), []string{"bypass"}},
		"deletion allowed":   {protection(func(v map[string]any) { v["allow_deletions"] = map[string]any{"enabled": true} }), []string{"deletable-branch"}},
		"forcing allowed":    {protection(func(v map[string]any) { v["allow_force_pushes"] = map[string]any{"enabled": true} }), []string{"rewritable-history"}},
		"no reviews":         {protection(func(v map[string]any) { delete(v, "required_pull_request_reviews") }), []string{"no-review"}},
		"no second factor": {func(h *hub) { h.set(org, func(v map[string]any) { v["two_factor_requirement_enabled"] = false }) },
			[]string{"no-second-factor", "without-second-factor"}},
		"wide default": {func(h *hub) { h.set(org, func(v map[string]any) { v["default_repository_permission"] = "write" }) }, []string{"wide-default"}},
		"one owner": {func(h *hub) {
			h.answers[members] = func(*http.Request) any { return []any{h.person(members, "ada", "")} }
		}, []string{"one-owner"}},
		"outsiders": {func(h *hub) {
			all := []any{h.person(people, "ada", "admin"), h.person(people, "out", "push"), h.person(people, "eve", "pull")}
			h.answers[people] = func(*http.Request) any { return all }
		}, []string{"outside-administrator", "outside-push"}},
		"many administrators": {func(h *hub) {
			h.answers[people] = func(r *http.Request) any {
				var all []any
				for i := range 6 {
					all = append(all, h.person(people, fmt.Sprint("admin", i), "admin"))
				}
				if r.URL.Query().Get("affiliation") == "outside" {
					return []any{}
				}
				return all
			}
		}, []string{"many-administrators"}},
		"idle": {func(h *hub) {
			example, _ := h.d.Answer(h.t, "get", activity, "200")
			h.answers[activity] = func(r *http.Request) any {
				if r.URL.Query().Get("actor") == "ben" {
					return []any{}
				}
				return example
			}
		}, []string{"stale-right"}},
		"write key": {func(h *hub) {
			example, _ := h.d.Answer(h.t, "get", deployKeys, "200")
			k := copied(h.t, example)
			k.([]any)[0].(map[string]any)["read_only"] = false
			h.give(deployKeys, k)
		}, []string{"write-key"}},
		"workflows": {func(h *hub) {
			h.set(workflows, func(v map[string]any) {
				v["default_workflow_permissions"], v["can_approve_pull_request_reviews"] = "write", true
			})
		}, []string{"approving-workflows", "wide-workflows"}},
		"hook without TLS": {func(h *hub) { h.hook("url", "http://example.com/hook") }, []string{"open-hook"}},
		"hook unchecked":   {func(h *hub) { h.hook("insecure_ssl", "1") }, []string{"open-hook"}},
		"not scanned": {func(h *hub) {
			value := h.answers[repo](nil).(map[string]any)
			value["security_and_analysis"].(map[string]any)["secret_scanning"] = map[string]any{"status": "disabled"}
			h.give(repo, value)
		}, []string{"not-scanned"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := guarded(t)
			tc.change(h)
			r := h.scan()
			if d := cmp.Diff(tc.want, ids(r)); d != "" || len(r.Checked.Failed) > 0 {
				t.Errorf("failed %q\n%s", r.Checked.Failed, d)
			}
			for _, f := range r.Findings {
				if f.Place.Path != "github:clinic/portal" || strings.Contains(f.Message, "example.com") {
					t.Errorf("%+v", f)
				}
			}
		})
	}
}

func (h *hub) hook(key string, value any) {
	example, _ := h.d.Answer(h.t, "get", hooks, "200")
	k := copied(h.t, example)
	k.([]any)[0].(map[string]any)["config"].(map[string]any)[key] = value
	h.give(hooks, k)
}

// Whatever cannot be read is named, and nothing passes for it: with any answer missing, there is one thing more that
// could not be checked, and no finding that is only a guess.
func TestWhatCannotBeReadIsNamed(t *testing.T) {
	for _, path := range paths() {
		for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusFound} {
			h := guarded(t)
			if path == classic {
				h.give(branch, rules(map[string]any{"required_approving_review_count": 1.0}, "deletion")) // what the other may add counts
			}
			h.status[path] = status
			r := h.scan()
			if path == classic && status == http.StatusNotFound {
				if d := cmp.Diff([]string{"deletable-branch", "stale-approval"}, ids(r)); d != "" {
					t.Error(d) // an administrator is told that there is none
				}
				continue
			}
			if len(r.Findings) > 0 || len(r.Checked.Failed) == 0 && r.Checked.Blind == "" {
				t.Errorf("%s answers %d: %d findings, failed %q", path, status, len(r.Findings), r.Checked.Failed)
			}
		}
	}
	for path, hidden := range map[string]func(map[string]any){
		ruleset: func(v map[string]any) { delete(v, "bypass_actors") },
		org:     func(v map[string]any) { delete(v, "two_factor_requirement_enabled") },
		repo:    func(v map[string]any) { v["owner"].(map[string]any)["type"] = "Organization" },
	} {
		h := guarded(t)
		h.set(path, hidden)
		if r := h.scan(); len(r.Checked.Failed) == 0 || len(r.Findings) > 0 {
			t.Errorf("%s leaves something out: %d findings, failed %q", path, len(r.Findings), r.Checked.Failed)
		}
	}
}

// To somebody who is no administrator, a branch without older protection looks like one whose protection is hidden.
func TestHiddenProtectionIsNoFinding(t *testing.T) {
	h := guarded(t)
	value := h.answers[repo](nil).(map[string]any)
	value["permissions"] = map[string]any{"pull": true}
	h.give(repo, value)
	h.give(branch, []any{})
	if r := h.scan(); len(r.Findings) > 0 || len(r.Checked.Failed) != 4 {
		t.Errorf("%v, failed %q", ids(r), r.Checked.Failed)
	}
}

// People beyond the first page count.
func TestAllPagesAreRead(t *testing.T) {
	h := guarded(t)
	var all []any
	for i := range 150 {
		all = append(all, h.person(people, fmt.Sprintf("p%03d", i), "pull"))
	}
	all = append(all, h.person(people, "last", "admin"))
	h.answers[people] = func(r *http.Request) any {
		if r.URL.Query().Get("affiliation") == "outside" {
			return []any{}
		}
		if r.URL.Query().Get("page") == "2" {
			return all[100:]
		}
		return all[:100]
	}
	if r := h.scan(); !strings.Contains(r.Checked.Detail, "administered by last") {
		t.Errorf("%s", r.Checked.Detail)
	}
}

// A redirect to another host is not followed: the token is for GitHub alone. Answers without end, and what is no JSON, end.
func TestHostileAnswers(t *testing.T) {
	asked := 0
	thief := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer thief.Close()
	for name, answer := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, thief.URL, http.StatusMovedPermanently)
		},
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"without end": func(w http.ResponseWriter, _ *http.Request) {
			for range 9 << 10 {
				fmt.Fprint(w, strings.Repeat(" ", 1<<10))
			}
		},
	} {
		s := httptest.NewTLSServer(answer)
		r, err := scm.GitHub{Repository: "clinic/portal", Token: token, API: s.URL, Transport: s.Client().Transport}.Scan(t.Context(), nil)
		s.Close()
		if err != nil || r.Checked.Blind == "" || len(r.Findings) > 0 {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
	if asked > 0 {
		t.Error("a redirect led to another host")
	}
	for _, name := range []string{"", "clinic", "clinic/portal/x", "a/b?c", "../x"} {
		if (scm.GitHub{Repository: name}).Check() == nil && name != "../x" {
			t.Errorf("%q is taken for a repository", name)
		}
	}
	if (scm.GitHub{Repository: "a/b", API: "http://api.example"}).Check() == nil {
		t.Error("a token would travel without TLS")
	}
}
