package records

import (
	"context"
	"fmt"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// A sensitive resource (its labels, or its codes by the rules) has in-patient terms only: each
// token is hashed once more under a key that comes of its patient's data key. So neither frequency nor
// the index key tells which rows carry a code, and with the patient's key the terms are gone too.
// Beside them it has one marker of its type, by which a search finds the patients in whom it has
// to ask for in-patient terms. A sensitive resource of several patients, or of none, has the marker
// alone: whoever searches its type opens it.

// layout is how a slot of the index is made. A rebuild brings an older one to layoutNow.
type layout int64

const (
	layoutOpen      layout = 1 // every resource has ordinary terms
	layoutInPatient layout = 2 // sensitive ones, by version 1 of the rules, have in-patient terms
	layoutNow              = layoutInPatient
)

// layoutMigration remembers how each slot is made. In a system without resources there is nothing to rebuild.
func layoutMigration() store.Migration {
	return store.Migration{ID: "0204_index_layout", SQL: fmt.Sprintf(`
ALTER TABLE index_state ADD COLUMN made0 {{int}} NOT NULL DEFAULT %[1]d;
ALTER TABLE index_state ADD COLUMN made1 {{int}} NOT NULL DEFAULT %[1]d;
UPDATE index_state SET made0 = %[2]d, made1 = %[2]d WHERE NOT EXISTS (SELECT 1 FROM locators);
`, layoutOpen, layoutInPatient)}
}

// content is what the index speaks of. The zero value is nothing.
type content struct {
	res       *r4.Resource
	sensitive bool
}

func (s *Store) contentOf(res *r4.Resource) content {
	return content{res, s.labels.Of(res) != 0}
}

// termsIn are the terms of a resource that lies in a bucket, sorted, each once. keyOf gives a
// patient's first data key, from which those of sensitive ones come.
func (s *Store) termsIn(ctx context.Context, m making, c content, bucket int64, keyOf func(context.Context, tutela.Bucket) (*keys.Key, error)) ([]int64, error) {
	if c.res == nil {
		return nil, nil
	}
	x, err := s.blind(ctx, m.key)
	if err != nil {
		return nil, err
	}
	tokens := x.tokens(c.res)
	if m.layout < layoutInPatient || !c.sensitive {
		return tokens, nil
	}
	terms := []int64{x.marker(c.res.Type())}
	if b := tutela.Bucket(bucket); ofOne(b) {
		k, err := keyOf(ctx, b)
		if err != nil {
			return nil, fmt.Errorf("find key of in-patient terms: %w", err)
		}
		own, err := inPatient(k, tokens)
		if err != nil {
			return nil, err
		}
		terms = append(terms, own...)
	}
	slices.Sort(terms)
	return slices.Compact(terms), nil
}

// ofOne reports whether a bucket holds what concerns one patient.
func ofOne(b tutela.Bucket) bool { return b != tutela.BucketGeneral && b != tutela.BucketShared }

// marker is the term that all sensitive resources of a type have.
func (x blind) marker(typ string) int64 {
	return x.mac.Sum64([]byte("sensitive"), []byte(typ))
}

// inPatient turns tokens into those of one patient.
func inPatient(k *keys.Key, tokens []int64) ([]int64, error) {
	mac, err := k.MAC("in-patient terms")
	if err != nil {
		return nil, err
	}
	own := make([]int64, len(tokens))
	for i, t := range tokens {
		own[i] = mac.Sum64(keys.Subject64(t))
	}
	return own, nil
}

// termKey is the first version of a patient's data key: later ones do not change terms.
func (s *Store) termKey(ctx context.Context, b tutela.Bucket) (*keys.Key, error) {
	return s.ring.At(ctx, tutela.KeyPatient, int64(b), 1)
}

// termKey is the same, also of a patient whose first key is made in this write.
func (w *write) termKey(ctx context.Context, b tutela.Bucket) (*keys.Key, error) {
	if f, ok := w.fresh[b]; ok {
		return f.key, nil
	}
	return w.s.termKey(ctx, b)
}
