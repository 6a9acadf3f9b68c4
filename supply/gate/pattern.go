package gate

import (
	"path"
	"strings"
)

// fits reports whether a path pattern names a path: * and ? within a name as path.Match has them, ** for
// any number of folders, and a pattern that ends in / for all below.
func fits(pattern, name string) bool {
	if strings.HasSuffix(pattern, "/") {
		pattern += "**"
	}
	return fitsParts(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

// fitsParts walks both part by part. It keeps one place to come back to, so that its time is at most the
// product of both lengths.
func fitsParts(pattern, name []string) bool {
	p, n, star, mark := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			star, mark = p, n
			p++
		case p < len(pattern) && same(pattern[p], name[n]):
			p++
			n++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == "**" {
		p++
	}
	return p == len(pattern)
}

func same(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
