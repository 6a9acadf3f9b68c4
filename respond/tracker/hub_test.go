package tracker_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tutela-health/tutela/internal/testkit"
)

// posted is an issue as a tracker of the tests keeps it.
type posted struct {
	Number  int
	Title   string
	Body    string
	State   string
	Why     string
	By      string
	Labels  []string
	Created time.Time
}

// board is what the tests' trackers share. Safe for concurrent use.
type board struct {
	*httptest.Server

	t *testing.T

	mu      sync.Mutex
	issues  []*posted
	status  int      // guarded by mu; answered to everything; 0: what is right
	instead string   // guarded by mu; said in place of a made issue
	cut     int      // guarded by mu; so many issues are made and their answers lost
	asked   []string // guarded by mu
}

// PEM is its certificate, which is its own authority.
func (b *board) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.Certificate().Raw})
}

// change has somebody there do something.
func (b *board) change(f func(b *board)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(b)
}

// list is a copy of the issues.
func (b *board) list() []posted {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []posted
	for _, i := range b.issues {
		list = append(list, *i)
	}
	return list
}

// count is how many requests of a kind came.
func (b *board) count(prefix string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.asked {
		if strings.HasPrefix(a, prefix) {
			n++
		}
	}
	return n
}

// refuses notes a request and reports whether it was answered. The caller holds mu.
func (b *board) refuses(w http.ResponseWriter, r *http.Request) bool {
	b.asked = append(b.asked, r.Method+" "+r.URL.Path)
	if b.status == 0 {
		return false
	}
	w.Header().Set("Location", "https://127.0.0.1:1/elsewhere")
	w.WriteHeader(b.status)
	_, _ = w.Write([]byte(`{"message":"<script>words of theirs</script>"}`))
	return true
}

// loses cuts the connection in place of the answer that an issue is made, as often as it was told to, or says
// something else. The caller holds mu.
func (b *board) loses(w http.ResponseWriter) bool {
	if b.instead != "" {
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(b.instead))
		return true
	}
	if b.cut == 0 {
		return false
	}
	b.cut--
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		b.t.Error(err)
		return true
	}
	_ = conn.Close()
	return true
}

func (b *board) find(number string) *posted {
	n, _ := strconv.Atoi(number)
	for _, i := range b.issues {
		if i.Number == n {
			return i
		}
	}
	return nil
}

// hub speaks GitHub's REST API, as far as GitHub's own description says: each request and each answer is held to it.
type hub struct {
	board

	d     *testkit.Description
	clock *testkit.Clock
}

func startHub(t *testing.T, clock *testkit.Clock) *hub {
	t.Helper()
	h := &hub{board: board{t: t}, d: testkit.DescribedGitHub(t), clock: clock}
	h.Server = httptest.NewUnstartedServer(h)
	h.EnableHTTP2 = false // connections are cut
	h.StartTLS()
	t.Cleanup(h.Close)
	return h
}

const (
	aRepo  = "/repos/{owner}/{repo}"
	issues = aRepo + "/issues"
	one    = issues + "/{issue_number}"
)

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("X-GitHub-Api-Version") != "2022-11-28" || r.Header.Get("Accept") != "application/vnd.github+json" || r.Header.Get("User-Agent") == "" {
		h.t.Errorf("%s %s is not how GitHub wants to be asked", r.Method, r.URL.Path)
	}
	if h.refuses(w, r) {
		return
	}
	rest, ours := strings.CutPrefix(r.URL.Path, "/repos/clinic/security")
	number, isOne := strings.CutPrefix(rest, "/issues/")
	switch {
	case !ours:
		w.WriteHeader(http.StatusNotFound)
	case rest == "" && r.Method == http.MethodGet:
		h.answer(w, r, aRepo, 200, func(v map[string]any) { v["has_issues"], v["archived"] = true, false })
	case rest == "/issues" && r.Method == http.MethodGet:
		h.search(w, r)
	case rest == "/issues" && r.Method == http.MethodPost:
		h.make(w, r)
	case isOne && h.find(number) == nil:
		w.WriteHeader(http.StatusNotFound)
	case isOne && r.Method == http.MethodGet:
		h.show(w, r, 200, h.find(number))
	case isOne && r.Method == http.MethodPatch:
		h.patch(w, r, h.find(number))
	default:
		h.t.Errorf("%s %s is not documented", r.Method, r.URL.Path)
	}
}

// body reads what a request says, and holds it to the description.
func (h *hub) body(r *http.Request, path string) map[string]any {
	var said map[string]any
	if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
		h.t.Error(err)
	}
	if why := h.d.Undocumented(h.d.Asks(strings.ToLower(r.Method), path), said, nil); why != "" {
		h.t.Errorf("%s %s: %s", r.Method, path, why)
	}
	return said
}

func (h *hub) make(w http.ResponseWriter, r *http.Request) {
	said := h.body(r, issues)
	i := &posted{Number: len(h.issues) + 1, Title: said["title"].(string), Body: said["body"].(string), State: "open", By: "tutela-bot", Created: h.clock.Now()}
	h.issues = append(h.issues, i)
	if !h.loses(w) {
		h.show(w, r, 201, i)
	}
}

func (h *hub) patch(w http.ResponseWriter, r *http.Request, i *posted) {
	said := h.body(r, one)
	i.State, i.Why = said["state"].(string), said["state_reason"].(string)
	h.show(w, r, 200, i)
}

// search gives issues as the description has it: of a creator, the newest first, by page.
func (h *hub) search(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if why := h.d.Takes(issues, r); why != "" {
		h.t.Error(why)
	}
	if q.Get("state") != "all" || q.Get("sort") != "created" || q.Get("direction") != "desc" {
		h.t.Errorf("a search for %v: the tests' tracker does not know that", q)
	}
	per, _ := strconv.Atoi(q.Get("per_page"))
	page, _ := strconv.Atoi(q.Get("page"))
	list := []any{}
	for n := len(h.issues) - 1; n >= 0; n-- {
		if i := h.issues[n]; strings.EqualFold(i.By, q.Get("creator")) {
			list = append(list, h.issue(i))
		}
	}
	from := min((page-1)*per, len(list))
	if err := json.NewEncoder(w).Encode(list[from:min(from+per, len(list))]); err != nil {
		h.t.Error(err)
	}
}

// issue is one as GitHub's example has it.
func (h *hub) issue(i *posted) map[string]any {
	example, schema := h.d.Answer(h.t, "post", issues, "201")
	v := clone(h.t, example)
	v["number"], v["title"], v["body"], v["state"], v["created_at"] = i.Number, i.Title, i.Body, i.State, i.Created.Format(time.RFC3339)
	v["user"].(map[string]any)["login"] = i.By
	delete(v, "pull_request")
	if why := h.d.Undocumented(schema, v, example); why != "" {
		h.t.Error(why)
	}
	return v
}

func (h *hub) show(w http.ResponseWriter, _ *http.Request, status int, i *posted) {
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(h.issue(i)); err != nil {
		h.t.Error(err)
	}
}

func (h *hub) answer(w http.ResponseWriter, r *http.Request, path string, status int, edit func(map[string]any)) {
	example, _ := h.d.Answer(h.t, strings.ToLower(r.Method), path, strconv.Itoa(status))
	v := clone(h.t, example)
	edit(v)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		h.t.Error(err)
	}
}

func clone(t *testing.T, v any) (m map[string]any) {
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		t.Error(err)
	}
	return m
}

// tells is the callback by which GitHub tells that an issue has changed, with addresses that nobody is to follow.
func (h *hub) tells(action, number string) string {
	return fmt.Sprintf(`{"action":%q,"issue":{"number":%s,"state":"closed","updated_at":%q,"url":"https://127.0.0.1:1/evil","html_url":"https://evil.test/","title":"<img src=x onerror=alert(1)>"},"repository":{"full_name":"clinic/security"},"sender":{"login":"eve"}}`,
		action, number, h.clock.Now().UTC().Format(time.RFC3339))
}
