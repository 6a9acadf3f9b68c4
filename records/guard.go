package records

import (
	"context"

	"github.com/tutela-health/tutela/store"
)

// Guard makes a conditional write safe against its like: two creates on condition that nothing
// matches the same criteria cannot both happen. Take it before the search, and hand it to Transact.
type Guard struct {
	table *store.Table
	id    int64
	turn  int64 // 0: no such row yet
}

func guardsTable() *store.Table {
	return &store.Table{Name: "guards", Key: 1, Columns: []store.Column{{Name: "id"}, {Name: "turn"}}}
}

// Guard reads the turn of a set of criteria.
func (s *Store) Guard(ctx context.Context, criteria string) (Guard, error) {
	g := Guard{table: s.tables.guards, id: s.names.Sum64([]byte("guard"), []byte(criteria))}
	_, err := s.db.QueryRow(ctx, `SELECT turn FROM guards WHERE id = ?`, []any{g.id}, &g.turn)
	return g, err
}

// claim takes the next turn, provided that nobody has since.
func (g Guard) claim() store.Claim {
	c := store.Claim{Table: g.table, Key: []any{g.id}, Set: []any{g.id, g.turn + 1}}
	if g.turn > 0 {
		c.Expect = []any{g.turn}
	}
	return c
}
