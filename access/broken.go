package access

import (
	"slices"

	"github.com/tutela-health/tutela"
)

// patientsOf are the patients of emergencies, each once, in their order.
func patientsOf(list []Emergency) []tutela.Bucket {
	if len(list) == 0 {
		return nil
	}
	patients := make([]tutela.Bucket, len(list))
	for i, e := range list {
		patients[i] = e.Patient
	}
	return slices.Compact(patients)
}

// Emergencies are the ids of the emergencies under which the Grant reaches what concerns some
// patients: nil where it needs none, since nobody broke the glass for all of them.
func (g Grant) Emergencies(patients []tutela.Bucket) []string {
	if len(g.emergencies) == 0 || !g.class(patients).emergency {
		return nil
	}
	var ids []string
	for _, e := range g.emergencies {
		if slices.Contains(patients, e.Patient) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}
