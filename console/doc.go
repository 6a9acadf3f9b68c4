// Package console is what people look at all day: one page for each thing that they do.
//
// Invariant: a page has no power of its own. All that it shows and does it asks of /api/v1, in this process, for
// the person who looks at it: the same decision, the same entry, the same limits. What the API refuses is not
// here, and neither is a page whose call was refused: both look like an address that never existed.
//
// Nouns. A visit is one request by one person. A page is a file of Go that asks and a template of the same name
// that draws. A place is an entry of the menu, shown to those whom policy lets make its call. A deed is a form
// that changes something; it ends in a redirect to a page that says what was done, or in the page that it came
// from, with what was wrong and what was typed.
//
// To add a page: a file NAME.go with a function that asks (get, search) and calls draw; html/NAME.html that
// defines "main", with its name in names (render.go); a line in routes (routes.go) and one in the gateway's list
// (server/exposed.go); for a menu entry one in places (menu.go). Deeds are mounted by deed, and say what they
// did by a word of done (notice.go). Everything works without scripts; what scripts add lies in assets.
package console
