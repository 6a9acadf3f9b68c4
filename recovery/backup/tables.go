package backup

import "github.com/tutela-health/tutela/store"

// treatment is how a table travels.
type treatment int

const (
	// compared rows are read in full each time, and what differs from the last time travels. It is
	// what a table gets that this package does not know: nothing is left out by being new.
	compared treatment = iota
	written            // named by the ledger entries that wrote them
	appended           // batches of the ledger: those from the last tree's size on
	tiled              // the tree's tiles: those that the growth touched
	keyed              // with the keyring
	derived            // made anew after a restore: index terms, ties, postings
	passing            // of no use to another process: leases, jobs, tokens
)

func treatmentOf(table string) treatment {
	switch table {
	case "versions", "locators", "shared_keys":
		return written
	case "ledger_batches":
		return appended
	case "ledger_tiles":
		return tiled
	case keysTable, "generations", "open_generations", "shredded_keys":
		return keyed
	case "terms0", "terms1", "ties", "ledger_postings":
		return derived
	case "leases", "jobs", "invalidations", "guards", "tokens", "schema_migrations", "backups":
		return passing
	}
	return compared
}

// travelling gives the tables of some treatments.
func travelling(all []*store.Table, how ...treatment) []*store.Table {
	var list []*store.Table
	for _, t := range all {
		for _, h := range how {
			if treatmentOf(t.Name) == h {
				list = append(list, t)
			}
		}
	}
	return list
}
