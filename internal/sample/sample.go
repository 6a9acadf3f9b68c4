package sample

import (
	"encoding/json"
	"iter"
	"math/rand/v2"
	"time"
)

// today is when the charts end. It is fixed, so that a seed gives the same bytes on every day.
func today() time.Time { return time.Date(2026, 10, 30, 9, 0, 0, 0, time.UTC) }

// Patients gives n invented patients, each as one FHIR R4 transaction Bundle in compact
// JSON. Patient number i depends on seed and i alone.
func Patients(n int, seed uint64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range n {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			if !yield(patient(rng, i)) {
				return
			}
		}
	}
}

func patient(rng *rand.Rand, number int) []byte {
	p := newPerson(rng, number)
	c := &chart{rng: rng, person: p, shared: make(map[string]reference)}
	c.open()
	c.live()
	data, err := json.Marshal(bundle{ResourceType: "Bundle", Type: "transaction", Entry: c.entries})
	if err != nil {
		panic("sample: " + err.Error()) // plain structs always marshal
	}
	return data
}

// pick takes one of a list.
func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// chance is true in percent of 100 cases.
func chance(rng *rand.Rand, percent int) bool { return rng.IntN(100) < percent }
