package holders

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/keys/escrow"
	"github.com/tutela-health/tutela/store"
)

// Migrations make this package's table, of one row.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0410_recovery_holders", SQL: `
CREATE TABLE recovery_holders (
	id {{int}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, key_version {{int}} NOT NULL, sealed {{bytes}} NOT NULL
) {{clustered}};
`}}
}

func table() *store.Table {
	return &store.Table{Name: "recovery_holders", Key: 1, Columns: []store.Column{
		{Name: "id"}, {Name: "revision"}, {Name: "key_version"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

const rowID = int64(1)

// state is what is known of recovery. Its zero value is that nothing was split.
type state struct {
	Set   escrow.Set `json:"set"`
	Wraps []Wrap     `json:"wraps,omitempty"` // oldest first
	Drill *Drill     `json:"drill,omitempty"` // the last that passed

	revision int64
}

// Wrap is a recovery wrap that was given out.
type Wrap struct {
	Set        string    `json:"set"`
	Generation int       `json:"generation"`
	Made       time.Time `json:"made"`
	Destroyed  time.Time `json:"destroyed,omitzero"` // when somebody confirmed that every copy is gone
}

// Drill is one that passed.
type Drill struct {
	Set        string    `json:"set"`
	Generation int       `json:"generation"`
	At         time.Time `json:"at"`
}

func (s *Service) place(revision int64) keys.AAD {
	return keys.AAD{Tenant: s.cfg.Ring.Tenant(), Purpose: "recovery-holders", ID: rowID, Version: revision}
}

func (s *Service) read(ctx context.Context) (state, error) {
	var st state
	var version int64
	var sealed []byte
	found, err := s.cfg.DB.QueryRow(ctx, "SELECT revision, key_version, sealed FROM recovery_holders WHERE id = ?", []any{rowID}, &st.revision, &version, &sealed)
	if err != nil || !found {
		return state{}, err
	}
	k, err := s.cfg.Ring.At(ctx, tutela.KeyGeneral, 0, int(version))
	if err != nil {
		return state{}, fmt.Errorf("key of the recovery holders: %w", err)
	}
	plain, err := k.Open(nil, sealed, s.place(st.revision))
	if err != nil {
		return state{}, fmt.Errorf("recovery holders: %w", err)
	}
	if err := json.Unmarshal(plain, &st); err != nil {
		return state{}, fmt.Errorf("decode recovery holders: %w", err)
	}
	return st, nil
}

// commit writes the state in place of the one that was read, with its entry.
func (s *Service) commit(ctx context.Context, st state, base tutela.Entry, detail string) error {
	k, err := s.cfg.Ring.Current(ctx, tutela.KeyGeneral, 0)
	if err != nil {
		return fmt.Errorf("key of the recovery holders: %w", err)
	}
	plain, err := json.Marshal(st)
	if err != nil {
		return fmt.Errorf("encode recovery holders: %w", err)
	}
	claim := store.Claim{Table: table(), Key: []any{rowID}}
	if st.revision > 0 {
		claim.Expect = []any{st.revision}
	}
	st.revision++
	claim.Set = []any{rowID, st.revision, int64(k.Version()), k.Seal(nil, plain, s.place(st.revision))}
	base.Outcome, base.Subject = tutela.OutcomeSuccess, &tutela.Subject{Kind: "recovery", ID: st.Set.ID, Detail: detail}
	leaves, err := s.cfg.Audit.Encode(ctx, base, nil, nil)
	if err != nil {
		return err
	}
	err = s.cfg.DB.Commit(ctx, store.Op{Claims: []store.Claim{claim}, Entries: leaves})
	if errs.Is(err, errs.Conflict) {
		return errs.Wrap(errs.Conflict, err, "somebody else changed the recovery key's holders at the same moment: look, and try again")
	}
	return err
}
