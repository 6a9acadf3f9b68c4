package server

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/recovery/backup"
)

// Backups is what the API needs of whoever makes backups.
type Backups struct {
	// Ask begins a full backup at destinations, those of the configuration where none is named, and
	// gives its number.
	Ask   func(to []string) (int64, error)
	State func(context.Context) (backup.State, error)
}

// backupWish is what a call for a backup names.
type backupWish struct {
	To []string `json:"to"`
}

// backupAsked tells by which number State will tell of it.
type backupAsked struct {
	Number int64 `json:"number"`
}

// askBackup begins a full backup; what became of it the ledger tells, and the list.
func (s *Server) askBackup(_ context.Context, c *call) (any, error) {
	var wish backupWish
	if err := c.decode(&wish); err != nil {
		return nil, err
	}
	c.entry.Subject = &tutela.Subject{Kind: "backup", Detail: fmt.Sprintf("%d destinations named", len(wish.To))}
	number, err := s.cfg.API.Backups.Ask(wish.To)
	return backupAsked{number}, err
}

func (s *Server) backups(ctx context.Context, _ *call) (any, error) {
	return s.cfg.API.Backups.State(ctx)
}
