// Package yamltree reads YAML and JSON that nobody vouches for as trees with line numbers. Every walk is
// bounded, also where anchors refer to one another.
package yamltree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits on a file.
const (
	maxBytes     = 4 << 20
	maxDocuments = 2_000
	maxDepth     = 64
	maxVisits    = 200_000
)

// Node is a place in a document. The zero Node is what is not there; asking it is allowed.
type Node struct {
	n *yaml.Node
}

// Parse gives the documents of a file.
func Parse(text []byte) ([]Node, error) {
	if len(text) > maxBytes {
		return nil, fmt.Errorf("larger than %d MiB", maxBytes>>20)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var list []Node
	for {
		var n yaml.Node
		if err := d.Decode(&n); err != nil {
			if errors.Is(err, io.EOF) {
				return list, nil
			}
			return nil, errors.New("not YAML that can be read")
		}
		if len(list) == maxDocuments {
			return nil, fmt.Errorf("more than %d documents", maxDocuments)
		}
		if len(n.Content) == 1 {
			list = append(list, Node{n.Content[0]})
		}
	}
}

// here follows an anchor; nil is what is not there.
func (n Node) here() *yaml.Node {
	if n.n != nil && n.n.Kind == yaml.AliasNode {
		return n.n.Alias
	}
	return n.n
}

// Line is where the node stands, from 1; 0 for what is not there.
func (n Node) Line() int {
	if n.n == nil {
		return 0
	}
	return n.n.Line
}

// Exists reports whether it is there, also when it is null.
func (n Node) Exists() bool { return n.n != nil }

// Text is a scalar's text; empty for everything else.
func (n Node) Text() string {
	if h := n.here(); h != nil && h.Kind == yaml.ScalarNode && h.Tag != "!!null" {
		return h.Value
	}
	return ""
}

// IsText reports whether it is a scalar other than null.
func (n Node) IsText() bool {
	h := n.here()
	return h != nil && h.Kind == yaml.ScalarNode && h.Tag != "!!null"
}

// Is reports whether it is the scalar that says text, whatever the case of its letters.
func (n Node) Is(text string) bool { return strings.EqualFold(n.Text(), text) && n.IsText() }

// True reports whether it says yes.
func (n Node) True() bool { return n.Is("true") || n.Is("yes") || n.Is("on") }

// False reports whether it says no.
func (n Node) False() bool { return n.Is("false") || n.Is("no") || n.Is("off") }

// IsMap and IsList tell what it is.
func (n Node) IsMap() bool  { h := n.here(); return h != nil && h.Kind == yaml.MappingNode }
func (n Node) IsList() bool { h := n.here(); return h != nil && h.Kind == yaml.SequenceNode }

// Get walks down by keys.
func (n Node) Get(keys ...string) Node {
	for _, key := range keys {
		n = n.member(key)
	}
	return n
}

func (n Node) member(key string) Node {
	for k, v := range n.Members() {
		if k == key {
			return v
		}
	}
	return Node{}
}

// Key is where a member's name stands, which is where an absent value is missed.
func (n Node) Key(key string) Node {
	h := n.here()
	if h == nil || h.Kind != yaml.MappingNode {
		return Node{}
	}
	for i := 0; i+1 < len(h.Content); i += 2 {
		if h.Content[i].Value == key {
			return Node{h.Content[i]}
		}
	}
	return Node{}
}

// Members gives what a map holds, merged maps (<<) last.
func (n Node) Members() iter.Seq2[string, Node] {
	return func(yield func(string, Node) bool) {
		left := maxMerges
		members(n, &left, yield)
	}
}

// maxMerges is how many maps one map may be merged from, those within others too.
const maxMerges = 256

func members(n Node, left *int, yield func(string, Node) bool) bool {
	h := n.here()
	if *left--; h == nil || h.Kind != yaml.MappingNode || *left < 0 {
		return true
	}
	var merged []Node
	for i := 0; i+1 < len(h.Content); i += 2 {
		if h.Content[i].Value == "<<" && h.Content[i].Tag == "!!merge" {
			merged = append(merged, Node{h.Content[i+1]})
			continue
		}
		if !yield(h.Content[i].Value, Node{h.Content[i+1]}) {
			return false
		}
	}
	for _, m := range merged {
		sources := m.Items()
		if m.IsMap() {
			sources = []Node{m}
		}
		for _, s := range sources {
			if !members(s, left, yield) {
				return false
			}
		}
	}
	return true
}

// Items gives what a list holds, or a single scalar as a list of one, as many formats have it.
func (n Node) Items() []Node {
	h := n.here()
	switch {
	case h == nil:
		return nil
	case h.Kind == yaml.SequenceNode:
		list := make([]Node, len(h.Content))
		for i, c := range h.Content {
			list[i] = Node{c}
		}
		return list
	case n.IsText():
		return []Node{n}
	}
	return nil
}

// All gives every node below, itself first, with the keys that lead to it; list items add nothing to these.
func (n Node) All() iter.Seq2[[]string, Node] {
	return func(yield func([]string, Node) bool) {
		visits := 0
		all(n, nil, &visits, yield)
	}
}

func all(n Node, at []string, visits *int, yield func([]string, Node) bool) bool {
	if *visits++; *visits > maxVisits || len(at) > maxDepth {
		return true
	}
	if !yield(at, n) {
		return false
	}
	for key, v := range n.Members() {
		if !all(v, append(at[:len(at):len(at)], key), visits, yield) {
			return false
		}
	}
	if n.IsList() {
		for _, item := range n.Items() {
			if !all(item, append(at[:len(at):len(at)], ""), visits, yield) {
				return false
			}
		}
	}
	return true
}

// Custom reports whether the value has a tag of its own, such as CloudFormation's !Ref: what it stands
// for is not known from the file.
func (n Node) Custom() bool {
	h := n.here()
	return h != nil && strings.HasPrefix(h.Tag, "!") && !strings.HasPrefix(h.Tag, "!!")
}
