package report

import (
	"encoding/json"
	"io"

	"github.com/tutela-health/tutela/supply"
)

// issue is one entry of GitLab's code quality report (docs.gitlab.com, "Code Quality report format").
type issue struct {
	Description string `json:"description"`
	CheckName   string `json:"check_name"`
	Fingerprint string `json:"fingerprint"`
	Severity    string `json:"severity"` // info, minor, major, critical, blocker
	Location    struct {
		Path  string `json:"path"`
		Lines struct {
			Begin int `json:"begin"`
		} `json:"lines"`
	} `json:"location"`
}

// CodeQuality writes what counts in the form that GitLab shows in merge requests.
func CodeQuality(w io.Writer, r *supply.Report) error {
	issues := []issue{}
	for _, f := range r.Counting() {
		i := issue{Description: cut(sentence(f)), CheckName: f.Rule.ID, Fingerprint: f.Fingerprint}
		i.Severity = []string{"info", "info", "minor", "major", "critical", "blocker"}[f.Severity]
		i.Location.Path, i.Location.Lines.Begin = f.Place.Path, max(1, f.Place.Line)
		issues = append(issues, i)
	}
	return json.NewEncoder(w).Encode(issues)
}
