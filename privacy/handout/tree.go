package handout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"strings"
	"unicode"
)

// node is one value of a resource in the order in which it was stored: text, or a list of named parts.
type node struct {
	Name  string
	Text  string
	Link  string // an anchor of this page to which the text leads
	Parts []node
}

// deepest bounds how far values are nested; FHIR's own are not half as deep.
const deepest = 64

// read makes nodes of a resource's JSON.
func read(text []byte) (node, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return value(d, "", 0)
}

func value(d *json.Decoder, name string, depth int) (node, error) {
	n := node{Name: name}
	token, err := d.Token()
	if err != nil {
		return n, fmt.Errorf("read a resource: %w", err)
	}
	if depth > deepest {
		return n, errors.New("read a resource: it is nested too deeply")
	}
	switch t := token.(type) {
	case json.Delim:
		return n, n.fill(d, t, depth)
	case string:
		n.Text = t
	case nil:
		n.Text = "–"
	default:
		n.Text = fmt.Sprint(t)
	}
	return n, nil
}

// fill reads the parts of an object or a list. Those of a list have its name.
func (n *node) fill(d *json.Decoder, open json.Delim, depth int) error {
	for d.More() {
		name := n.Name
		if open == '{' {
			token, err := d.Token()
			if err != nil {
				return fmt.Errorf("read a resource: %w", err)
			}
			name, _ = token.(string)
		}
		part, err := value(d, name, depth+1)
		if err != nil {
			return err
		}
		if open == '[' && len(part.Parts) == 0 && part.Text == "" {
			continue
		}
		n.Parts = append(n.Parts, part)
	}
	_, err := d.Token()
	return err
}

// child gives a part by name: the first, where it is a list.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for i := range n.Parts {
		if n.Parts[i].Name != name {
			continue
		}
		found := &n.Parts[i]
		if len(found.Parts) > 0 && found.Parts[0].Name == name {
			found = &found.Parts[0]
		}
		return found
	}
	return nil
}

// text gives a part's text along a path; empty where there is none.
func (n *node) text(path ...string) string {
	for _, name := range path {
		n = n.child(name)
	}
	if n == nil {
		return ""
	}
	return n.Text
}

// words makes of an element's name what people read: "birthDate" becomes "birth date".
func words(name string) string {
	var b strings.Builder
	for i, c := range strings.TrimPrefix(name, "_") {
		if unicode.IsUpper(c) && i > 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// longestValue is from how many characters on a value without spaces is taken for no text.
const longestValue = 400

// plain is a value as the document shows it: a narrative without its markup, and instead of an
// attachment's bytes how many there are.
func plain(name, text string) string {
	switch {
	case name == "div":
		return narrative(text)
	case len(text) > longestValue && !strings.ContainsAny(text, " \n\t"):
		return fmt.Sprintf("(%d characters, in the FHIR file)", len(text))
	}
	return text
}

// narrative is what of XHTML is text. What it gives is escaped like any other.
func narrative(text string) string {
	var b strings.Builder
	for text != "" {
		before, rest, found := strings.Cut(text, "<")
		b.WriteString(before)
		if !found {
			break
		}
		b.WriteByte(' ')
		_, text, _ = strings.Cut(rest, ">")
	}
	return strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
}
