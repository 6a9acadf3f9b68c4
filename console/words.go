package console

import (
	"fmt"
	"html/template"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// words are the functions of templates.
func words() template.FuncMap {
	return template.FuncMap{
		"until": until, "late": late, "ago": ago, "plain": plain, "short": short, "plural": plural, "share": share, "next": func(i int) int { return i + 1 },
	}
}

// span says a time that passes in at most two units, rounded down.
func span(d time.Duration) string {
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case days >= 3:
		return plural(days, "day")
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	default:
		return fmt.Sprintf("%d min", minutes)
	}
}

// until says how far off a moment is.
func until(now, at time.Time) string {
	if now.Before(at) {
		return "in " + span(at.Sub(now))
	}
	return span(now.Sub(at)) + " late"
}

// late reports whether a moment is over.
func late(now, at time.Time) bool { return !now.Before(at) }

// ago says how long a moment is past.
func ago(now, at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return span(max(now.Sub(at), 0)) + " ago"
}

// plain writes a name of the API in words: "account-takeover" is "account takeover".
func plain(name any) string {
	return strings.NewReplacer("-", " ", "_", " ", ".", " ").Replace(fmt.Sprint(name))
}

// short is the start of an id, enough to tell ids apart.
func short(id string) string {
	const enough = 10
	if len(id) <= enough {
		return id
	}
	return id[:enough] + "…"
}

// plural counts things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if thing == "person" {
		return fmt.Sprintf("%d people", n)
	}
	if s, ok := strings.CutSuffix(thing, "y"); ok && !strings.HasSuffix(s, "a") {
		return fmt.Sprintf("%d %sies", n, s)
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// sentence makes a text of an error a sentence.
func sentence(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return ""
	}
	text = string(unicode.ToUpper(r)) + text[n:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}
