package osv

import (
	"strings"

	cvss2 "github.com/pandatix/go-cvss/20"
	cvss30 "github.com/pandatix/go-cvss/30"
	cvss31 "github.com/pandatix/go-cvss/31"
	cvss4 "github.com/pandatix/go-cvss/40"

	"github.com/tutela-health/tutela/supply"
)

// Severity is how bad the fault is: by the highest CVSS score that the advisory states of this package or
// of the whole, by the database's own word where it states none, and Unknown where it says nothing.
func (a *Advisory) Severity() supply.Severity {
	var score float64
	word := supply.Unknown
	for _, f := range a.Affected {
		for _, v := range f.Vectors {
			score = max(score, Score(v))
		}
		word = max(word, byWord(f.Word))
	}
	if score == 0 {
		for _, v := range a.Vectors {
			score = max(score, Score(v))
		}
	}
	if score > 0 {
		return rate(score)
	}
	return max(word, byWord(a.Word))
}

// Score is the score of a CVSS vector (version 2.0, 3.0, 3.1 or 4.0), from 0.1 to 10; 0 where it is none.
func Score(vector string) float64 {
	if len(vector) > 400 {
		return 0
	}
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		if v, err := cvss4.ParseVector(vector); err == nil {
			return v.Score()
		}
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		if v, err := cvss31.ParseVector(vector); err == nil {
			return v.BaseScore()
		}
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		if v, err := cvss30.ParseVector(vector); err == nil {
			return v.BaseScore()
		}
	default:
		if v, err := cvss2.ParseVector(vector); err == nil {
			return v.BaseScore()
		}
	}
	return 0
}

// rate is the qualitative scale of CVSS 3.1, section 5.
func rate(score float64) supply.Severity {
	switch {
	case score >= 9:
		return supply.Critical
	case score >= 7:
		return supply.High
	case score >= 4:
		return supply.Medium
	}
	return supply.Low
}

// byWord reads the words that GitHub, Red Hat, Ubuntu and Debian use.
func byWord(word string) supply.Severity {
	switch strings.ToLower(strings.Trim(word, "* ")) {
	case "critical":
		return supply.Critical
	case "high", "important":
		return supply.High
	case "moderate", "medium":
		return supply.Medium
	case "low", "minor":
		return supply.Low
	case "negligible", "unimportant":
		return supply.Info
	}
	return supply.Unknown
}
