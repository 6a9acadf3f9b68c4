package audit

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// VerifyOptions say how much Verify does beyond recomputing every stored row.
type VerifyOptions struct {
	// Since are signed checkpoints kept elsewhere: the ledger must still contain what each of
	// them covers. Without one a rollback of the whole store is invisible.
	Since [][]byte
	// Write is called with every version that an entry in the tree or (leaf Pending) a pending
	// one wrote, in the ledger's order, for comparison with the rows that hold them.
	Write func(leaf int64, w tutela.Write) error
	// Deep compares the postings too, and reads the JSON of every header.
	Deep bool
	// Sealed leaves headers and sections unopened: hashes, chains and signatures only.
	Sealed bool
	// Limit ends the list of problems; 0 means 100. What is beyond it is counted.
	Limit int
}

// Problem is one thing that is not as the ledger wrote it.
type Problem struct {
	Where string // the row, e.g. "ledger_pending lane node-1/0 seq 17", or "leaf 1234"
	What  string // e.g. "MAC does not match"
}

// String joins place and finding.
func (p Problem) String() string { return p.Where + ": " + p.What }

// Report is what Verify found. A ledger verifies when Clean says so.
type Report struct {
	Size     int64     // leaves in the tree
	Root     tlog.Hash // of the state row, which every check is held against
	Pending  int64     // entries that are not in the tree yet
	Erased   int64     // sections whose key was destroyed: they verify by their commitment's place in the tree
	Problems []Problem
	More     int64 // problems beyond the limit
}

// Clean tells a ledger without a problem.
func (r Report) Clean() bool { return len(r.Problems) == 0 }

// Verify recomputes the whole ledger from its rows and reports each that differs. Rows are held
// against one another so that a fault is named where it is: leaves against the lowest tiles,
// tiles against those above, those against the state's root, state, chains and checkpoints
// against their MACs and signatures. It sees one moment of the store, and keeps little of it in
// memory. The error is for what could not be done, not for what was found.
func (l *Log) Verify(ctx context.Context, o VerifyOptions) (Report, error) {
	var r Report
	err := l.cfg.DB.Snapshot(ctx, func(q store.Querier) (err error) {
		r, err = l.VerifyIn(ctx, q, o)
		return err
	})
	return r, err
}

// VerifyIn is Verify on a view that the caller holds, so that what the ledger says was written can
// be compared with rows of the same moment.
func (l *Log) VerifyIn(ctx context.Context, q store.Querier, o VerifyOptions) (Report, error) {
	r, err := l.verify(ctx, q, o)
	if err != nil {
		return r, fmt.Errorf("verify ledger: %w", err)
	}
	return r, nil
}

// verify is Verify on what a Querier gives.
func (l *Log) verify(ctx context.Context, q store.Querier, o VerifyOptions) (Report, error) {
	if o.Limit <= 0 {
		o.Limit = 100
	}
	v := &verification{log: l, options: o, lanes: map[laneID]head{}, postingHash: newPostingHash()}
	err := v.run(ctx, q)
	return v.report, err
}

// verification is one run of Verify.
type verification struct {
	log     *Log
	options VerifyOptions
	report  Report

	state     state
	stateless bool            // the state row does not hold: what the batches say stands in for it
	lanes     map[laneID]head // where the recomputed chains end
	days      days            // of the entries seen

	tile   []tlog.Hash // the lowest tile that leaves are being held against
	tileAt int64       // its index

	postingHash *keys.MAC
	expected    postingSum // of the postings that there should be
	keyless     map[string]bool
}

func (v *verification) run(ctx context.Context, q store.Querier) error {
	steps := []func(context.Context, store.Querier) error{
		v.readState, v.batches, v.tiles, v.checkpoints, v.since, v.pending, v.postings,
	}
	for _, step := range steps {
		if err := step(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// problem notes a finding.
func (v *verification) problem(where, format string, args ...any) {
	if len(v.report.Problems) >= v.options.Limit {
		v.report.More++
		return
	}
	v.report.Problems = append(v.report.Problems, Problem{where, fmt.Sprintf(format, args...)})
}

// readState checks the state row, whose size and root the rest is held against.
func (v *verification) readState(ctx context.Context, q store.Querier) error {
	st, err := v.log.readState(ctx, q)
	if isTampered(err) {
		v.problem("ledger_state", "MAC does not match")
		v.stateless = true
	} else if err != nil {
		return err
	}
	states, err := countStates(ctx, q)
	if err != nil {
		return err
	}
	batches, err := countBatches(ctx, q)
	if err != nil {
		return err
	}
	switch {
	case states > 1:
		v.problem("ledger_state", "%d rows, want one", states)
	case st.mac == nil && states+batches > 0:
		v.problem("ledger_state", "missing")
		v.stateless = true
	}
	v.state = st
	v.report.Size, v.report.Root = st.size, st.root
	return nil
}
