package attest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// StatementType marks an in-toto Statement of version 1.
const StatementType = "https://in-toto.io/Statement/v1"

// The types of predicates that we make. What none of the known ones says has a type of our own
// (docs/attestations.md).
const (
	TypeScan       = "https://github.com/tutela-health/tutela/attestation/scan/v1"
	TypeTestResult = "https://in-toto.io/attestation/test-result/v0.1"
	TypeCycloneDX  = "https://cyclonedx.org/bom"
	TypeProvenance = "https://slsa.dev/provenance/v1"
)

// Statement says something of its subjects (in-toto attestation v1).
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Resource      `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate,omitempty"`
}

// Resource names a thing (in-toto's ResourceDescriptor).
type Resource struct {
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"`
	Annotations map[string]any    `json:"annotations,omitempty"`
}

// NewStatement says a predicate of subjects.
func NewStatement(kind string, predicate any, subjects ...Resource) (Statement, error) {
	text, err := json.Marshal(predicate)
	if err != nil {
		return Statement{}, fmt.Errorf("encode the predicate: %w", err)
	}
	st := Statement{Type: StatementType, Subject: subjects, PredicateType: kind, Predicate: text}
	return st, st.check()
}

// maxSubjects bounds what one statement speaks of.
const maxSubjects = 1000

func parseStatement(payload []byte) (Statement, error) {
	var st Statement
	if err := json.Unmarshal(payload, &st); err != nil {
		return Statement{}, errors.New("what was signed is no in-toto statement")
	}
	return st, st.check()
}

// check holds a statement to what in-toto asks of all of them: it has a type, and subjects with digests.
func (s Statement) check() error {
	switch {
	case s.Type != StatementType:
		return errors.New("what was signed is no in-toto statement of version 1")
	case !strings.Contains(s.PredicateType, ":"):
		return errors.New("the statement's predicate has no type")
	case len(s.Subject) == 0 || len(s.Subject) > maxSubjects:
		return fmt.Errorf("a statement has 1 to %d subjects", maxSubjects)
	}
	for _, r := range s.Subject {
		if len(r.Digest) == 0 {
			return errors.New("a subject of the statement has no digest")
		}
	}
	return nil
}

// About reports whether a statement has a subject with a digest in common with r. SHA-1 and MD5 prove
// nothing but as the names that git gives to commits.
func (s Statement) About(r Resource) bool {
	for _, subject := range s.Subject {
		for _, algorithm := range []string{"sha256", "dirHash", "gitCommit"} {
			if d := subject.Digest[algorithm]; d != "" && d == r.Digest[algorithm] {
				return true
			}
		}
	}
	return false
}
