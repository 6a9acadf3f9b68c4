package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// house is a system with an administrator who invites people and registers applications, as an
// organisation does.
type house struct {
	*system
	admin  *member
	notice chan string // logout tokens that reached an application
	hears  string      // where applications are told of logouts
}

// openHouse starts a system on an engine that holds a few charts.
func openHouse(t *testing.T, engine string) *house {
	t.Helper()
	h := &house{system: newSystem(t, postgresFor(t, engine)), notice: make(chan string, 16)}
	h.listen(t)
	h.start(t)
	h.clean(t, "import", sampleCharts(t, 2))
	me := h.info.Identities["admin"]
	h.admin = &member{visitor: h.visitor(t), username: me.Username, password: me.Password}
	h.admin.otp.scan(t, me.TOTP)
	h.admin.signIn()
	return h
}

// listen is an application's address for back-channel logout, under a certificate that the system's
// machine trusts.
func (h *house) listen(t *testing.T) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.notice <- r.PostFormValue("logout_token")
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(server.Close)
	authorities := filepath.Join(t.TempDir(), "authorities.pem")
	must(t, os.WriteFile(authorities, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	h.env, h.hears = append(h.env, "SSL_CERT_FILE="+authorities), server.URL+"/told"
}

const goodPassword = "seven violet tractors hum"

// invite has the administrator invite a person, who takes the invitation up and is signed in then.
func (h *house) invite(t *testing.T, username, role, fhirUser string) *member {
	t.Helper()
	p := h.admin.send(h.admin.open("/admin/users"), "/admin/users", url.Values{"username": {username}, "role": {role}, "fhiruser": {fhirUser}})
	link, err := url.Parse(p.code(t, "class", "link"))
	must(t, err)
	m := &member{visitor: h.visitor(t), username: username, password: goodPassword}
	p = m.send(m.open(link.Path), "", url.Values{"password": {goodPassword}, "again": {goodPassword}})
	p = m.send(p, "/enrol/totp/new", nil)
	m.otp.scan(t, p.code(t, "id", "secret"))
	if p = m.send(p, "/enrol/totp", url.Values{"code": {m.otp.next(t)}}); p.status != http.StatusOK {
		t.Fatalf("enrolment of %s: %d\n%s", username, p.status, p.text)
	}
	return m
}

// practitioner invites a physician whose own record is there, and who treats everybody.
func (h *house) practitioner(t *testing.T, username string) *member {
	t.Helper()
	own := "Practitioner/" + username
	h.as(t, "loader").want(t, http.StatusCreated, http.MethodPut, "/fhir/r4/"+own,
		`{"resourceType":"Practitioner","id":"`+username+`","name":[{"family":"Independent"}]}`)
	for i, patient := range h.patients(t) {
		id := fmt.Sprintf("%s-%d", username, i)
		h.as(t, "loader").want(t, http.StatusCreated, http.MethodPut, "/fhir/r4/CareTeam/"+id, fmt.Sprintf(
			`{"resourceType":"CareTeam","id":%q,"status":"active","subject":{"reference":"Patient/%s"},"participant":[{"member":{"reference":%q}}]}`, id, patient, own))
	}
	return h.invite(t, username, "physician", own)
}

// patients are the ids of everybody who has a chart.
func (h *house) patients(t *testing.T) []string {
	t.Helper()
	var page struct {
		Entry []struct{ Resource struct{ ID string } }
	}
	must(t, json.Unmarshal(h.as(t, "loader").want(t, http.StatusOK, http.MethodGet, "/fhir/r4/Patient", "").body, &page))
	ids := make([]string, len(page.Entry))
	for i, e := range page.Entry {
		ids[i] = e.Resource.ID
	}
	return ids
}

// application is one as its developers know it.
type application struct {
	ID       string          `json:"id"`
	Secret   string          `json:"secret,omitempty"`
	Redirect string          `json:"redirect,omitempty"`
	Bye      string          `json:"bye,omitempty"`
	Key      json.RawMessage `json:"key,omitempty"`   // private JWK
	Wrong    json.RawMessage `json:"wrong,omitempty"` // private JWK that is not registered
}

// register has the administrator register an application.
func (h *house) register(t *testing.T, form url.Values) application {
	t.Helper()
	p := h.admin.send(h.admin.open("/admin/clients/new"), "/admin/clients", form)
	a := application{Redirect: form.Get("redirects"), Bye: form.Get("postlogout")}
	if p.status == http.StatusCreated {
		a.Secret = p.code(t, "class", "link")
		for n := range p.root.Descendants() {
			if n.Data == "dd" {
				a.ID = n.FirstChild.FirstChild.Data
			}
		}
		return a
	}
	id, ok := strings.CutPrefix(p.at.Path, "/admin/clients/")
	if p.status != http.StatusOK || !ok {
		t.Fatalf("registration ended at %s (%d):\n%s", p.at, p.status, p.text)
	}
	a.ID = id
	return a
}

// keyed registers an application that proves a key.
func (h *house) keyed(t *testing.T, form url.Values, key any) application {
	t.Helper()
	set, private := jwk(t, key)
	form.Set("jwks", set)
	a := h.register(t, form)
	a.Key = private
	_, a.Wrong = jwk(t, newEC(t))
	return a
}

func newEC(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	return k
}

func newRSA(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 3072)
	must(t, err)
	return k
}

// jwk writes a key as a set to register and as what the application keeps.
func jwk(t testing.TB, key any) (set string, private json.RawMessage) {
	t.Helper()
	k := jose.JSONWebKey{Key: key, KeyID: "k1"}
	public, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k.Public()}})
	must(t, err)
	private, err = json.Marshal(k)
	must(t, err)
	return string(public), private
}
