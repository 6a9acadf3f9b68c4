// Package markup looks into HTML pages, for tests.
package markup

import (
	"strings"

	"golang.org/x/net/html"
)

// All gives the elements of a name below a node, in the page's order. A selector is a tag, and pairs of
// attribute and value.
func All(n *html.Node, tag string, pairs ...string) []*html.Node {
	var list []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == tag && matches(d, pairs) {
			list = append(list, d)
		}
	}
	return list
}

func matches(n *html.Node, pairs []string) bool {
	for i := 0; i+1 < len(pairs); i += 2 {
		if !Has(n, pairs[i]) || Attr(n, pairs[i]) != pairs[i+1] {
			return false
		}
	}
	return true
}

// Has reports whether an element has an attribute.
func Has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// Attr gives an attribute's value, empty where there is none.
func Attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// Words is the text of an element, a space between words; empty for nil.
func Words(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
