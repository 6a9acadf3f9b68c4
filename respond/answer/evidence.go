package answer

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/pace"
)

// deeds are what the entries that a finding names show.
type deeds struct {
	itself    bool     // the account acted, having proved itself, in this system
	staged    bool     // it is a check's, of an account that was invented
	clients   []string // with which the account acted
	addresses []string // whence it was done, as networks
}

// maxTargets is how many clients or addresses of one finding are answered.
const maxTargets = 3

// stagedPrefix begins the names of accounts that checks invent, and of entries' actors that nobody else can have.
const stagedPrefix = "tutela-assess"

// deedsOf reads the entries of a finding. What another system told is no proof: whoever writes to its log would
// choose whom this one locks out. An entry that was tampered with proves nothing, and keeps the others from nothing.
func (s *Service) deedsOf(ctx context.Context, f finding.Finding) (deeds, error) {
	d := deeds{staged: strings.HasPrefix(string(f.Actor), stagedPrefix)}
	for _, id := range f.Entries {
		err := s.cfg.Audit.Search(ctx, audit.Query{ID: id, Limit: 1, Passing: true}, func(o audit.Opened) error {
			d.take(o.Entry, f.Actor)
			return nil
		})
		if err != nil {
			return d, err
		}
	}
	return d, nil
}

func (d *deeds) take(e tutela.Entry, account tutela.UserID) {
	if e.Foreign != nil {
		return
	}
	if strings.HasPrefix(string(e.Actor.ID), stagedPrefix) || e.Address == stagedPrefix {
		d.staged = true
		return
	}
	if account != "" && e.Actor.ID == account && proved(e) {
		d.itself = true
		add(&d.clients, e.Client)
	}
	if a, err := netip.ParseAddr(e.Address); err == nil {
		add(&d.addresses, pace.Network(a.Unmap().WithZone("").String()))
	}
}

// proved reports whether an entry's actor had proved to be who he is: its account is named by what a token, a
// cookie or a whole login showed. Who failed to is anonymous in the ledger.
func proved(e tutela.Entry) bool {
	known := e.Actor.Kind == tutela.ActorPerson || e.Actor.Kind == tutela.ActorService
	return known && (e.Session != "" || e.Client != "" || e.Outcome == tutela.OutcomeSuccess)
}

func add(list *[]string, s string) {
	if s != "" && len(*list) < maxTargets && !slices.Contains(*list, s) {
		*list = append(*list, s)
	}
}

// targets are whom an order is for.
func (d deeds) targets(o Order, account tutela.UserID) []Target {
	var list []Target
	switch o.target() {
	case Account:
		if account != "" {
			list = append(list, Target{On: Account, ID: string(account), Role: o.Role})
		}
	case Client:
		for _, c := range d.clients {
			list = append(list, Target{On: Client, ID: c})
		}
	case Address:
		for _, a := range d.addresses {
			list = append(list, Target{On: Address, ID: a})
		}
	}
	return list
}
