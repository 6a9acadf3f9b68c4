package fhir_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/rig"
)

const restrictedMeta = `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]},`

// observed is an Observation of a patient; meta is empty or ends with a comma.
func observed(id, patient, meta string) string {
	return `{"resourceType":"Observation","id":"` + id + `",` + meta + `"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/` + patient + `"}}`
}

// ward stores what a physician, who treats "seen", may not see, in every way in which it may be hidden.
func ward(t *testing.T, r *rig.Rig) (hidden []string) {
	t.Helper()
	for _, p := range []string{"seen", "unseen"} {
		r.Put(t, patient(p, "Doe"))
	}
	r.Treat(t, "seen", "physician", "nurse")
	for _, o := range []string{observed("visible", "seen", ""), observed("untreated", "unseen", ""), observed("restricted", "seen", restrictedMeta),
		observed("untreated-gone", "unseen", ""), observed("restricted-gone", "seen", restrictedMeta)} {
		r.Put(t, o)
	}
	for _, id := range []string{"untreated-gone", "restricted-gone"} {
		r.Do(t, asking(rig.Loader, del("Observation/"+id)))
	}
	return []string{"untreated", "restricted", "untreated-gone", "restricted-gone"}
}

// told is all that an answer tells, with one id in place of another.
func told(a rig.Answer, id string) string {
	head := a.Header.Get("ETag") + " " + a.Header.Get("Last-Modified") + " " + a.Header.Get("Location") + "\n"
	return http.StatusText(a.Status) + head + strings.ReplaceAll(string(a.Body), "Observation/"+id, "Observation/ID")
}

// LinuxForHealth/FHIR#2669: a 403 where there is something and an empty answer where there is nothing tell which; of
// types without a scope, see TestTypesOutsideTheScopesAreSilent. No request of one who may not see a resource may be answered otherwise than if it were not there.
func TestHiddenAnswersLikeMissing(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		for _, id := range ward(t, r) {
			for name, call := range map[string]func(id string) rig.Call{
				"read":        func(id string) rig.Call { return get("Observation/" + id) },
				"conditional": func(id string) rig.Call { return get("Observation/"+id, "If-None-Match", `W/"1"`) },
				"head":        func(id string) rig.Call { return rig.Call{Method: http.MethodHead, Path: "Observation/" + id} },
				"version":     func(id string) rig.Call { return get("Observation/" + id + "/_history/1") },
				"history":     func(id string) rig.Call { return get("Observation/" + id + "/_history") },
				"search":      func(id string) rig.Call { return get("Observation?_id=" + id + "&_total=accurate") },
				"update":      func(id string) rig.Call { return put("Observation/"+id, observed(id, "seen", "")) },
				"update of 1": func(id string) rig.Call { return put("Observation/"+id, observed(id, "seen", ""), "If-Match", `W/"1"`) },
				"update of 9": func(id string) rig.Call { return put("Observation/"+id, observed(id, "seen", ""), "If-Match", `W/"9"`) },
				"delete":      func(id string) rig.Call { return del("Observation/" + id) },
				"delete of 1": func(id string) rig.Call { return del("Observation/"+id, "If-Match", `W/"1"`) },
				"delete of 9": func(id string) rig.Call { return del("Observation/"+id, "If-Match", `W/"9"`) },
				"batch": func(id string) rig.Call {
					return post("", bundle("batch", req{method: "GET", url: "Observation/" + id}, req{method: "DELETE", url: "Observation/" + id}))
				},
				"transaction": func(id string) rig.Call {
					return post("", bundle("transaction", req{method: "GET", url: "Observation/" + id}))
				},
				"transaction that deletes": func(id string) rig.Call {
					return post("", bundle("transaction", req{method: "DELETE", url: "Observation/" + id}))
				},
				"transaction that updates": func(id string) rig.Call {
					return post("", bundle("transaction", req{method: "PUT", url: "Observation/" + id, resource: observed(id, "seen", "")}))
				},
			} {
				want := told(r.Do(t, asking("physician", call("absent"))), "absent")
				got := told(r.Do(t, asking("physician", call(id))), id)
				want, got = strings.ReplaceAll(want, "_id=absent", "_id=ID"), strings.ReplaceAll(got, "_id="+id, "_id=ID")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s of what is %s (-missing +hidden):\n%s", name, id, diff)
				}
			}
		}
	})
}

// Whom a resource concerns must not depend on how a reference to this server is written.
func TestOwnAddressInReferenceIsNobodyElses(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ward(t, r)
		whole := strings.ReplaceAll(observed("whole", "unseen", ""), "Patient/", rig.Base+"/Patient/")
		a := r.Do(t, asking(rig.Loader, post("", bundle("transaction", req{method: "PUT", url: "Observation/whole", resource: whole}))))
		if a.Status != http.StatusOK {
			t.Fatalf("put: %d %s", a.Status, a.Body)
		}
		r.Put(t, strings.ReplaceAll(observed("single", "unseen", ""), "Patient/", rig.Base+"/Patient/"))
		found := refs(r.Get(t, rig.Loader, "Observation?patient=unseen&_id=whole,single").Bundle(t))
		slices.Sort(found) // both can be of one millisecond
		if diff := cmp.Diff([]string{"Observation/single", "Observation/whole"}, found); diff != "" {
			t.Errorf("of the patient (-want +got):\n%s", diff)
		}
		if got := r.Get(t, "unseen", "Observation/whole"); got.Status != http.StatusOK {
			t.Errorf("the patient reads it: %d %s", got.Status, got.Body)
		}
	})
}
