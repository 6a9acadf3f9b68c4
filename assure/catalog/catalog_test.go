package catalog_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/internal/errs"
)

func shipped(t *testing.T) *catalog.Catalog {
	t.Helper()
	list, err := catalog.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.New(list...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The regulations that G01 names are there, and each requirement says something.
func TestRegulationsAreThere(t *testing.T) {
	got := map[string]catalog.Status{}
	for _, reg := range shipped(t).Regulations() {
		got[reg.ID] = reg.Status
		for _, r := range reg.Requirements {
			if r.Title == "" || r.Says == "" {
				t.Errorf("%s says nothing", r.ID)
			}
			if reg.ID != catalog.Own && (r.Unbuilt || r.Lacks != "") {
				t.Errorf("%s: what is not built is said of our own requirements", r.ID)
			}
		}
	}
	want := map[string]catalog.Status{
		"tutela": catalog.OurOwn, "hipaa-security": catalog.InForce, "hipaa-security-proposed": catalog.Proposed, "hipaa-breach": catalog.InForce,
		"hipaa-privacy": catalog.InForce, "hitech": catalog.InForce, "gdpr": catalog.InForce, "part11": catalog.InForce, "pipeda": catalog.InForce,
		"ccpa": catalog.InForce, "hph": catalog.Voluntary,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The Security Rule has each id that Appendix A to Subpart C of Part 164 lists as required or addressable.
func TestSecurityRuleHasItsImplementationSpecifications(t *testing.T) {
	count := map[catalog.Level]int{}
	for _, reg := range shipped(t).Regulations() {
		if reg.ID != "hipaa-security" {
			continue
		}
		for _, r := range reg.Requirements {
			if !regexp.MustCompile(`^45 CFR 164\.3(06|08|10|12|14|16)\([a-z]\)(\([0-9]+\))?(\([ivx]+\))?(\([A-E]\))?$`).MatchString(r.ID) {
				t.Errorf("%q is no id of the Security Rule", r.ID)
			}
			if strings.HasPrefix(r.ID, "45 CFR 164.308") || strings.HasPrefix(r.ID, "45 CFR 164.310") || strings.HasPrefix(r.ID, "45 CFR 164.312") {
				count[r.Level]++
			}
		}
	}
	// Appendix A: 20 are required and 22 addressable; standards without specifications count as required.
	if count[catalog.Addressable] != 22 || count[catalog.Required] != 20 {
		t.Errorf("%d are addressable and %d required", count[catalog.Addressable], count[catalog.Required])
	}
}

func TestRequirementsAreFoundByIDAndSlug(t *testing.T) {
	c := shipped(t)
	for _, id := range []string{"45 CFR 164.312(a)(2)(iv)", "45-cfr-164.312-a-2-iv", "45-CFR-164.312-A-2-IV"} {
		reg, r, ok := c.Find(id)
		if !ok || reg.ID != "hipaa-security" || r.Title != "Encryption and decryption" {
			t.Errorf("%s: %v %+v", id, ok, r)
		}
	}
	for _, id := range []string{"", "P99", "45 CFR", "../P01"} {
		if _, r, ok := c.Find(id); ok {
			t.Errorf("%q is %s", id, r.ID)
		}
	}
}

// Our own requirements are those of the list that they come from, where it is at hand.
func TestOwnRequirementsAreComplete(t *testing.T) {
	count := 0
	for _, reg := range shipped(t).Regulations() {
		if reg.ID == catalog.Own {
			count = len(reg.Requirements)
		}
	}
	if count != 62 {
		t.Errorf("there are %d requirements of our own instead of 62", count)
	}
	text, err := os.ReadFile(filepath.Join(os.Getenv("TUTELA_TESTDATA"), "..", "requirements.md"))
	if err != nil {
		t.Logf("only counted: %v", err)
		return
	}
	c := shipped(t)
	for _, m := range regexp.MustCompile(`(?m)^\| ([PWBGS][0-9]{2}) \|`).FindAllSubmatch(text, -1) {
		if reg, _, ok := c.Find(string(m[1])); !ok || reg.ID != catalog.Own {
			t.Errorf("%s is not in the catalogue", m[1])
		}
	}
}

func TestCataloguesThatMakeNoSenseAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"an unknown member":  "id: a\ntitle: A\nstatus: own\nrequirement: []\n",
		"an unknown status":  "id: a\ntitle: A\nstatus: maybe\nrequirements: [{id: X1, title: X}]\n",
		"an unknown level":   "id: a\ntitle: A\nstatus: own\nrequirements: [{id: X1, title: X, level: nice}]\n",
		"nothing asked":      "id: a\ntitle: A\nstatus: own\nrequirements: []\n",
		"an id twice":        "id: a\ntitle: A\nstatus: own\nrequirements: [{id: X1, title: X}, {id: x1, title: Y}]\n",
		"an id of another":   "id: a\ntitle: A\nstatus: own\nrequirements: [{id: P01, title: X}]\n",
		"a way to nowhere":   "id: a\ntitle: A\nstatus: own\nrequirements: [{id: X1, title: X, as: [X2]}]\n",
		"as itself":          "id: a\ntitle: A\nstatus: own\nrequirements: [{id: X1, title: X, as: [X1]}]\n",
		"no id":              "id: a\ntitle: A\nstatus: own\nrequirements: [{id: \"()\", title: X}]\n",
		"a regulation twice": "id: gdpr\ntitle: A\nstatus: own\nrequirements: [{id: X1, title: X}]\n",
		"an id with a slash": "id: a/b\ntitle: A\nstatus: own\nrequirements: [{id: X1, title: X}]\n",
	} {
		if err := add(text); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := add("id: a\ntitle: A\nstatus: own\nrequirements: [{id: X1, title: X, as: [P01]}]\n"); err != nil {
		t.Error(err)
	}
}

func add(text string) error {
	list, err := catalog.Shipped()
	if err != nil {
		return err
	}
	own, err := catalog.Read(strings.NewReader(text))
	if err != nil {
		return err
	}
	_, err = catalog.New(append(list, own)...)
	return err
}
