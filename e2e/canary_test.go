package e2e_test

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// aviary makes canaries and remembers them.
type aviary struct{ needles []needle }

// canary is a text that occurs nowhere else, fit for an id, a name and an address.
func (a *aviary) canary(label string) string {
	text := "Canary-" + rand.Text()[:16]
	a.needles = append(a.needles, needle{"canary: " + label, text})
	return text
}

// plant puts a canary into every kind of place that a caller can write to, rightfully or not.
func (a *aviary) plant(t *testing.T, s *system) {
	t.Helper()
	id := a.inRecords(t, s)
	a.inQuestions(t, s, id)
	a.inRefusals(t, s, id)
	a.inMalformedBodies(t, s)
	a.inAddressesAndHeaders(t, s)
	a.inCommands(t, s)
}

// inRecords plants canaries in stored resources and gives the id of the patient.
func (a *aviary) inRecords(t *testing.T, s *system) string {
	t.Helper()
	loader := s.as(t, "loader")
	id := a.canary("Patient.id")
	patient := fmt.Sprintf(`{"resourceType":"Patient","id":%q,
		"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">%s</div>"},
		"extension":[{"url":"http://example.org/e","valueString":%q}],
		"identifier":[{"system":"http://example.org/mrn","value":%q}],
		"name":[{"family":%q,"given":[%q],"text":%q}],"telecom":[{"system":"email","value":%q}],
		"address":[{"line":[%q],"city":%q,"text":%q}],"contact":[{"name":{"family":%q}}]}`,
		id, a.canary("narrative"), a.canary("extension"), a.canary("identifier"), a.canary("family"), a.canary("given"),
		a.canary("name.text"), a.canary("telecom"), a.canary("address.line"), a.canary("city"), a.canary("address.text"),
		a.canary("contact"))
	loader.want(t, http.StatusCreated, "PUT", "/fhir/r4/Patient/"+id, patient)
	replaced := strings.Replace(patient, `"contact"`, fmt.Sprintf(`"birthDate":"1970-01-01","photo":[{"title":%q}],"contact"`, a.canary("newer version")), 1)
	loader.want(t, http.StatusOK, "PUT", "/fhir/r4/Patient/"+id, replaced)

	observation := fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"text":%q},"subject":{"reference":"Patient/%s","display":%q},
		"valueString":%q,"note":[{"text":%q}],"identifier":[{"value":%q}]}`,
		a.canary("code.text"), id, a.canary("display"), a.canary("valueString"), a.canary("note"), a.canary("Observation.identifier"))
	loader.want(t, http.StatusCreated, "POST", "/fhir/r4/Observation", observation)

	gone := a.canary("deleted resource's id")
	loader.want(t, http.StatusCreated, "PUT", "/fhir/r4/Basic/"+gone, fmt.Sprintf(
		`{"resourceType":"Basic","id":%q,"code":{"text":%q},"author":{"display":%q}}`, gone, a.canary("general key"), a.canary("author")))
	loader.want(t, http.StatusNoContent, "DELETE", "/fhir/r4/Basic/"+gone, "")

	other := a.canary("second Patient.id")
	loader.want(t, http.StatusOK, "POST", "/fhir/r4", fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[
		{"fullUrl":"urn:uuid:7d1f8a52-6cf5-4b0c-8b3e-0d9a8f2f1a11","resource":{"resourceType":"Patient","id":%q,"name":[{"family":%q}]},"request":{"method":"PUT","url":"Patient/%s"}},
		{"resource":{"resourceType":"Group","type":"person","actual":true,"name":%q,"member":[{"entity":{"reference":"Patient/%s"}},{"entity":{"reference":"Patient/%s"}}]},
		 "request":{"method":"POST","url":"Group","ifNoneExist":"identifier=%s"}}]}`,
		other, a.canary("family in a Bundle"), other, a.canary("shared resource"), id, other, a.canary("ifNoneExist")))
	return id
}

// inQuestions plants canaries in what is asked.
func (a *aviary) inQuestions(t *testing.T, s *system, id string) {
	t.Helper()
	s.as(t, "loader").want(t, http.StatusCreated, "PUT", "/fhir/r4/CareTeam/canary-team", fmt.Sprintf(
		`{"resourceType":"CareTeam","id":"canary-team","status":"active","subject":{"reference":"Patient/%s"},"participant":[{"member":{"reference":"Practitioner/tryout-physician"}}]}`, id))
	physician := s.as(t, "physician")
	for label, query := range map[string]string{
		"query: name": "Patient?name=", "query: identifier": "Patient?identifier=http://example.org/mrn|",
		"query: city": "Patient?address-city:exact=", "query: chained value": "Observation?subject=Patient/" + id + "&value-string=",
		"query: id": "Patient?_id=",
	} {
		physician.want(t, http.StatusOK, "GET", "/fhir/r4/"+query+a.canary(label), "")
	}
	form := header{"Content-Type", "application/x-www-form-urlencoded"}
	physician.want(t, http.StatusOK, "POST", "/fhir/r4/Patient/_search", "family="+a.canary("POSTed query"), form)
	physician.want(t, http.StatusNotFound, "GET", "/fhir/r4/Patient/"+a.canary("id that is not there"), "")
	physician.want(t, http.StatusOK, "GET", "/fhir/r4/Patient/"+id, "")
	physician.want(t, http.StatusOK, "GET", "/fhir/r4/Patient/"+id+"/_history", "")
	physician.want(t, http.StatusOK, "POST", "/fhir/r4", fmt.Sprintf(`{"resourceType":"Bundle","type":"batch","entry":[
		{"request":{"method":"GET","url":"Patient?name=%s"}},{"request":{"method":"GET","url":"Patient/%s"}}]}`,
		a.canary("query in a batch"), a.canary("id in a batch")))
}

// inRefusals plants canaries in what is refused.
func (a *aviary) inRefusals(t *testing.T, s *system, id string) {
	t.Helper()
	nobody, auditor, billing := s.as(t, ""), s.as(t, "auditor"), s.as(t, "billing")
	auditor.want(t, http.StatusForbidden, "GET", "/fhir/r4/Patient?family="+a.canary("denied query"), "")
	auditor.want(t, http.StatusForbidden, "GET", "/fhir/r4/Patient/"+a.canary("denied id"), "")
	billing.want(t, http.StatusForbidden, "POST", "/fhir/r4/Observation", fmt.Sprintf(
		`{"resourceType":"Observation","status":"final","code":{"text":%q}}`, a.canary("denied body")))
	nobody.want(t, http.StatusUnauthorized, "GET", "/fhir/r4/Patient?family="+a.canary("query of nobody"), "")
	s.as(t, "physician").want(t, http.StatusPreconditionFailed, "PUT", "/fhir/r4/Patient/"+id,
		fmt.Sprintf(`{"resourceType":"Patient","id":%q,"name":[{"family":%q}]}`, id, a.canary("lost update")), header{"If-Match", `W/"99"`})
	liar := s.as(t, "")
	liar.token = "tut_" + a.canary("token")
	liar.want(t, http.StatusUnauthorized, "GET", "/fhir/r4/Patient", "")
}

// inMalformedBodies plants canaries in what cannot be read.
func (a *aviary) inMalformedBodies(t *testing.T, s *system) {
	t.Helper()
	loader := s.as(t, "loader")
	for label, body := range map[string]string{
		"not JSON":        `{"resourceType":"Patient","name":[{"family":"%s"`,
		"unknown element": `{"resourceType":"Patient","%s":true}`,
		"wrong type":      `{"resourceType":"Patient","active":"%s"}`,
		"bad date":        `{"resourceType":"Patient","birthDate":"%s"}`,
		"bad code":        `{"resourceType":"Patient","gender":"%s "}`,
		"duplicate key":   `{"resourceType":"Patient","id":"%[1]s","id":"%[1]s"}`,
		"other type":      `{"resourceType":"%s"}`,
		"invalid UTF-8":   "{\"resourceType\":\"Patient\",\"language\":\"%s\xff\"}",
		"bad narrative":   `{"resourceType":"Patient","text":{"status":"generated","div":"<div>%s<script>"}}`,
	} {
		r, err := loader.send(t.Context(), "POST", "/fhir/r4/Patient", fmt.Sprintf(body, a.canary("malformed: "+label)))
		must(t, err)
		if r.status < 400 || r.status >= 500 {
			t.Errorf("malformed body (%s): status %d, want 4xx", label, r.status)
		}
	}
	loader.want(t, http.StatusBadRequest, "POST", "/fhir/r4", fmt.Sprintf(
		`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"%s","resource":{"resourceType":"Patient","name":[{"family":%q}]},"request":{"method":"POST","url":"Nothing/%s"}}]}`,
		a.canary("fullUrl"), a.canary("refused Bundle"), a.canary("request.url")))
}

// inAddressesAndHeaders plants canaries in the rest of a request.
func (a *aviary) inAddressesAndHeaders(t *testing.T, s *system) {
	t.Helper()
	physician := s.as(t, "physician")
	for label, path := range map[string]string{
		"path outside": "/", "type": "/fhir/r4/", "bad id": "/fhir/r4/Patient/%20", "operation": "/fhir/r4/Patient/$",
		"version": "/fhir/r4/Patient/x/_history/", "tile": "/ledger/tile/", "parameter": "/fhir/r4/Patient?",
		"modifier": "/fhir/r4/Patient?name:", "page": "/fhir/r4/Patient?_page=", "ledger query": "/api/v1/ledger/entries?from=",
	} {
		if _, err := physician.send(t.Context(), "GET", path+a.canary("address: "+label), ""); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{
		"User-Agent", "X-Request-Id", "Prefer", "If-None-Exist", "If-Match", "If-None-Match", "Accept", "Accept-Language",
		"Cookie", "Referer", "X-Forwarded-For", "Traceparent", "Content-Type", "Content-Encoding", "Origin",
	} {
		if _, err := physician.send(t.Context(), "POST", "/fhir/r4/Patient", `{"resourceType":"Patient"`, header{name, a.canary("header " + name)}); err != nil {
			t.Error(err)
		}
	}
	if _, err := physician.send(t.Context(), a.canary("method"), "/fhir/r4/Patient", ""); err != nil {
		t.Error(err)
	}
	a.inHandshake(t, s)
}

// inHandshake plants canaries below HTTP: as a server name, and as bytes that are no TLS at all.
func (a *aviary) inHandshake(t *testing.T, s *system) {
	t.Helper()
	address := strings.TrimPrefix(s.info.URL, "https://")
	dialer := tls.Dialer{NetDialer: &net.Dialer{}, Config: &tls.Config{ServerName: a.canary("server name"), MinVersion: tls.VersionTLS12}}
	if conn, err := dialer.DialContext(t.Context(), "tcp", address); err == nil {
		t.Errorf("a certificate for any name: %v", conn.Close())
	}
	conn, err := dialer.NetDialer.DialContext(t.Context(), "tcp", address)
	must(t, err)
	_, err = fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: %s\r\n\r\n", a.canary("plain HTTP"), a.canary("plain host"))
	must(t, err)
	must(t, conn.Close())
}

// inCommands plants canaries through the command line.
func (a *aviary) inCommands(t *testing.T, s *system) {
	t.Helper()
	s.clean(t, "audit", "search", "--patient", a.canary("audit search --patient"), "--actor", a.canary("audit search --actor"))
	if r := s.run(t, "audit", "prove", a.canary("audit prove")); r.code != 2 {
		t.Errorf("proof of an entry that is not there: exit %d: %s%s", r.code, r.out, r.err)
	}
	if r := s.run(t, "token", "--as", a.canary("token --as")); r.code != 2 {
		t.Errorf("token of nobody: exit %d: %s%s", r.code, r.out, r.err)
	}
}
