package records_test

import (
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
)

// rotated is how many patients' keys a rotation wraps anew.
const rotated = 100_000

// BenchmarkRotation rotates a keyring of 100,000 patients: from the new generation to the old one's end.
func BenchmarkRotation(b *testing.B) {
	for _, engine := range rig.Engines() {
		b.Run(string(engine), func(b *testing.B) {
			r := rig.Open(b, rig.Config{Engine: engine})
			op := store.Op{}
			for id := range int64(rotated) {
				_, fresh, err := r.Ring.Prepare(b.Context(), tutela.KeyPatient, 1000+id)
				if err != nil {
					b.Fatal(err)
				}
				op.Claims = append(op.Claims, store.ClaimKey(*fresh))
				if len(op.Claims) == 1000 {
					if err := r.DB.Commit(b.Context(), op); err != nil {
						b.Fatal(err)
					}
					op = store.Op{}
				}
			}
			for b.Loop() {
				if _, err := r.Ring.Rotate(b.Context()); err != nil {
					b.Fatal(err)
				}
				if err := r.Ring.Rewrap(b.Context(), func(int) {}); err != nil {
					b.Fatal(err)
				}
				if _, err := r.Ring.Retire(b.Context()); err != nil && !errs.Is(err, errs.Conflict) {
					b.Fatal(err)
				}
			}
		})
	}
}
