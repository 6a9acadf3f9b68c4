package access

import (
	"slices"

	"github.com/tutela-health/tutela"
)

// Reach gives the buckets outside of which nothing of the type is admitted, sorted; not ok when the
// Grant is not limited so. A search looks nowhere else.
func (g Grant) Reach() (buckets []tutela.Bucket, ok bool) { return g.reach("") }

// ReachSensitive is Reach for what is sensitive, by whatever label. Where the caller's own clearances or a
// house's policies on labels might open something, it is Reach.
func (g Grant) ReachSensitive() (buckets []tutela.Bucket, ok bool) {
	if g.policies == nil || g.policies.looks || g.question.clearances != "" {
		return g.Reach()
	}
	return g.reach(unknownLabel)
}

// reach asks about each standing of a patient, of what has these labels and with everything else in the
// caller's favour.
func (g Grant) reach(labels string) (buckets []tutela.Bucket, ok bool) {
	if g.policies == nil {
		return nil, true
	}
	only := len(g.scopes) > 0 && !slices.ContainsFunc(g.scopes, func(a allowance) bool { return !a.own })
	if !only && (g.policies.looks || g.at(class{labels: labels}).allow) {
		return nil, false
	}
	if g.own != tutela.BucketGeneral && (labels == "" || g.at(class{own: true, labels: labels}).allow) {
		buckets = append(buckets, g.usable([]tutela.Bucket{g.own}, class{own: true, labels: labels})...)
	}
	if only {
		return buckets, true
	}
	if g.at(class{general: true, labels: labels}).allow {
		buckets = append(buckets, tutela.BucketGeneral)
	}
	for _, of := range []struct {
		standing class
		patients []tutela.Bucket
	}{{class{treated: true, labels: labels}, g.treated}, {class{emergency: true, labels: labels}, g.broken}} {
		if len(of.patients) == 0 || !g.at(of.standing).allow {
			continue
		}
		patients := g.usable(of.patients, of.standing)
		buckets = append(buckets, patients...)
		if len(patients) > 1 {
			buckets = append(buckets, tutela.BucketShared) // of several patients, all of them the caller's
		}
	}
	slices.Sort(buckets)
	return slices.Compact(buckets), true
}

// usable leaves out those of some patients whose records may not be used, where that closes them to the
// caller: a search costs nothing for them.
func (g Grant) usable(patients []tutela.Bucket, standing class) []tutela.Bucket {
	standing.restricted = true
	if len(g.restricted) == 0 || g.at(standing).allow {
		return patients
	}
	return slices.DeleteFunc(slices.Clone(patients), func(p tutela.Bucket) bool { return anyOf([]tutela.Bucket{p}, g.restricted) })
}
