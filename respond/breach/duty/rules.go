package duty

import (
	_ "embed"
	"slices"

	"github.com/go-json-experiment/json"
)

// rule is a State's, as states.json has it.
type rule struct {
	ID       string `json:"id"`
	State    string `json:"state"` // USPS code
	Law      string `json:"law"`
	To       string `json:"to"`
	Least    int    `json:"least"` // residents from whom on it holds
	Days     int    `json:"days"`  // calendar days, 0 for none
	From     string `json:"from"`  // discovered or determined
	Soon     string `json:"soon"`
	Verified bool   `json:"verified"` // it was read in an official text
	Note     string `json:"note,omitempty"`
}

//go:embed states.json
var statesFile []byte

// shippedRules are those of states.json. A file that does not decode has none; a test reads it.
func shippedRules() []rule {
	var list []rule
	if json.Unmarshal(statesFile, &list, json.RejectUnknownMembers(true)) != nil {
		return nil
	}
	return list
}

func known(state string) bool {
	return slices.ContainsFunc(shippedRules(), func(r rule) bool { return r.State == state })
}
