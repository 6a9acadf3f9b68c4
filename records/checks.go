package records

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/leak"
	"github.com/tutela-health/tutela/store"
)

// CheckConfig says what this plane's checks work with.
type CheckConfig struct {
	// Call sends a request to the FHIR API as the assessment: decided and recorded like any other.
	Call func(ctx context.Context, method, path string, body []byte) ([]byte, error)
	// Dir is the directory under which every file is searched.
	Dir string
}

// Checks are what this plane can show of itself by trying: that a patient's values lie nowhere
// in the clear.
func (s *Store) Checks(c CheckConfig) []tutela.Check {
	canary := canaryCheck{db: s.db, call: c.Call, dir: c.Dir, random: rand.Text}
	return []tutela.Check{{
		ID: "protect.no-plaintext-on-disk", Title: "A patient's name and identifier lie nowhere in plaintext",
		Controls: []string{"P02", "45 CFR 164.312(a)(2)(iv)"}, Fresh: 24 * time.Hour, Try: canary.try,
	}}
}

// CanaryID is the id of the one invented patient that the check writes, finds and deletes. No
// other patient's data is touched.
const CanaryID = "tutela-canary"

// Invented reports whether a patient is a check's: the canary, or one that another check calls after it.
// They are gone in a moment.
func Invented(id string) bool { return strings.HasPrefix(id, CanaryID) }

const canaryPath = "/fhir/r4/Patient/" + CanaryID

// canaryCheck writes a patient whose name and identifier are random, and searches everything that
// is stored for them.
type canaryCheck struct {
	db     *store.DB
	call   func(ctx context.Context, method, path string, body []byte) ([]byte, error)
	dir    string
	random func() string // text that occurs nowhere else
}

func (c canaryCheck) try(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: fmt.Sprintf("%s and every file in %s", c.db.Engine(), c.dir)}
	family, identifier := "Canary"+c.random(), c.random()
	err := c.plant(ctx, family, identifier)
	if err == nil {
		e.Verdict, e.Observed, err = c.search(ctx, leak.New(family, identifier))
	}
	if err != nil {
		e.Verdict, e.Observed = tutela.CouldNotCheck, err.Error()
	}
	if _, err := c.call(context.WithoutCancel(ctx), http.MethodDelete, canaryPath, nil); err != nil {
		e.Observed += fmt.Sprintf("; Patient/%s could not be deleted: %v", CanaryID, err)
	}
	return e
}

// plant writes the canary and finds it by its values: they are in the store and in its index.
func (c canaryCheck) plant(ctx context.Context, family, identifier string) error {
	body, err := json.Marshal(map[string]any{
		"resourceType": "Patient", "id": CanaryID, "active": false,
		"identifier": []any{map[string]string{"system": "urn:tutela:canary", "value": identifier}},
		"name":       []any{map[string]any{"family": family, "given": []string{"Assessment"}}},
	})
	if err != nil {
		return fmt.Errorf("encode canary: %w", err)
	}
	if _, err := c.call(ctx, http.MethodPut, canaryPath, body); err != nil {
		return fmt.Errorf("Patient/%s could not be written: %w", CanaryID, err)
	}
	query := url.Values{"family:exact": {family}, "identifier": {identifier}}
	body, err = c.call(ctx, http.MethodGet, "/fhir/r4/Patient?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("Patient/%s could not be searched for: %w", CanaryID, err)
	}
	var found struct {
		Entry []struct {
			Resource struct {
				ID string `json:"id"`
			} `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(body, &found); err != nil || len(found.Entry) != 1 || found.Entry[0].Resource.ID != CanaryID {
		return errors.New("the patient who was written is not found by name and identifier, so that absence would prove nothing")
	}
	return nil
}

// search looks through everything that is stored, as it lies there.
func (c canaryCheck) search(ctx context.Context, f *leak.Finder) (tutela.Verdict, string, error) {
	if err := c.db.Checkpoint(ctx); err != nil && ctx.Err() != nil {
		return tutela.CouldNotCheck, "", err // a reader may hold the log: then it is searched as a file
	}
	where, form, files, err := searchFiles(ctx, f, c.dir)
	if err == nil && files.places == 0 {
		err = errors.New("there is no file to search")
	}
	if err != nil {
		return tutela.CouldNotCheck, "", err
	}
	rows := searched{}
	if form == "" && c.db.Engine() == store.Postgres {
		if where, form, rows, err = searchRows(ctx, f, c.db); err != nil {
			return tutela.CouldNotCheck, "", err
		}
	}
	if form != "" {
		return tutela.Fail, fmt.Sprintf("a patient's value lies in %s as %s", where, form), nil
	}
	text := fmt.Sprintf("a patient with a random name and identifier was written and found by search; in %d files (%d bytes)", files.places, files.bytes)
	if rows.places > 0 {
		text += fmt.Sprintf(" and the rows of %d tables (%d bytes)", rows.places, rows.bytes)
	}
	return tutela.Pass, text + " neither occurs in UTF-8, UTF-16, hexadecimal or base64", nil
}
