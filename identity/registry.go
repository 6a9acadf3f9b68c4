package identity

import (
	"context"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// registry is what administrators register of one kind: applications, or outside providers.
type registry[T any] struct {
	s      *Service
	kind   itemKind
	absent string // what is said of one that is not there
}

func (s *Service) clients() registry[clientRecord] {
	return registry[clientRecord]{s, itemClient, "no such client"}
}

func (s *Service) providers() registry[Provider] {
	return registry[Provider]{s, itemProvider, "no such provider"}
}

// find reads one; errs.NotFound when there is none.
func (r registry[T]) find(ctx context.Context, id string) (item[T], error) {
	it, found, err := loadItem[T](ctx, r.s, r.kind, id)
	if err == nil && !found {
		err = errs.New(errs.NotFound, "%s", r.absent)
	}
	return it, err
}

// all gives every one, in the order of what name says.
func (r registry[T]) all(ctx context.Context, name func(T) string) ([]T, error) {
	items, err := listItems[T](ctx, r.s, r.kind, "")
	if err != nil {
		return nil, err
	}
	list := make([]T, len(items))
	for i, it := range items {
		list[i] = it.Value
	}
	slices.SortFunc(list, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	return list, nil
}

// change carries out a change that an administrator asks for of the one that the entry is about, with the
// entry; so is a refusal.
func (r registry[T]) change(ctx context.Context, by tutela.Principal, entry tutela.Entry, change func(*store.Op, item[T]) error) error {
	err := retried(func() error {
		op, err := r.s.administering(ctx, by)
		if err != nil {
			return err
		}
		it, err := r.find(ctx, entry.Subject.ID)
		if err != nil {
			return err
		}
		if err := change(&op, it); err != nil {
			return err
		}
		return r.s.revoke(ctx, op, entry)
	})
	return r.s.noteRefusal(ctx, entry, err)
}
