package tracker_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// site speaks version 3 of Jira Cloud's REST API, as far as Atlassian's documentation says: issues are made from
// fields, found by JQL, and change their status by the transitions that their workflow offers.
type site struct{ board }

func startSite(t *testing.T) *site {
	t.Helper()
	s := &site{board{t: t}}
	s.Server = httptest.NewUnstartedServer(s)
	s.EnableHTTP2 = false // connections are cut
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

type m = map[string]any

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("bot@clinic.example:"+token)) || r.Header.Get("Accept") != "application/json" {
		s.t.Errorf("%s %s is not how Jira wants to be asked", r.Method, r.URL.Path)
	}
	if s.refuses(w, r) {
		return
	}
	path, _ := strings.CutPrefix(r.URL.Path, "/rest/api/3")
	key, isOne := strings.CutPrefix(path, "/issue/SEC-")
	number, moves := strings.CutSuffix(key, "/transitions")
	switch at := r.Method + " " + path; {
	case at == "GET /project/SEC":
		s.say(w, 200, m{"key": "SEC", "id": "10000", "name": "Security"})
	case at == "POST /search/jql":
		s.search(w, r)
	case at == "POST /issue":
		s.make(w, r)
	case isOne && s.find(number) == nil:
		w.WriteHeader(http.StatusNotFound)
	case isOne && moves && r.Method == http.MethodGet:
		s.say(w, 200, m{"transitions": []m{move("11", "Start", "indeterminate"), move("31", "Finish", "done"), move("41", "Start again", "new")}})
	case isOne && moves && r.Method == http.MethodPost:
		s.move(w, r, s.find(number))
	case isOne && r.Method == http.MethodGet:
		s.say(w, 200, m{"id": "1", "key": "SEC-" + number, "fields": m{"status": statusOf(s.find(number).State)}})
	default:
		s.t.Errorf("%s is not documented", at)
	}
}

func (s *site) say(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.t.Error(err)
	}
}

func move(id, name, to string) m {
	return m{"id": id, "name": name, "to": m{"name": name, "statusCategory": m{"key": to}}}
}

func statusOf(state string) m {
	if state == "closed" {
		return m{"name": "Done", "statusCategory": m{"key": "done"}}
	}
	return m{"name": "To Do", "statusCategory": m{"key": "new"}}
}

func (s *site) make(w http.ResponseWriter, r *http.Request) {
	var said struct {
		Fields struct {
			Project     struct{ Key string }
			IssueType   struct{ Name string }
			Summary     string
			Description json.RawMessage
			Labels      []string
		}
	}
	s.read(r, &said)
	f := said.Fields
	if f.Project.Key != "SEC" || f.IssueType.Name != "Task" || f.Summary == "" || len([]rune(f.Summary)) > 255 || strings.Contains(f.Summary, "\n") {
		s.t.Errorf("Jira would not make %+v", f)
	}
	s.document(f.Description)
	i := &posted{Number: len(s.issues) + 1, Title: f.Summary, Body: string(f.Description), State: "open", Labels: f.Labels}
	s.issues = append(s.issues, i)
	if !s.loses(w) {
		s.say(w, 201, m{"id": "10001", "key": fmt.Sprintf("SEC-%d", i.Number), "self": "https://evil.test/rest/api/3/issue/10001"})
	}
}

// document holds a description to the Atlassian Document Format: a doc of version 1, of paragraphs of text.
func (s *site) document(text []byte) {
	var d struct {
		Type    string
		Version int
		Content []struct {
			Type    string
			Content []struct{ Type, Text string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil || d.Type != "doc" || d.Version != 1 {
		s.t.Errorf("no document: %s", text)
	}
	for _, p := range d.Content {
		for _, n := range p.Content {
			if p.Type != "paragraph" || n.Type != "text" || n.Text == "" {
				s.t.Errorf("%+v in %+v", n, p)
			}
		}
	}
}

func (s *site) read(r *http.Request, v any) {
	if err := json.NewDecoder(r.Body).Decode(v); err != nil || r.Header.Get("Content-Type") != "application/json" {
		s.t.Errorf("%s: %v", r.URL.Path, err)
	}
}

func (s *site) search(w http.ResponseWriter, r *http.Request) {
	var said struct {
		JQL        string
		Fields     []string
		MaxResults int
	}
	s.read(r, &said)
	var label string
	if n, err := fmt.Sscanf(said.JQL, `project = "SEC" AND labels = %q ORDER BY created ASC`, &label); n != 1 || err != nil {
		s.t.Errorf("JQL %s", said.JQL)
	}
	list := []m{}
	for _, i := range s.issues {
		if slices.Contains(i.Labels, label) {
			list = append(list, m{"id": "1", "key": fmt.Sprintf("SEC-%d", i.Number), "fields": m{"status": statusOf(i.State)}})
		}
	}
	s.say(w, 200, m{"issues": list, "isLast": true})
}

func (s *site) move(w http.ResponseWriter, r *http.Request, i *posted) {
	var said struct{ Transition struct{ ID string } }
	s.read(r, &said)
	to, known := map[string]string{"11": "open", "31": "closed", "41": "open"}[said.Transition.ID]
	if !known {
		s.t.Errorf("no transition %s", said.Transition.ID)
	}
	i.State = to
	w.WriteHeader(http.StatusNoContent)
}

// tells is the callback by which Jira tells that an issue has changed.
func (s *site) tells(key string, at time.Time) string {
	return fmt.Sprintf(`{"timestamp":%d,"webhookEvent":"jira:issue_updated","issue":{"key":%q,"self":"https://evil.test/","fields":{"summary":"<b>x</b>"}}}`, at.UnixMilli(), key)
}
