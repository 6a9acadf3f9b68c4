package audit

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Disclose says which parts of an entry a proof opens. The zero value opens none.
type Disclose struct {
	Header   bool // who, when, what: for an auditor; it names every patient's pseudonym
	Patients []tutela.Bucket
}

// Proof shows to anybody that an entry is in the ledger, and to its holder what parts of it say.
type Proof struct {
	Leaf    int64
	Text    []byte // C2SP tlog-proof, for VerifyProof; its extra line is the sealed entry
	Parts   []Disclosure
	Missing []int // sections that were asked for and whose key was destroyed
}

// Prove takes a proof of a leaf out of the ledger, under the newest checkpoint. A leaf that is not
// in the tree is errs.NotFound; Find gives an entry's leaf.
func (l *Log) Prove(ctx context.Context, leaf int64, d Disclose) (Proof, error) {
	p := Proof{Leaf: leaf}
	var entry []byte
	err := l.cfg.DB.Snapshot(ctx, func(q store.Querier) (err error) {
		entry, p.Text, err = l.proof(ctx, q, leaf)
		return err
	})
	if err != nil {
		return Proof{}, fmt.Errorf("prove leaf %d: %w", leaf, err)
	}
	if err := l.disclose(ctx, &p, entry, d); err != nil {
		return Proof{}, fmt.Errorf("prove leaf %d: %w", leaf, err)
	}
	return p, nil
}

// Find gives the leaf of the entry that q.ID names, Pending while it is not in the tree. The rest
// of q narrows the search: an id alone means reading every header.
func (l *Log) Find(ctx context.Context, q Query) (int64, error) {
	leaf, found := int64(Pending), false
	q.Limit = 1
	err := l.Search(ctx, q, func(o Opened) error {
		leaf, found = o.Leaf, true
		return nil
	})
	if err != nil {
		return Pending, err
	}
	if !found {
		return Pending, errs.New(errs.NotFound, "no such ledger entry")
	}
	return leaf, nil
}

// proof gives a leaf's bytes and the proof of its inclusion.
func (l *Log) proof(ctx context.Context, q store.Querier, leaf int64) (entry, text []byte, err error) {
	st, err := l.readState(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	if leaf < 0 || leaf >= st.size {
		return nil, nil, errs.New(errs.NotFound, "no such leaf in the tree of %d", st.size)
	}
	k, err := l.keptCheckpoint(ctx, q, st.size)
	if err != nil {
		return nil, nil, err
	}
	if entry, err = leafAt(ctx, q, leaf); err != nil {
		return nil, nil, err
	}
	path, err := tlog.ProveRecord(st.size, leaf, hashReader(ctx, q))
	if err != nil {
		return nil, nil, fmt.Errorf("inclusion path: %w", err)
	}
	text = formatProof(entry, leaf, path, k.note)
	if _, err := VerifyProof(text, l.signer.vkey); err != nil {
		return nil, nil, tampered(leafWhere(leaf), "its own proof does not verify")
	}
	return entry, text, nil
}

func leafAt(ctx context.Context, q store.Querier, leaf int64) ([]byte, error) {
	var entry []byte
	err := eachLeaf(ctx, q, leaf, leaf, func(at int64, e []byte) error {
		if at == leaf {
			entry = e
		}
		return errStop
	})
	if err == nil && entry == nil {
		err = tampered(leafWhere(leaf), "missing")
	}
	return entry, err
}

// disclose opens the parts that were asked for.
func (l *Log) disclose(ctx context.Context, p *Proof, entry []byte, d Disclose) error {
	f, err := parseLeaf(entry)
	if err != nil {
		return err
	}
	if d.Header {
		salted, err := l.openHeader(ctx, f)
		if err != nil {
			return err
		}
		p.Parts = append(p.Parts, disclosure(Header, salted))
	}
	for n, s := range f.sections {
		if !slices.Contains(d.Patients, s.patient) {
			continue
		}
		salted, err := l.openSection(ctx, f, n)
		switch {
		case errs.Is(err, errs.NotFound):
			p.Missing = append(p.Missing, n)
		case err != nil:
			return err
		default:
			p.Parts = append(p.Parts, disclosure(n, salted))
		}
	}
	return nil
}

func disclosure(section int, salted []byte) Disclosure {
	return Disclosure{section, salted[:saltSize], salted[saltSize:]}
}
