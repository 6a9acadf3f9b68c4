package breach

import (
	"context"
	"slices"

	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
)

// Proof shows to anybody who has the ledger's keys that an entry is in it, and by its header what it says: who reached
// whom, by pseudonyms.
type Proof struct {
	Leaf      int64    `json:"leaf"`
	Entry     string   `json:"entry"`
	Patients  []string `json:"patients"`  // pseudonyms of those for whom it was taken
	Proof     string   `json:"proof"`     // C2SP tlog-proof; its extra line is the sealed entry
	Salt      []byte   `json:"salt"`      // of the header
	Plaintext []byte   `json:"plaintext"` // of the header; SHA-256 of salt and plaintext is the commitment in the sealed entry
}

// prove takes one proof of each patient's earliest entry that is in the tree. Entries that reached several are proved once.
func (s *Service) prove(ctx context.Context, patients []Reached) ([]Proof, error) {
	list, at := []Proof{}, map[int64]int{}
	for _, p := range patients {
		i := slices.IndexFunc(p.Entries, func(l Line) bool { return l.Leaf >= 0 })
		if i < 0 {
			continue
		}
		line := p.Entries[i]
		n, known := at[line.Leaf]
		if !known {
			proof, err := s.proof(ctx, line)
			if err != nil {
				return nil, err
			}
			n = len(list)
			list, at[line.Leaf] = append(list, proof), n
		}
		list[n].Patients = append(list[n].Patients, p.Pseudonym)
	}
	return list, nil
}

func (s *Service) proof(ctx context.Context, l Line) (Proof, error) {
	p, err := s.cfg.Audit.Prove(ctx, l.Leaf, audit.Disclose{Header: true})
	if err != nil {
		return Proof{}, err
	}
	if len(p.Parts) != 1 {
		return Proof{}, errs.New(errs.Internal, "the header of a ledger entry was not opened")
	}
	return Proof{Leaf: l.Leaf, Entry: l.Entry, Proof: string(p.Text), Salt: p.Parts[0].Salt, Plaintext: p.Parts[0].Plaintext}, nil
}
