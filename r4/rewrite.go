package r4

import (
	"bytes"
	"fmt"
)

// childTowards finds the child of at whose subtree holds target, and its index as "[n]".
func (d *document) childTowards(at, target int32) (child int32, index string) {
	n := 0
	for i := at + 1; ; i = d.nodes[i].next {
		if target < d.nodes[i].next {
			return i, fmt.Sprintf("[%d]", n)
		}
		n++
	}
}

// RewriteReferences returns the resource's compact JSON with the links for which f gives another
// replaced, as a server rewrites the entries of a transaction (FHIR R4, http.html#trules): literal
// references, elements of type uri, url, oid and uuid, and href and src in narratives. Canonicals
// stay.
func (r *Resource) RewriteReferences(f func(link string) (string, bool)) []byte {
	root := r.Root()
	from := root.node().start
	out := make([]byte, 0, len(root.JSON())+len(root.JSON())/8)
	for i := root.at; i < root.node().next; i++ {
		n := Node{r.doc, i}
		text, ok := n.rewrite(f)
		if !ok {
			continue
		}
		out = append(out, r.doc.buf[from:n.node().start]...)
		out = appendString(out, text)
		from = n.node().end
	}
	return append(out, r.doc.buf[from:root.node().end]...)
}

// rewrite gives the node's new text, and false if it keeps its own.
func (n Node) rewrite(f func(string) (string, bool)) (string, bool) {
	v := n.node()
	if v.kind != '"' {
		return "", false
	}
	switch v.typ {
	case typeUri, typeUrl, typeOid, typeUuid:
		return f(n.Text())
	case typeXhtml:
		return rewriteLinks(n.Text(), f)
	}
	if n.isLiteral() {
		return f(n.Text())
	}
	return "", false
}

// rewriteLinks replaces the values of href and src in a narrative.
func rewriteLinks(div string, f func(string) (string, bool)) (string, bool) {
	var out []byte
	from, rest := 0, []byte(div)
	for pos := 0; ; {
		start, end := nextLink(rest[pos:])
		if start < 0 {
			break
		}
		start, end = pos+start, pos+end
		if link, ok := f(div[start:end]); ok {
			out = append(append(out, div[from:start]...), link...)
			from = end
		}
		pos = end
	}
	if out == nil {
		return "", false
	}
	return string(append(out, div[from:]...)), true
}

// nextLink finds the value of the next href or src attribute, -1 where there is none.
func nextLink(text []byte) (start, end int) {
	for pos := 0; ; {
		i := bytes.IndexByte(text[pos:], '=')
		if i < 0 {
			return -1, -1
		}
		eq := pos + i
		pos = eq + 1
		name := bytes.TrimRight(text[:eq], " \t\r\n")
		value := bytes.TrimLeft(text[pos:], " \t\r\n")
		if !bytes.HasSuffix(name, []byte("href")) && !bytes.HasSuffix(name, []byte("src")) || len(value) == 0 {
			continue
		}
		start = len(text) - len(value) + 1
		if n := bytes.IndexByte(text[start:], value[0]); n >= 0 && (value[0] == '"' || value[0] == '\'') {
			return start, start + n
		}
	}
}
