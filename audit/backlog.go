package audit

import (
	"context"
	"fmt"
)

// Backlog is how many commits' entries are not in the tree yet.
func (l *Log) Backlog(ctx context.Context) (n int64, err error) {
	if _, err = l.cfg.DB.QueryRow(ctx, "SELECT COUNT(*) FROM ledger_pending", nil, &n); err != nil {
		return 0, fmt.Errorf("count pending rows: %w", err)
	}
	return n, nil
}
