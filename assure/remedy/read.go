package remedy

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela/internal/errs"
)

// ReadCSV reads findings from a table whose first line names its columns: title and severity, and where there are such rule
// and where. One bad line refuses all of it, and is named.
func ReadCSV(text []byte) ([]Finding, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	head, err := r.Read()
	if err != nil {
		return nil, errs.New(errs.Invalid, "the table has no line that names its columns")
	}
	at := map[string]int{}
	for i, name := range head {
		at[strings.ToLower(strings.TrimSpace(name))] = i
	}
	for _, name := range []string{"title", "severity"} {
		if _, there := at[name]; !there {
			return nil, errs.New(errs.Invalid, "the table has no column %s; it needs title and severity, and may have rule and where", name)
		}
	}
	list := []Finding{}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list, checked(list)
		}
		if err != nil {
			return nil, errs.New(errs.Invalid, "the table cannot be read: %v", err)
		}
		cell := func(name string) string {
			if i, there := at[name]; there {
				return strings.TrimSpace(cells[i])
			}
			return ""
		}
		f := Finding{Title: cell("title"), Where: cell("where"), Severity: Severity(strings.ToLower(cell("severity")))}
		f.Rule = cmp.Or(cell("rule"), f.Title)
		if err := f.check(); err != nil {
			line, _ := r.FieldPos(0)
			return nil, errs.New(errs.Invalid, "line %d: %s", line, errs.Public(err))
		}
		list = append(list, f)
	}
}

// log is the part of SARIF 2.1.0 that is read (section 3.13 and what it leads to).
type log struct {
	Version string `json:"version"`
	Runs    []struct {
		Tool struct {
			Driver struct {
				Rules []struct {
					ID      string `json:"id"`
					Default struct {
						Level string `json:"level"`
					} `json:"defaultConfiguration"`
					Properties struct {
						Severity string `json:"security-severity"`
					} `json:"properties"`
				} `json:"rules"`
			} `json:"driver"`
		} `json:"tool"`
		Results []result `json:"results"`
	} `json:"runs"`
}

type result struct {
	RuleID    string `json:"ruleId"`
	RuleIndex *int   `json:"ruleIndex"`
	Kind      string `json:"kind"`
	Level     string `json:"level"`
	Message   struct {
		Text string `json:"text"`
	} `json:"message"`
	Locations []struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
		} `json:"physicalLocation"`
		Logical []struct {
			Name string `json:"fullyQualifiedName"`
		} `json:"logicalLocations"`
	} `json:"locations"`
	Suppressions []struct{} `json:"suppressions"`
}

// ReadSARIF reads findings from SARIF 2.1.0. A rule's security-severity (a CVSS score) counts before a level; what the tool
// itself passed or suppressed is no finding.
func ReadSARIF(text []byte) ([]Finding, error) {
	var l log
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, errs.New(errs.Invalid, "this is no SARIF: %v", err)
	}
	if l.Version != "2.1.0" {
		return nil, errs.New(errs.Invalid, "the file has version %q, and SARIF 2.1.0 is read", l.Version)
	}
	list := []Finding{}
	for _, run := range l.Runs {
		for i, r := range run.Results {
			if r.Kind != "" && r.Kind != "fail" || len(r.Suppressions) > 0 {
				continue
			}
			level, score := r.Level, ""
			for n, rule := range run.Tool.Driver.Rules {
				if rule.ID == r.RuleID || r.RuleIndex != nil && *r.RuleIndex == n {
					r.RuleID = cmp.Or(r.RuleID, rule.ID)
					level, score = cmp.Or(level, rule.Default.Level), rule.Properties.Severity
				}
			}
			text := strings.ToValidUTF8(r.Message.Text, "")
			f := Finding{Rule: r.RuleID, Title: strings.ToValidUTF8(cmp.Or(text[:min(len(text), 300)], r.RuleID), ""), Severity: severityOf(level, score)}
			if len(r.Locations) > 0 {
				f.Where = r.Locations[0].Physical.Artifact.URI
				if f.Where == "" && len(r.Locations[0].Logical) > 0 {
					f.Where = r.Locations[0].Logical[0].Name
				}
			}
			if err := f.check(); err != nil {
				return nil, errs.New(errs.Invalid, "result %d: %s", i+1, errs.Public(err))
			}
			list = append(list, f)
		}
	}
	return list, checked(list)
}

// severityOf is by the ranges of CVSS (v3.1, section 5) where there is a score, and else by SARIF's level (3.27.10).
func severityOf(level, score string) Severity {
	if s, err := strconv.ParseFloat(score, 64); err == nil {
		switch {
		case s >= 9:
			return Critical
		case s >= 7:
			return High
		case s >= 4:
			return Medium
		}
		return Low
	}
	switch level {
	case "error":
		return High
	case "note", "none":
		return Low
	}
	return Medium
}

func checked(list []Finding) error {
	if len(list) > maxFindings {
		return errs.New(errs.Invalid, "%d findings; a run has %d at most", len(list), maxFindings)
	}
	return nil
}

// unique leaves each finding once, and orders them.
func unique(list []Finding) []Finding {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.key(), b.key()), slices.Index(Severities(), a.Severity)-slices.Index(Severities(), b.Severity))
	})
	return slices.CompactFunc(list, func(a, b Finding) bool { return a.key() == b.key() })
}

// key tells findings apart, from run to run.
func (f Finding) key() string { return fmt.Sprintf("%q %q", f.Rule, f.Where) }
