package fhir

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/store"
)

// maxWrites bounds the writes of one transaction.
const maxWrites = 20_000

// transaction carries out all entries or none. Reads see what the writes left.
func (h *Handler) transaction(ctx context.Context, in *interaction, entries []*entry) (*answer, error) {
	for turn := 1; ; turn++ {
		a, err := h.transactInTurn(ctx, in, entries)
		if !errors.Is(err, store.ErrClaim) || turn == maxTurns {
			return a, err
		}
	}
}

// transact is the state of one transaction.
type transact struct {
	h       *Handler
	in      *interaction
	links   map[string]string // fullUrl or conditional reference → Type/id
	answers []*answer         // by position in the Bundle
	changes []records.Change
	order   []int // position in the Bundle of each change
	guards  []records.Guard
	kept    map[int]bool        // positions of conditional creates that found their resource
	seen    map[tutela.Ref]bool // what the changes write
}

func (h *Handler) transactInTurn(ctx context.Context, in *interaction, entries []*entry) (*answer, error) {
	t := &transact{h: h, in: in, links: map[string]string{}, seen: map[tutela.Ref]bool{}, kept: map[int]bool{}, answers: make([]*answer, len(entries))}
	targets := make([]tutela.Ref, len(entries))
	for i, e := range entries {
		err := e.err
		if err == nil {
			targets[i], err = t.target(ctx, e)
		}
		if err != nil {
			return nil, at(e, err)
		}
		if e.fullURL != "" && targets[i].ID != "" {
			t.links[e.fullURL] = targets[i].String()
		}
	}
	for _, i := range inOrder(entries) { // DELETE, POST, PUT (http.html#trules)
		if err := t.add(ctx, entries[i], targets[i]); err != nil {
			return nil, at(entries[i], err)
		}
	}
	if len(t.changes) > maxWrites {
		return nil, errs.New(errs.TooLarge, "a transaction has at most %d writes", maxWrites)
	}
	if err := t.commit(ctx); err != nil {
		return nil, err
	}
	return t.respond(ctx, entries)
}

// target is what an entry is about; a POST gets its id now, so that others can refer to it. A
// conditional create that finds its resource is about that, and keeps it.
func (t *transact) target(ctx context.Context, e *entry) (tutela.Ref, error) {
	ref := tutela.Ref{Type: e.path[0]}
	if sub, _ := t.h.single(t.in, e); sub.action == tutela.ActionBatch || len(e.path) > 2 && e.method != http.MethodGet {
		return ref, errs.New(errs.Unsupported, "this request is not offered within a transaction")
	}
	if len(e.path) > 1 {
		ref.ID = e.path[1]
	}
	if e.method != http.MethodPost {
		return ref, nil
	}
	ref.ID = newID()
	criteria := e.header.Get("If-None-Exist")
	if criteria == "" {
		return ref, nil
	}
	if !mayChooseIDs(t.in.caller) {
		return ref, errs.New(errs.Denied, "ifNoneExist is for system-scoped clients: it tells what exists")
	}
	guard, err := t.h.records.Guard(ctx, ref.Type+"?"+criteria)
	if err != nil {
		return ref, err
	}
	found, err := t.h.find(ctx, t.in, ref.Type, criteria)
	switch {
	case err != nil:
		return ref, err
	case len(found) > 1:
		return ref, severalMatch()
	case len(found) == 1:
		t.kept[e.at] = true
		return found[0].Ref, nil
	}
	if err := t.h.unlessRestricted(ctx, t.in, ref.Type, criteria); err != nil {
		return ref, err
	}
	if !slices.Contains(t.guards, guard) {
		t.guards = append(t.guards, guard)
	}
	return ref, nil
}

// inOrder are the positions of the writes in the order in which they are carried out.
func inOrder(entries []*entry) []int {
	var order []int
	for _, method := range []string{http.MethodDelete, http.MethodPost, http.MethodPut} {
		for i, e := range entries {
			if e.method == method {
				order = append(order, i)
			}
		}
	}
	return order
}

// add authorizes one write, points its references at what they mean here, and queues it.
func (t *transact) add(ctx context.Context, e *entry, ref tutela.Ref) error {
	c := records.Change{Ref: ref}
	sub, _ := t.h.single(t.in, e)
	if !knownType(ref.Type) || !r4.ValidID(ref.ID) {
		return errs.New(errs.Invalid, "request.url names no resource of FHIR R4")
	}
	var err error
	if c.Grant, err = t.h.access.Authorize(ctx, t.in.caller, access.Request{Action: sub.action, Type: ref.Type, Purpose: t.in.purpose}); err != nil {
		return err
	}
	if wantsResource(t.in, e) {
		c.Shows = t.h.shows(ctx, sub)
	}
	switch {
	case t.kept[e.at]:
		c.Kind = records.Keep
		t.changes, t.order = append(t.changes, c), append(t.order, e.at)
		return nil
	case sub.action == tutela.ActionCreate:
		c.Kind = records.Create
	case sub.action == tutela.ActionUpdate:
		c.Kind, c.MustExist = records.Update, !mayChooseIDs(t.in.caller)
		if e.resource.ID() != ref.ID {
			return errs.New(errs.Invalid, "the id in the resource must be the id in request.url")
		}
	default:
		c.Kind, c.MustExist = records.Delete, !mayChooseIDs(t.in.caller)
	}
	if c.IfMatch, err = ifMatch(e.header); err != nil {
		return err
	}
	if c.Kind != records.Delete {
		if e.resource.Type() != ref.Type {
			return errs.New(errs.Invalid, "the resource is not of the type in request.url")
		}
		if c.Resource, err = t.resolve(ctx, e.resource); err != nil {
			return err
		}
	}
	if t.seen[ref] {
		return errs.New(errs.Invalid, "two entries of the transaction write the same resource")
	}
	t.seen[ref] = true
	t.changes, t.order = append(t.changes, c), append(t.order, e.at)
	return nil
}

// resolve replaces links to other entries and conditional references.
func (t *transact) resolve(ctx context.Context, res *r4.Resource) (*r4.Resource, error) {
	var failed error
	changed := false
	text := res.RewriteReferences(func(link string) (string, bool) {
		to, ok := t.links[link]
		if !ok && failed == nil && isConditional(link) {
			to, failed = t.condition(ctx, link)
			ok = failed == nil
		}
		changed = changed || ok
		return to, ok
	})
	if failed != nil {
		return nil, failed
	}
	if !changed {
		return t.h.localized(res)
	}
	if res, failed = r4.Parse(text); failed != nil {
		return nil, failed
	}
	return t.h.localized(res)
}

// isConditional reports whether a reference names its target by a search (http.html#trules).
func isConditional(link string) bool {
	typ, _, ok := strings.Cut(link, "?")
	return ok && knownType(typ)
}

// condition finds the one resource that a conditional reference means.
func (t *transact) condition(ctx context.Context, link string) (string, error) {
	typ, criteria, _ := strings.Cut(link, "?")
	found, err := t.h.find(ctx, t.in, typ, criteria)
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", errs.New(errs.Precondition, "a conditional reference must match exactly one %s", typ)
	}
	t.links[link] = found[0].Ref.String()
	return t.links[link], nil
}

func (t *transact) commit(ctx context.Context) error {
	base := t.h.entry(t.in)
	if len(t.changes) > 0 {
		base.Basis = t.changes[0].Grant.Basis()
	}
	results, err := t.h.records.Transact(ctx, base, "", t.changes, t.guards...)
	var failed *records.ChangeError
	if errors.As(err, &failed) && failed.Index < len(t.order) {
		return at(&entry{at: t.order[failed.Index]}, err)
	}
	if err != nil {
		return err
	}
	for i := range results {
		t.answers[t.order[i]] = t.h.written(t.in, &results[i])
	}
	return nil
}

// respond carries out the reads and answers in the order of the request.
func (t *transact) respond(ctx context.Context, entries []*entry) (*answer, error) {
	b := newBundle("transaction-response")
	for i, e := range entries {
		a := t.answers[i]
		if a == nil {
			sub, op := t.h.single(t.in, e)
			a = t.h.do(ctx, sub, op)
		}
		b.entry(responseEntry(e, a, wantsResource(t.in, e)))
	}
	return &answer{status: http.StatusOK, body: b.bytes(), written: true}, nil
}
