package fhir_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/r4"
)

// billed are the elements of what was done that billing sees; what stands in none of them it must not find.
const billed = `id lastUpdated identifier status category code subject encounter class type serviceType priority period
effective performed occurrence issued performer participant serviceProvider location clinicalStatus verificationStatus bodySite
vaccineCode patient recordedDate basedOn partOf diagnosis account quantity supplier`

// measured are two observations that differ in nothing that billing sees.
func measured(t *testing.T, r *rig.Rig) {
	t.Helper()
	r.Put(t, patient("p", "Doe"))
	for id, value := range map[string]string{"low": "1", "high": "9"} {
		r.Put(t, `{"resourceType":"Observation","id":"`+id+`","meta":{"tag":[{"system":"urn:t","code":"t`+value+`"}],"profile":["urn:p`+value+`"]},`+
			`"status":"final","code":{"coding":[{"system":"urn:c","code":"c"}]},"subject":{"reference":"Patient/p"},`+
			`"valueQuantity":{"value":`+value+`,"system":"urn:u","code":"mg"},"method":{"coding":[{"system":"urn:m","code":"m`+value+`"}]},`+
			`"hasMember":[{"reference":"Observation/m`+value+`"}],"derivedFrom":[{"reference":"Observation/d`+value+`"}],`+
			`"component":[{"code":{"coding":[{"system":"urn:c","code":"k`+value+`"}]},"valueQuantity":{"value":`+value+`}}]}`)
		r.Put(t, `{"resourceType":"Observation","id":"m`+value+`","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"}}`)
	}
}

// biller enrolls somebody of the billing office whose token has scopes.
func biller(t *testing.T, r *rig.Rig, name string, scopes ...string) string {
	t.Helper()
	r.Enroll(t, identity.NewUser{Username: name, Kind: tutela.ActorPerson, Roles: []string{string(access.RoleBilling)}, Scopes: scopes, Client: "rig"})
	return name
}

// Billing sees that there was a measurement, and not its value: no question may have an answer that turns on
// the value. Each is asked so that it would find the low one, the high one, or neither.
func TestBillingDoesNotBisectValues(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		measured(t, r)
		as := biller(t, r, "biller", "user/*.cruds")
		for name, ask := range map[string]func(v string) rig.Call{
			"quantity":           func(v string) rig.Call { return get("Observation?value-quantity=" + v) },
			"from a quantity on": func(v string) rig.Call { return get("Observation?value-quantity=ge" + v + "||mg") },
			"lenient":            func(v string) rig.Call { return get("Observation?value-quantity="+v, "Prefer", "handling=lenient") },
			"count":              func(v string) rig.Call { return get("Observation?_summary=count&value-quantity=" + v) },
			"lenient, counted": func(v string) rig.Call {
				return get("Observation?_total=accurate&value-quantity="+v, "Prefer", "handling=lenient")
			},
			"by form": func(v string) rig.Call {
				return post("Observation/_search", "value-quantity="+v, "Content-Type", "application/x-www-form-urlencoded")
			},
			"code and value":        func(v string) rig.Call { return get("Observation?code-value-quantity=urn:c|c$" + v) },
			"component":             func(v string) rig.Call { return get("Observation?component-value-quantity=" + v) },
			"component's code":      func(v string) rig.Call { return get("Observation?component-code=urn:c|k" + v) },
			"either code":           func(v string) rig.Call { return get("Observation?combo-code=urn:c|k" + v) },
			"either value":          func(v string) rig.Call { return get("Observation?combo-value-quantity=" + v) },
			"either code and value": func(v string) rig.Call { return get("Observation?combo-code-value-quantity=urn:c|k" + v + "$" + v) },
			"method":                func(v string) rig.Call { return get("Observation?method=urn:m|m" + v) },
			"not that method":       func(v string) rig.Call { return get("Observation?method:not=urn:m|m" + v) },
			"member":                func(v string) rig.Call { return get("Observation?has-member=Observation/m" + v) },
			"member's include": func(v string) rig.Call {
				return get("Observation?_id=low,high,m" + v + "&_include=Observation:has-member")
			},
			"what has it as a member": func(v string) rig.Call { return get("Observation?_id=m" + v + "&_revinclude=Observation:has-member") },
			"member, chained":         func(v string) rig.Call { return get("Observation?has-member.value-quantity=" + v) },
			"reverse chain":           func(v string) rig.Call { return get("Patient?_has:Observation:subject:value-quantity=" + v) },
			"reverse chain and a tag": func(v string) rig.Call { return get("Patient?_has:Observation:subject:_tag=urn:t|t" + v) },
			"tag":                     func(v string) rig.Call { return get("Observation?_tag=urn:t|t" + v) },
			"profile":                 func(v string) rig.Call { return get("Observation?_profile=urn:p" + v) },
			"filter":                  func(v string) rig.Call { return get("Observation?_filter=value-quantity%20eq%20" + v) },
			"text":                    func(v string) rig.Call { return get("Observation?_text=m" + v) },
			"content":                 func(v string) rig.Call { return get("Observation?_content=m" + v) },
			"sort":                    func(v string) rig.Call { return get("Observation?_sort=value-quantity&_id=low,high,m" + v) },
			"elements":                func(v string) rig.Call { return get("Observation?_elements=valueQuantity&_id=low,high,m" + v) },
			"conditional create": func(v string) rig.Call {
				return post("Observation", observationOf("Patient/p", "x"), "If-None-Exist", "value-quantity="+v)
			},
			"conditional update": func(v string) rig.Call { return put("Observation?value-quantity="+v, observationOf("Patient/p", "x")) },
			"conditional delete": func(v string) rig.Call { return del("Observation?value-quantity=" + v) },
			"conditional reference": func(v string) rig.Call {
				return post("", bundle("transaction", req{method: "POST", url: "Claim", resource: observationOf("Observation?value-quantity="+v, "x")}))
			},
			"in a batch": func(v string) rig.Call {
				return post("", bundle("batch", req{method: "GET", url: "Observation?value-quantity=" + v}, req{method: "DELETE", url: "Observation?value-quantity=" + v}))
			},
			"update": func(v string) rig.Call {
				return put("Observation/low", strings.Replace(observed("low", "p", ""), `"status"`, `"valueQuantity":{"value":`+v+`},"status"`, 1), "Prefer", "return=representation")
			},
			"update of a version": func(v string) rig.Call {
				return put("Observation/low", observed("low", "p", ""), "If-Match", `W/"`+v+`"`)
			},
			"delete of a version": func(v string) rig.Call { return del("Observation/low", "If-Match", `W/"`+v+`"`) },
		} {
			var answers []string
			for _, v := range []string{"1", "9", "5"} {
				a := r.Do(t, asking(as, ask(v)))
				if a.Status < 400 && !strings.HasPrefix(name, "lenient") && name != "in a batch" {
					t.Errorf("%s: %d %s", name, a.Status, a.Body)
				}
				answers = append(answers, http.StatusText(a.Status)+string(a.Body))
			}
			for _, other := range answers[1:] {
				if diff := cmp.Diff(answers[0], other); diff != "" {
					t.Errorf("%s tells what the value is:\n%s", name, diff)
				}
			}
		}
	})
}

// Every search parameter of what billing sees in part, and each modifier of it: one that reads anything that
// is hidden is answered like one that there is not, or not heard at all.
func TestParametersThatReadTheHiddenAreUnknown(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	measured(t, r)
	shown := strings.Fields(billed)
	refused := 0
	for _, typ := range []string{"Encounter", "Procedure", "Observation", "DiagnosticReport", "Immunization", "SupplyDelivery", "Condition"} {
		unknown := r.Get(t, "billing", typ+"?nonsense=1")
		all := string(r.Get(t, "billing", typ).Body)
		for _, p := range r4.Params(typ) {
			for _, modifier := range []string{"", ":missing"} {
				path := typ + "?" + p.Name + modifier + "=" + url.QueryEscape(valueFor(p, modifier))
				a := r.Get(t, "billing", path)
				if !slices.ContainsFunc(p.Branches, func(b *r4.Branch) bool { return !slices.Contains(shown, element(b)) }) {
					if a.Status != http.StatusOK {
						t.Errorf("%s, which is shown: %d", path, a.Status)
					}
					continue
				}
				refused++
				if a.Status != unknown.Status || string(a.Body) != string(unknown.Body) {
					t.Errorf("%s: %d %s", path, a.Status, a.Body)
				}
				if got := r.Do(t, asking("billing", get(path, "Prefer", "handling=lenient"))); got.Status != http.StatusOK || string(got.Body) != all {
					t.Errorf("%s, lenient: %d %s", path, got.Status, got.Body)
				}
			}
		}
	}
	if refused < 100 {
		t.Errorf("only %d were refused", refused)
	}
}

// element is the first element below the resource that a branch reads; of meta, the second.
func element(b *r4.Branch) string {
	steps := strings.Split(b.Key(), ".")
	name := steps[1]
	if name == "meta" {
		name = steps[2]
	}
	name, _, _ = strings.Cut(name, "[")
	return name
}

// valueFor is a value that a parameter understands.
func valueFor(p *r4.Param, modifier string) string {
	if modifier == ":missing" {
		return "false"
	}
	return map[r4.ParamType]string{
		r4.ParamToken: "urn:c|c", r4.ParamString: "x", r4.ParamDate: "ge2020", r4.ParamReference: "Patient/p",
		r4.ParamNumber: "ge1", r4.ParamQuantity: "ge1", r4.ParamURI: "urn:p1",
	}[p.Type]
}

// Who asks for tokens of ever narrower scopes must not learn by what they reach what a value is.
func TestScopesDoNotBisectValues(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	measured(t, r)
	var answers []string
	for _, narrowing := range []string{"value-quantity=gt5", "value-quantity=lt5", "value-quantity:missing=false", "_tag=urn:t|t1", "method=urn:m|m9"} {
		as := biller(t, r, "by "+narrowing, "user/Observation.rs?"+narrowing)
		told := ""
		for _, path := range []string{"Observation/low", "Observation/high", "Observation", "Observation?_summary=count", "Observation/high/_history", "Patient?_revinclude=Observation:subject"} {
			a := r.Get(t, as, path)
			told += http.StatusText(a.Status) + string(a.Body) + "\n"
		}
		answers = append(answers, told)
	}
	for _, other := range answers[1:] {
		if diff := cmp.Diff(answers[0], other); diff != "" {
			t.Errorf("scopes tell what the value is:\n%s", diff)
		}
	}
	as := biller(t, r, "by status", "user/Observation.rs?status=final")
	if got := statusOf(t, r, as, "Observation/low"); got != http.StatusOK {
		t.Errorf("by a scope on what is shown: %d", got)
	}
}

// What answers a write shows what a read by the same caller shows of what was written, or nothing.
func TestAnswerToAWriteShowsNoMoreThanARead(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		clinic(t, r)
		person := func(name string, role access.Role, scopes ...string) string {
			r.Enroll(t, identity.NewUser{Username: name, Kind: tutela.ActorPerson, Roles: []string{string(role)}, Scopes: scopes, Client: "rig",
				FHIRUser: tutela.Ref{Type: "Practitioner", ID: "physician"}})
			return name
		}
		for as, readable := range map[string]bool{
			"physician": true, "registration": true,
			person("writes alone", access.RolePhysician, "user/*.cu"):                                                        false,
			person("reads what is final", access.RolePhysician, "user/*.cu", "user/Appointment.r?status=booked"):             true,
			person("reads what is over", access.RolePhysician, "user/*.cu", "user/Appointment.r?status=fulfilled"):           false,
			person("registers alone", access.RoleRegistration, "user/*.cu"):                                                  false,
			person("registers what is booked", access.RoleRegistration, "user/*.cu", "user/Appointment.r?status=booked"):     true,
			person("registers for a reason", access.RoleRegistration, "user/*.cu", "user/Appointment.r?reason-code=urn:r|r"): false,
		} {
			r.Put(t, visit("v", "me", "pending", why))
			for name, c := range map[string]rig.Call{
				"update":         put("Appointment/v", visit("v", "me", "booked", ""), "Prefer", "return=representation"),
				"the same again": put("Appointment/v", visit("v", "me", "booked", ""), "Prefer", "return=representation"),
				"create":         post("Appointment", visit("x", "me", "booked", "")),
				"transaction":    post("", bundle("transaction", req{method: "PUT", url: "Appointment/v", resource: visit("v", "me", "booked", "")}), "Prefer", "return=representation"),
			} {
				if strings.HasPrefix(name, "the same") {
					r.Do(t, asking(as, c))
				}
				a := r.Do(t, asking(as, c))
				if a.Status != http.StatusOK && a.Status != http.StatusCreated {
					t.Fatalf("%s, %s: %d %s", as, name, a.Status, a.Body)
				}
				shown := string(a.Body)
				if name == "transaction" {
					shown = string(a.Bundle(t).Entry[0].Resource)
				}
				ref := "Appointment/v"
				if name == "create" {
					ref, _, _ = strings.Cut(strings.TrimPrefix(a.Header.Get("Location"), rig.Base+"/"), "/_history")
				}
				read := r.Get(t, as, ref)
				if want := string(read.Body); readable && shown != want || !readable && (shown != "" || read.Status < 400) {
					t.Errorf("%s, %s: shown %q, a read (%d) shows %q", as, name, shown, read.Status, want)
				}
			}
		}
	})
}
