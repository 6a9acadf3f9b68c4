package audit

import (
	"context"
	"fmt"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// candidates lists the first leaves of the batches that may answer, ascending: those under every
// word of the question, where a word of one day is asked for each day of the period.
func (l *Log) candidates(ctx context.Context, q store.Querier, ask Query) ([]int64, error) {
	if ask.plain() {
		return l.newest(ctx, q, ask)
	}
	p, err := l.period(ctx, q, ask)
	if err != nil {
		return nil, err
	}
	var lists [][]int64
	add := func(list []int64, err error) error {
		lists = append(lists, list)
		return err
	}
	if ask.Patient != nil && *ask.Patient != tutela.BucketGeneral {
		err = add(underTokens(ctx, q, []int64{l.token(patientWord(*ask.Patient))}))
	}
	if err == nil && ask.Actor != "" {
		err = add(underTokens(ctx, q, l.dayTokens(postActor, string(ask.Actor), p)))
	}
	if err == nil && ask.Action != "" {
		err = add(underTokens(ctx, q, l.dayTokens(postAction, string(ask.Action), p)))
	}
	if err == nil && (len(lists) == 0 || ask.Actor == "" && ask.Action == "" && ask.bounded()) {
		err = add(underTokens(ctx, q, l.dayTokens(postDay, "", p)))
	}
	if err != nil {
		return nil, err
	}
	firsts := intersect(lists)
	if ask.Below > 0 {
		at, _ := slices.BinarySearch(firsts, ask.Below)
		firsts = firsts[:at]
	}
	return firsts, nil
}

// plain reports whether the newest entries are asked for, whatever they are: as many batches as entries have them.
func (q Query) plain() bool {
	return q.Newest && q.Limit > 0 && !q.Passing && q.ID == "" && q.Actor == "" && q.Patient == nil && q.Action == "" && q.Outcome == "" && !q.bounded()
}

// newest lists the last batches, each of which must end where the one after it begins: no posting tells that one is missing.
func (l *Log) newest(ctx context.Context, q store.Querier, ask Query) ([]int64, error) {
	st, err := l.readState(ctx, q)
	if err != nil {
		return nil, err
	}
	var firsts []int64
	end := st.size
	below := st.size
	if ask.Below > 0 {
		below = min(below, ask.Below)
	}
	err = newestBatches(ctx, q, below, ask.Limit, func(first, count int64) error {
		if next := first + count; next != end && (len(firsts) > 0 || next < below || next > st.size) {
			return tampered(stored{first: first}.where(), fmt.Sprintf("ends before leaf %d, and another begins at %d", next, end))
		}
		firsts, end = append(firsts, first), first
		return nil
	})
	if err == nil && len(firsts) < ask.Limit && end != 0 {
		err = tampered("ledger_batches", fmt.Sprintf("leaves before %d are missing", end))
	}
	slices.Reverse(firsts)
	return firsts, err
}

func (q Query) bounded() bool { return !q.From.IsZero() || !q.To.IsZero() }

// period gives the days of a question, within those that the ledger has entries of.
func (l *Log) period(ctx context.Context, q store.Querier, ask Query) (days, error) {
	st, err := l.readState(ctx, q)
	if err != nil {
		return days{}, err
	}
	p := st.days
	if !ask.From.IsZero() {
		p.first = max(p.first, int64(dayOf(ask.From)))
	}
	if !ask.To.IsZero() {
		p.last = min(p.last, int64(dayOf(ask.To)))
	}
	return p, nil
}

func (l *Log) dayTokens(kind, value string, p days) []int64 {
	var list []int64
	for d := p.first; d <= p.last; d++ {
		list = append(list, l.token(word{kind, value, uint32(d)}))
	}
	return list
}

// underTokens is the union of the batches under some words, ascending.
func underTokens(ctx context.Context, q store.Querier, words []int64) ([]int64, error) {
	var firsts []int64
	for _, w := range words {
		err := postingsOf(ctx, q, w, func(first int64) error {
			firsts = append(firsts, first)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(firsts)
	return slices.Compact(firsts), nil
}

// intersect keeps what is in all lists; they are ascending.
func intersect(lists [][]int64) []int64 {
	common := lists[0]
	for _, other := range lists[1:] {
		common = slices.DeleteFunc(common, func(n int64) bool {
			_, found := slices.BinarySearch(other, n)
			return !found
		})
	}
	return common
}
