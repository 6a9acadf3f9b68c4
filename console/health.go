package console

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/recovery/backup"
	"github.com/tutela-health/tutela/recovery/holders"
	"github.com/tutela-health/tutela/respond/siem"
)

// staleBackup is from when on a backup is said to be old: a day, and an hour for making the next.
const staleBackup = 25 * time.Hour

// overviewLedger says how long the ledger is, by its public checkpoint (C2SP tlog-checkpoint: origin, size, root).
func overviewLedger(v *visit, b *overviewBody) error {
	status, note, err := v.console.api.Do(v.r.Context(), v.by, http.MethodGet, "/ledger/checkpoint", nil)
	if err != nil {
		return err
	}
	lines := strings.Split(string(note), "\n")
	const size = 1
	switch {
	case status == http.StatusNotFound:
		b.Health[0] = &health{Part: "Ledger", Good: true, Text: "no checkpoint yet"}
	case status != http.StatusOK || len(lines) <= size:
		b.Health[0] = &health{Part: "Ledger", Text: "the checkpoint cannot be read"}
	default:
		b.Health[0] = &health{Part: "Ledger", Good: true, Text: lines[size] + " entries in the tree"}
	}
	return nil
}

// keyProvider is where the generation keys are, and how that is.
type keyProvider struct {
	Provider    string    `json:"provider"`
	Answers     bool      `json:"answers"`
	Answered    time.Time `json:"answered"`
	Failed      string    `json:"failed"`
	Outage      int       `json:"outage_minutes"`
	Shut        bool      `json:"shut"`
	Generations []int     `json:"generations"`
	MovingFrom  string    `json:"moving_from"`
	Left        []int     `json:"left"`
}

func overviewProvider(v *visit, b *overviewBody) error {
	p, err := get[keyProvider](v, "/api/v1/keys/provider")
	if err != nil {
		return err
	}
	h := health{Part: "Key provider", Good: p.Answers && !p.Shut, Text: p.Provider + " answers"}
	if !h.Good {
		h.Text = p.Provider + " does not answer"
	}
	b.Health[1] = &h
	return nil
}

func overviewRecovery(v *visit, b *overviewBody) error {
	st, err := get[holders.Status](v, "/api/v1/keys/recovery")
	if err != nil {
		return err
	}
	h := health{Part: "Recovery of keys", Good: st.Due == "", Text: "nothing is due"}
	if !h.Good {
		h.Text = st.Due
	}
	b.Health[2] = &h
	return nil
}

func overviewBackups(v *visit, b *overviewBody) error {
	st, err := get[backup.State](v, "/api/v1/backups")
	if errs.Is(err, errs.Unprocessable) || errs.Is(err, errs.Conflict) || errs.Is(err, errs.NotFound) {
		b.Health[3] = &health{Part: "Backups", Text: sentence(errs.Public(err))}
		return nil
	}
	if err != nil {
		return err
	}
	b.Health[3] = backupHealth(v.now, st)
	return nil
}

// backupHealth says how old the newest backup of data is.
func backupHealth(now time.Time, st backup.State) *health {
	h := health{Part: "Backups", Text: "none was made yet"}
	for _, m := range st.Made {
		if m.IsKeyring() {
			continue
		}
		h.Good, h.Text = now.Sub(m.Made) < staleBackup, "the newest was made "+ago(now, m.Made)
		break
	}
	if st.Failure != "" {
		h.Good, h.Text = false, "the last one failed: "+st.Failure
	}
	return &h
}

func overviewTargets(v *visit, b *overviewBody) error {
	const muchBehind = 10_000
	list, err := get[[]siem.State](v, "/api/v1/export-targets")
	if err != nil || len(list) == 0 {
		return err
	}
	h := health{Part: "Ledger to other systems", Good: true}
	behind := int64(0)
	for _, t := range list {
		behind = max(behind, t.Behind)
	}
	h.Good, h.Text = behind < muchBehind, fmt.Sprintf("%s, %d entries behind at most", plural(len(list), "target"), behind)
	b.Health[4] = &h
	return nil
}
