package source_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply/source"
)

const leaking = `package p

func f(patient Patient, ssn string, p *Patient) error {
	log.Printf("admitted %s", ssn) // WANT phi.log
	log.Printf("admitted %s", patient.ID)
	slog.Info("admitted", "patient", patient) // WANT phi.log
	slog.InfoContext(ctx, "admitted", slog.String("dob", p.BirthDate)) // WANT phi.log
	logger.Errorf("x %v", p.Name.FamilyName) // WANT phi.log
	s.logger.Debug("x", "length", len(ssn), "hash", hashOf(ssn))
	fmt.Println("mrn: " + p.MRN()) // WANT phi.log
	logrus.WithField("a", 1).Info("the word ssn in a text")
	if bad {
		return fmt.Errorf("no chart for %s, born %s", id, p.DateOfBirth) // WANT phi.error
	}
	url := base + "/search?ssn=" + ssn // WANT phi.url
	url = fmt.Sprintf("%s?mrn=%s&page=%d", base, x, 1) // WANT phi.url
	url = fmt.Sprintf("%s?page=%d", base, 1)
	q.Set("birthdate", x) // WANT phi.url
	q.Set("page", ssn[:0])
	fmt.Fprintf(w, "ssn %s", ssn)
	return errors.New("no such patient")
}
`

func TestPatientDataOnItsWayOut(t *testing.T) {
	found, err := source.PatientData{}.File(t.Context(), "p.go", []byte(leaking))
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for i, line := range strings.Split(leaking, "\n") {
		if _, rule, ok := strings.Cut(line, "WANT "); ok {
			want = append(want, fmt.Sprintf("%d %s", i+1, rule))
		}
	}
	for _, f := range found {
		got = append(got, fmt.Sprintf("%d %s", f.Place.Line, f.Rule.ID))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
}

func FuzzPatientData(f *testing.F) {
	f.Add([]byte(leaking))
	f.Add([]byte("package p\nvar x = a + \"?ssn=\" + (((b)))"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _ = source.PatientData{}.File(t.Context(), "x.go", text)
	})
}
