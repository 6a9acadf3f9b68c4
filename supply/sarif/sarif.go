package sarif

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Limits on what is read of a file that nobody vouches for.
const (
	MaxFile    = 64 << 20 // bytes
	maxRuns    = 64
	maxResults = 100_000 // of all runs
	maxRules   = 100_000
)

// The parts of SARIF 2.1.0 (OASIS) that we read.
type (
	log struct {
		Version string `json:"version"`
		Runs    []run  `json:"runs"`
	}
	run struct {
		Tool struct {
			Driver     component   `json:"driver"`
			Extensions []component `json:"extensions"`
		} `json:"tool"`
		Results     []result `json:"results"`
		Invocations []struct {
			Successful *bool `json:"executionSuccessful"`
		} `json:"invocations"`
	}
	component struct {
		Name     string `json:"name"`
		Version  string `json:"version"`
		Semantic string `json:"semanticVersion"`
		Rules    []rule `json:"rules"`
	}
	rule struct {
		ID      string  `json:"id"`
		Name    string  `json:"name"`
		Short   message `json:"shortDescription"`
		Full    message `json:"fullDescription"`
		Help    message `json:"help"`
		HelpURI string  `json:"helpUri"`
		Default struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
		Properties properties `json:"properties"`
	}
	properties struct {
		Tags     []string `json:"tags"`
		Severity any      `json:"security-severity"` // a number as text (GitHub), or a number
		CWE      any      `json:"cwe"`
	}
	message struct {
		Text string `json:"text"`
	}
	result struct {
		RuleID    string `json:"ruleId"`
		RuleIndex *int   `json:"ruleIndex"`
		Rule      struct {
			ID        string `json:"id"`
			Index     *int   `json:"index"`
			Component struct {
				Index *int `json:"index"`
			} `json:"toolComponent"`
		} `json:"rule"`
		Level     string  `json:"level"`
		Kind      string  `json:"kind"`
		Message   message `json:"message"`
		Locations []struct {
			Physical struct {
				Artifact struct {
					URI string `json:"uri"`
				} `json:"artifactLocation"`
				Region struct {
					Line   int `json:"startLine"`
					Column int `json:"startColumn"`
					End    int `json:"endLine"`
				} `json:"region"`
			} `json:"physicalLocation"`
		} `json:"locations"`
		Suppressions []struct {
			Status        string `json:"status"`
			Justification string `json:"justification"`
		} `json:"suppressions"`
		Properties properties `json:"properties"`
	}
)

// errForm says that a file is no SARIF that we can read.
var errForm = errors.New("not SARIF 2.1.0")

func parse(text []byte) (log, error) {
	var l log
	if len(text) > MaxFile {
		return l, fmt.Errorf("larger than %d MiB", MaxFile>>20)
	}
	if err := json.Unmarshal(text, &l); err != nil || l.Version != "2.1.0" || l.Runs == nil {
		return log{}, errForm
	}
	if len(l.Runs) > maxRuns {
		return log{}, fmt.Errorf("more than %d runs", maxRuns)
	}
	results, rules := 0, 0
	for _, r := range l.Runs {
		results += len(r.Results)
		rules += len(r.Tool.Driver.Rules)
		for _, e := range r.Tool.Extensions {
			rules += len(e.Rules)
		}
	}
	if results > maxResults || rules > maxRules {
		return log{}, fmt.Errorf("more than %d results or %d rules", maxResults, maxRules)
	}
	return l, nil
}

// counts reports whether a result says that something is wrong (SARIF 3.27.9).
func (r *result) counts() bool {
	switch r.Kind {
	case "pass", "notApplicable", "informational":
		return false
	}
	return true
}

// suppressed gives why the tool leaves a result out (SARIF 3.35: every suppression that is not accepted leaves it in).
func (r *result) suppressed() (why string, ok bool) {
	for _, s := range r.Suppressions {
		if s.Status != "" && s.Status != "accepted" {
			return "", false
		}
		why = s.Justification
	}
	return why, len(r.Suppressions) > 0
}

// rule finds the rule of a result, by its index or its id; one that is nowhere is known by its id alone.
func (r *run) rule(of *result) rule {
	in := r.Tool.Driver.Rules
	if at := of.Rule.Component.Index; at != nil && *at >= 0 && *at < len(r.Tool.Extensions) {
		in = r.Tool.Extensions[*at].Rules
	}
	id := of.RuleID
	if id == "" {
		id = of.Rule.ID
	}
	for _, at := range []*int{of.RuleIndex, of.Rule.Index} {
		if at != nil && *at >= 0 && *at < len(in) && (id == "" || in[*at].ID == id) {
			return in[*at]
		}
	}
	return rule{ID: id}
}
