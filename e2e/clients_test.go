package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/testkit"
)

// TestIndependentClients has software that others wrote for servers of others do with Tutela what
// it is made for. Scripts and pages are in clients; an administrator of the system has made the
// people and registered the applications that they use.
func TestIndependentClients(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			h := openHouse(t, engine)
			t.Run("openid-client", h.openidClient)
			t.Run("oauth4webapi", h.oauth4webapi)
			t.Run("fhir-kit-client", h.fhirKitClient)
			t.Run("fhirclient", h.fhirclient)
		})
	}
}

const (
	webCallback = "https://web.example/callback"
	webBye      = "https://web.example/bye"
	appCallback = "https://app.example/callback"
)

func (h *house) openidClient(t *testing.T) {
	person := h.practitioner(t, "olga")
	web := h.register(t, url.Values{
		"name": {"Web application"}, "kind": {"secret"}, "redirects": {webCallback}, "postlogout": {webBye}, "logout": {h.hears},
		"scopes": {"openid profile fhirUser offline_access online_access user/Patient.rs"},
	})
	service := h.keyed(t, url.Values{"name": {"Feed"}, "kind": {"service"}, "scopes": {"system/Patient.rs"}}, newEC(t))
	h.converse(t, "openid-client.mjs", person, map[string]any{"web": web, "service": service, "fhirUser": "Practitioner/olga"}, []string{
		"discovery", "code flow with PKCE and a validated id_token", "an answer that names another issuer is not redeemed",
		"a code counts with its verifier only", "userinfo", "the access token opens the FHIR API", "introspection",
		"refresh tokens rotate, and one that comes twice ends all", "revocation", "errors come back to the application",
		"a service proves its key and gets a token of its own", "logout by the application, which is told of it",
	})
}

func (h *house) oauth4webapi(t *testing.T) {
	person := h.practitioner(t, "otto")
	app := h.register(t, url.Values{
		"name": {"Public application"}, "kind": {"public"}, "redirects": {appCallback},
		"scopes": {"openid fhirUser profile offline_access online_access user/Observation.rs"},
	})
	keyed := h.keyed(t, url.Values{
		"name": {"Application with a key"}, "kind": {"keys"}, "redirects": {webCallback}, "scopes": {"openid user/Patient.rs"},
	}, newEC(t))
	service := h.keyed(t, url.Values{"name": {"Resource server"}, "kind": {"service"}, "scopes": {"system/Patient.rs"}}, newRSA(t))
	h.converse(t, "oauth4webapi.mjs", person, map[string]any{"app": app, "keyed": keyed, "service": service, "fhirUser": "Practitioner/otto"}, []string{
		"discovery by both documents", "code flow of a public application", "code flow of an application that proves a key",
		"a code that comes twice ends what came of it", "userinfo of the right subject", "refresh", "introspection by a resource server",
		"revocation", "client credentials under a key",
	})
}

func (h *house) fhirKitClient(t *testing.T) {
	service := h.keyed(t, url.Values{"name": {"Integration"}, "kind": {"service"}, "scopes": {"system/*.cruds"}}, newRSA(t))
	h.converse(t, "fhir-kit-client.mjs", nil, map[string]any{"service": service}, []string{
		"metadata", "SMART metadata", "nothing without a token", "backend services", "create and read", "update, and each version",
		"transaction", "batch", "search with pages, forth and back to the end", "delete",
	})
}

// scriptWithin bounds how long a script may take.
const scriptWithin = 2 * time.Minute

// line is what a script says: that it did a step, or what it needs of the test.
type line struct {
	Did   string `json:"did"`
	Visit string `json:"visit"`
	Wait  string `json:"wait"`
}

// converse runs a script of clients, going where it asks a person to go, and holds it to its steps.
func (h *house) converse(t *testing.T, script string, person *member, given map[string]any, steps []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scriptWithin)
	defer cancel()
	given["issuer"], given["fhir"] = h.info.URL, h.info.FHIR
	if person != nil {
		given["username"] = person.username
	}
	cmd := testkit.UseNode(t).Command(ctx, script)
	cmd.Env = append(cmd.Environ(), "NODE_EXTRA_CA_CERTS="+h.info.CA)
	var errout bytes.Buffer
	cmd.Stderr = &errout
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	say := json.NewEncoder(in)
	must(t, say.Encode(given))
	var did []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var l line
		must(t, json.Unmarshal(lines.Bytes(), &l))
		switch {
		case l.Visit != "":
			must(t, say.Encode(map[string]string{"landed": person.visit(l.Visit)}))
		case l.Wait != "":
			must(t, say.Encode(map[string]string{"token": h.told(ctx, t)}))
		default:
			did = append(did, l.Did)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: %v\n%s\nserver: %s", script, err, errout.Bytes(), h.lastLog())
	}
	if diff := cmp.Diff(steps, did); diff != "" {
		t.Errorf("%s did (-want, +got):\n%s", script, diff)
	}
}

// told gives the next logout token that reached the application.
func (h *house) told(ctx context.Context, t *testing.T) string {
	t.Helper()
	select {
	case token := <-h.notice:
		return token
	case <-ctx.Done():
		t.Error("no logout token came")
		return ""
	}
}
