package console

import (
	"encoding/json"

	"github.com/tutela-health/tutela"
)

// foundEntry is an entry as a search of the ledger gives it. Leaf is -1 while it is not in the tree.
type foundEntry struct {
	Leaf     int64        `json:"leaf"`
	Entry    tutela.Entry `json:"entry"`
	Writes   int          `json:"writes"`
	Personal []struct {
		Patient string          `json:"patient"`
		Erased  bool            `json:"erased"`
		Body    json.RawMessage `json:"body"`
	} `json:"personal"`
}
