package redact

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plainWords stand behind labels of secrets and are none: what a log says about one.
var plainWords = regexp.MustCompile(`(?i)^(?:true|false|null|none|nil|undefined|redacted|\[?redacted\]?|hidden|masked|filtered|\[?filtered\]?|changed|expired|invalid|required|missing|incorrect|wrong|rejected|revoked|refreshed|failed|accepted|valid|ok|empty|unset|not|is|was|has|for|x{3,}|\*+|\.{3,}|-+|%[svdq]|\$?\{.*\}?|string|error|issued|type|count|authentication)[.,:;!]?$`)

// secret tells what is one from what is said about one. A mark is none: redacting twice changes nothing.
func secret(s string) bool { return len(s) >= 3 && unmarked(s) && !plainWords.MatchString(s) }

// unmarked reports whether there is more than marks.
func unmarked(s string) bool { return strings.TrimSpace(marks.ReplaceAllString(s, "")) != "" }

func some(s string) bool { return strings.TrimSpace(s) != "" && unmarked(s) }

var marks = regexp.MustCompile(`\[tutela:[a-z]+\]`)

// random reports whether a word is no word of prose: it has a digit, a sign, or capitals within.
func random(s string) bool {
	if strings.ContainsAny(s, "0123456789+/=_~") {
		return true
	}
	return strings.IndexFunc(s[1:], unicode.IsUpper) >= 0 && strings.ToUpper(s) != s
}

// ssn tells social security numbers from numbers that were never given out (SSA, POMS RM 10201.035).
func ssn(s string) bool {
	return s[:3] != "000" && s[:3] != "666" && s[0] != '9' && s[4:6] != "00" && s[7:] != "0000"
}

// card tells the numbers of payment cards: first digits of issuers (ISO/IEC 7812) and Luhn's check digit.
func card(s string) bool {
	sum, n := 0, 0
	if !strings.ContainsRune("23456", rune(s[0])) {
		return false
	}
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] < '0' || s[i] > '9' {
			continue
		}
		d := int(s[i] - '0')
		if n%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		n++
	}
	return sum%10 == 0 && !strings.HasPrefix(s, "20") && strings.Trim(s, s[:1]+" -") != ""
}

// numbered tells a number, letters among it perhaps, from a word.
func numbered(s string) bool { return digits(s) >= 3 }

func phone(s string) bool {
	n := digits(s)
	return n >= 7 && n <= 15
}

func digits(s string) int {
	n := 0
	for _, c := range []byte(s) {
		if c >= '0' && c <= '9' {
			n++
		}
	}
	return n
}

// place tells where somebody lives from where a machine is: it has words and a number.
func place(s string) bool {
	letters := strings.IndexFunc(s, unicode.IsLetter) >= 0
	return letters && unmarked(s) && digits(s) > 0 && (strings.ContainsAny(s, " +") || strings.Contains(s, "%20")) && !strings.Contains(s, "://")
}

// noNames stand behind labels of names and are none.
var noNames = regexp.MustCompile(`(?i)^(?:true|false|null|none|nil|undefined|unknown|empty|required|missing|invalid|is|was|not|has|must|string|text|exact|contains|asc|desc|read|write|search|created|updated|deleted|found|id|identifier|resource|record|records|portal|inet6?|ipv[46]|tcp|udp|admission|discharge)$`)

// attack is in no name. Where somebody tries an injection in a name's place, rules must see it.
var attack = regexp.MustCompile(`(?i)(?:\b|%20|\+)(?:or|and|union|select|sleep|waitfor|drop|insert|exec|alert)(?:\b|%20|\+)`)

// named tells names from other words.
func named(s string) bool {
	first, size := utf8.DecodeRuneInString(s)
	return unicode.IsLetter(first) && len(s) > size && !noNames.MatchString(s) && !attack.MatchString(s)
}
