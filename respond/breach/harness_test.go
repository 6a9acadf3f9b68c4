package breach_test

import (
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/rig"
)

// entries are those of an action.
func entries(t *testing.T, r *rig.Rig, action tutela.Action) []tutela.Entry {
	t.Helper()
	var list []tutela.Entry
	err := r.Audit.Search(t.Context(), audit.Query{Action: action}, func(o audit.Opened) error {
		list = append(list, o.Entry)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
