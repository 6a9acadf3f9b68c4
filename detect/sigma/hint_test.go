package sigma

import (
	"regexp"
	"strings"
	"testing"
)

// Hints never keep an expression from a text that it matches.
func TestHintsHideNoMatch(t *testing.T) {
	texts := []string{"", "x", "UNION  SELECT", "a' OR 1=1--", "<Script>", "${jndi:ldap}", "../../etc/passwd", "\r\nSet-Cookie: a", "ſelect", "K", "ÄÖ"}
	for _, expression := range []string{
		"", "x?", "(?i)union\\s+select", "(?i)['\"]\\s*(?:or|and)\\b", "(?i)<[\\s/]*script", "\\$\\{(?:jndi|lower):", "(?:\\.\\./){2,}etc", "(?i)[\\r\\n]set-", "a|b|", "(?:ab){0,2}", "(?i)äö", "[^a]", "(?i)(?:a|O)R",
	} {
		re, need := regexp.MustCompile(expression), hints(expression)
		for _, text := range texts {
			if !strings.Contains(text, "ſ") && re.MatchString(text) && !hinted(strings.ToLower(text), need) {
				t.Errorf("%q matches %q, and the hints %q say it cannot", expression, text, need)
			}
		}
	}
}

func FuzzHints(f *testing.F) {
	f.Add("(?i)un(?:ion|ix)+", "UNION")
	f.Add("(?i)k", "K")
	f.Fuzz(func(t *testing.T, expression, text string) {
		re, err := regexp.Compile(expression)
		if err != nil || len(expression) > 200 {
			return
		}
		if !strings.Contains(text, "ſ") && re.MatchString(text) && !hinted(strings.ToLower(text), hints(expression)) {
			t.Errorf("%q matches %q, and the hints %q say it cannot", expression, text, hints(expression))
		}
	})
}
