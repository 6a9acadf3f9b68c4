package register

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Migrations make this package's tables: the newest revision of each item, and all of them. What an item says is
// sealed under the general key. In clear, and bound to the seal, are its kind, its state, its revision, when something
// is due (milliseconds since 1970, 0 for never) and keyed hashes of its id and of its owner.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0960_assure_items", SQL: `
CREATE TABLE assure_items (
	kind {{text}} NOT NULL, name {{int}} NOT NULL, revision {{int}} NOT NULL, state {{text}} NOT NULL, owner {{int}} NOT NULL,
	due {{int}} NOT NULL, sealed {{bytes}} NOT NULL,
	PRIMARY KEY (kind, name)
) {{clustered}};
CREATE INDEX assure_items_due ON assure_items (due);
CREATE TABLE assure_revisions (
	kind {{text}} NOT NULL, name {{int}} NOT NULL, revision {{int}} NOT NULL, state {{text}} NOT NULL, owner {{int}} NOT NULL,
	due {{int}} NOT NULL, sealed {{bytes}} NOT NULL,
	PRIMARY KEY (kind, name, revision)
) {{clustered}};
`}}
}

func columns() []store.Column {
	return []store.Column{
		{Name: "kind", Kind: store.Text}, {Name: "name"}, {Name: "revision"}, {Name: "state", Kind: store.Text}, {Name: "owner"},
		{Name: "due"}, {Name: "sealed", Kind: store.Bytes},
	}
}

func newestTable() *store.Table {
	return &store.Table{Name: "assure_items", Key: 2, Columns: columns()}
}

func pastTable() *store.Table {
	return &store.Table{Name: "assure_revisions", Key: 3, Columns: columns()}
}

// row is an item as it lies in a table.
type row struct {
	kind     string
	name     int64
	revision int64
	state    string
	owner    int64
	due      int64
	sealed   []byte
}

// subject binds the sealed part to the rest of its row.
func (r row) subject() []byte {
	return fmt.Appendf(nil, "register %q %d %d %q %d %d", r.kind, r.name, r.revision, r.state, r.owner, r.due)
}

func (r row) values() []any {
	return []any{r.kind, r.name, r.revision, r.state, r.owner, r.due, r.sealed}
}

func (b *Book) name(kind Kind, id string) int64 {
	return b.cfg.Alias("register-item", string(kind)+" "+id)
}

func (b *Book) owner(id tutela.UserID) int64 {
	if id == "" {
		return 0
	}
	return b.cfg.Alias("register-owner", string(id))
}

// rows is a revision in place of the one that was read, and in the history.
func (b *Book) rows(ctx context.Context, it Item) (store.Claim, store.Rows, error) {
	plain, err := json.Marshal(it)
	if err != nil {
		return store.Claim{}, store.Rows{}, fmt.Errorf("encode %s %s: %w", it.Kind, it.ID, err)
	}
	r := row{kind: string(it.Kind), name: b.name(it.Kind, it.ID), revision: it.Revision, state: string(it.State), owner: b.owner(it.Owner)}
	if !it.Due.IsZero() {
		r.due = it.Due.UnixMilli()
	}
	if r.sealed, err = b.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, r.subject(), plain); err != nil {
		return store.Claim{}, store.Rows{}, err
	}
	claim := store.Claim{Table: newestTable(), Key: []any{r.kind, r.name}, Set: r.values()}
	if it.Revision > 1 {
		claim.Expect = []any{it.Revision - 1}
	}
	return claim, store.Rows{Table: pastTable(), Rows: [][]any{r.values()}}, nil
}

const selected = `SELECT kind, name, revision, state, owner, due, sealed FROM `

// read gives newest revisions.
func (b *Book) read(ctx context.Context, where string, args ...any) ([]Item, error) {
	return b.query(ctx, selected+`assure_items`+where, args)
}

// past gives every revision of one item, in their order.
func (b *Book) past(ctx context.Context, kind Kind, id string) ([]Item, error) {
	return b.query(ctx, selected+`assure_revisions WHERE kind = ? AND name = ? ORDER BY revision`, []any{string(kind), b.name(kind, id)})
}

func (b *Book) query(ctx context.Context, statement string, args []any) ([]Item, error) {
	var found []row
	err := b.cfg.DB.Query(ctx, statement, args, func(sc store.Scanner) error {
		var r row
		err := sc.Scan(&r.kind, &r.name, &r.revision, &r.state, &r.owner, &r.due, &r.sealed)
		found = append(found, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	list := make([]Item, len(found))
	for i, r := range found {
		if list[i], err = b.open(ctx, r); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// open reads a row. What is sealed in it must be what the row says that it is.
func (b *Book) open(ctx context.Context, r row) (Item, error) {
	var it Item
	plain, err := b.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, r.subject(), r.sealed)
	if err != nil {
		return it, fmt.Errorf("open a %s of the register: %w", r.kind, err)
	}
	if err := json.Unmarshal(plain, &it); err != nil {
		return it, fmt.Errorf("decode a %s of the register: %w", r.kind, err)
	}
	if it.Revision != r.revision || b.name(it.Kind, it.ID) != r.name {
		return it, errs.New(errs.Internal, "a %s of the register is not what its row says: the database was tampered with", r.kind)
	}
	if it.Due.IsZero() {
		it.Due = time.Time{}
	}
	return it, nil
}

func sorted(list []Item) {
	slices.SortFunc(list, func(a, b Item) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) })
}
