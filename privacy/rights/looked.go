package rights

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
)

// Look is one access to a patient's data, as he may know of it.
type Look struct {
	Time      time.Time      `json:"time"`
	Who       string         `json:"who"`
	Roles     []string       `json:"roles,omitempty"`
	Action    tutela.Action  `json:"action"`
	What      string         `json:"what"` // how much of what type
	Purpose   tutela.Purpose `json:"purpose,omitempty"`
	Emergency bool           `json:"emergency,omitempty"` // somebody broke the glass
	Entry     string         `json:"entry"`
}

// maxLooks bounds what one answer tells of.
const maxLooks = 500

// Looks gives the newest accesses that reached a patient's data, and the breaking of glass for it. It tells
// of nothing else in the ledger: not of what was refused, nor of what an agency asked to withhold.
func (s *Service) Looks(ctx context.Context, patient tutela.PatientID, from, to time.Time) ([]Look, error) {
	b := s.cfg.Notes.Bucket(patient)
	list := []Look{}
	q := audit.Query{Patient: &b, Outcome: tutela.OutcomeSuccess, From: from, To: to, Newest: true}
	err := s.cfg.Audit.Search(ctx, q, func(o audit.Opened) error {
		if !looks(o.Entry.Action) || len(list) >= maxLooks {
			return nil
		}
		e := o.Entry
		list = append(list, Look{
			Time: e.Time, Who: e.Actor.Name, Roles: e.Actor.Roles, Action: e.Action, What: whatOf(e, b), Purpose: e.Purpose,
			Emergency: e.BreakGlass != "", Entry: e.ID,
		})
		return nil
	})
	return list, err
}

// looks tells the actions that reach data.
func looks(a tutela.Action) bool {
	return slices.Contains([]tutela.Action{
		tutela.ActionRead, tutela.ActionVRead, tutela.ActionHistory, tutela.ActionSearch, tutela.ActionCreate, tutela.ActionUpdate, tutela.ActionDelete,
		tutela.ActionBatch, tutela.ActionTransaction, tutela.ActionExport, tutela.ActionPatientExport, tutela.ActionDowntimeCreate, tutela.ActionBreakGlassOpen,
	}, a)
}

// counted lists counts by type, as in "2 Condition, 1 Patient".
func counted(counts map[string]int) string {
	var list []string
	for _, typ := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, fmt.Sprintf("%d %s", counts[typ], typ))
	}
	return strings.Join(list, ", ")
}
