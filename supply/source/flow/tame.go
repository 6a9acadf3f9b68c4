package flow

import (
	"strings"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

// ownAddress reports whether a source is the address under which a page or a request is already there: going to the
// whole of it leads nowhere else, going to a piece of it may.
func ownAddress(from string) bool {
	return oneOf(last(from), "location nextUrl URL documentURI")
}

// tame gives the harm that a member of what comes in cannot do, beyond what is known of it. first says that it is where
// it comes in.
func tame(v value, first bool, name string) hazard {
	switch at := last(v.from); {
	case first && (at == "hostname" || ownAddress(v.from)):
		return v.cleared | redirect // nobody makes the browser of another ask for another host
	case first && v.from == "ctx.query":
		return v.cleared | query // Koa reads addresses into texts, never into objects
	case ownAddress(v.from) && oneOf(name, "search searchParams hash pathname query"):
		return v.cleared &^ redirect
	case at == "headers" && (name == "host" || name == "Host"):
		return v.cleared | redirect
	case oneOf(at, "file files") && oneOf(name, "path filepath tempFilePath newFilename destination"):
		return v.cleared | file // the reader of uploads made it up
	}
	return v.cleared
}

// asksHost is what the name of the host that was asked cannot do.
func asksHost(c *call) hazard {
	if n := c.n.Kid(1); n.Is(syntax.Text) && strings.EqualFold(n.Text, "host") {
		return redirect
	}
	return 0
}
