package r4

import (
	"bytes"
	"slices"
	"strings"
)

// safeXHTML reports whether a narrative is one div of the elements and attributes that FHIR R4
// allows (narrative.html#rules): formatting, links, images and styles; no script, form, frame,
// object, event handler or script address. What is not known to be safe is refused.
func safeXHTML(text []byte) bool {
	text = bytes.TrimSpace(text)
	if !bytes.HasPrefix(text, []byte("<div")) || !bytes.HasSuffix(text, []byte(">")) {
		return false
	}
	for {
		lt := bytes.IndexByte(text, '<')
		if lt < 0 {
			return true
		}
		rest, ok := safeMarkup(text[lt+1:])
		if !ok {
			return false
		}
		text = rest
	}
}

// safeMarkup checks a tag or comment and returns what follows it. Text starts after the <.
func safeMarkup(text []byte) ([]byte, bool) {
	if comment, ok := bytes.CutPrefix(text, []byte("!--")); ok {
		end := bytes.Index(comment, []byte("-->"))
		if end < 0 {
			return nil, false
		}
		return comment[end+3:], true
	}
	text, closing := bytes.CutPrefix(text, []byte("/"))
	name, rest := cutName(text)
	if !allowedTag(string(name)) {
		return nil, false
	}
	if closing {
		return bytes.CutPrefix(bytes.TrimSpace(rest), []byte(">"))
	}
	return safeAttributes(rest)
}

// cutName splits off a name of letters, digits, colons, hyphens and underscores.
func cutName(text []byte) (name, rest []byte) {
	i := 0
	for i < len(text) && (isAlnum(text[i]) || strings.IndexByte(":-_.", text[i]) >= 0) {
		i++
	}
	return text[:i], text[i:]
}

// safeAttributes checks attributes up to the end of the tag and returns what follows it.
func safeAttributes(text []byte) ([]byte, bool) {
	for {
		text = bytes.TrimLeft(text, " \t\r\n")
		if rest, ok := bytes.CutPrefix(text, []byte("/>")); ok {
			return rest, true
		}
		if rest, ok := bytes.CutPrefix(text, []byte(">")); ok {
			return rest, true
		}
		name, value, rest, ok := cutAttribute(text)
		if !ok || !safeAttribute(string(name), value) {
			return nil, false
		}
		text = rest
	}
}

// cutAttribute splits off name="value"; XHTML has no attribute without a quoted value.
func cutAttribute(text []byte) (name, value, rest []byte, ok bool) {
	name, text = cutName(text)
	text = bytes.TrimLeft(text, " \t\r\n")
	text, ok = bytes.CutPrefix(text, []byte("="))
	text = bytes.TrimLeft(text, " \t\r\n")
	if !ok || len(name) == 0 || len(text) < 2 || text[0] != '"' && text[0] != '\'' {
		return nil, nil, nil, false
	}
	end := bytes.IndexByte(text[1:], text[0])
	if end < 0 {
		return nil, nil, nil, false
	}
	return name, text[1 : end+1], text[end+2:], true
}

func allowedTag(name string) bool {
	switch name {
	case "a", "abbr", "acronym", "address", "b", "big", "blockquote", "br", "caption", "center",
		"cite", "code", "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "font", "h1", "h2",
		"h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "ol", "p", "pre", "q", "s",
		"samp", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th",
		"thead", "tr", "tt", "u", "ul", "var", "figure", "figcaption", "map", "area":
		return true
	}
	return false
}

// safeAttribute refuses event handlers and addresses that run something.
func safeAttribute(name string, value []byte) bool {
	if bytes.IndexByte(value, '<') >= 0 || strings.HasPrefix(strings.ToLower(name), "on") {
		return false
	}
	switch name {
	case "href", "src", "cite", "longdesc", "usemap", "background":
		return safeAddress(value)
	case "style":
		return safeStyle(value)
	case "srcdoc", "formaction", "action", "xlink:href", "ping", "srcset":
		return false
	}
	return true
}

// safeAddress allows relative addresses and a few schemes. A character reference before the first
// slash could spell any scheme, so it is refused.
func safeAddress(value []byte) bool {
	head := value
	if i := bytes.IndexAny(value, "/?#"); i >= 0 {
		head = value[:i]
	}
	if bytes.IndexByte(head, '&') >= 0 {
		return false
	}
	colon := bytes.IndexByte(head, ':')
	if colon < 0 {
		return true
	}
	scheme := strings.ToLower(string(bytes.TrimSpace(head[:colon])))
	if scheme == "data" {
		return rasterImage(value[colon+1:])
	}
	return slices.Contains([]string{"http", "https", "mailto", "tel", "urn", "ftp", "cid"}, scheme)
}

// safeStyle refuses style that runs something or loads from elsewhere, and the escapes that could
// spell it.
func safeStyle(value []byte) bool {
	v := bytes.ToLower(value)
	for _, bad := range []string{"expression", "@import", "javascript", "behavior", "-moz-binding", "\\", "&#"} {
		if bytes.Contains(v, []byte(bad)) {
			return false
		}
	}
	for {
		_, after, found := bytes.Cut(v, []byte("url("))
		if !found {
			return true
		}
		address := bytes.TrimLeft(after, " '\"")
		if bytes.HasPrefix(address, []byte("//")) || !localAddress(address) {
			return false
		}
		v = after
	}
}

// localAddress reports whether an address in a style is relative or an image in itself.
func localAddress(value []byte) bool {
	if i := bytes.IndexByte(value, ')'); i >= 0 {
		value = value[:i]
	}
	if data, ok := bytes.CutPrefix(value, []byte("data:")); ok {
		return rasterImage(data)
	}
	return bytes.IndexByte(value, ':') < 0
}

// rasterImage reports whether the data of a data: address is an image that can hold no script.
func rasterImage(data []byte) bool {
	kind, ok := strings.CutPrefix(strings.ToLower(string(bytes.TrimSpace(data[:min(len(data), 32)]))), "image/")
	kind, _, found := strings.Cut(kind, ";")
	return ok && found && slices.Contains([]string{"png", "gif", "jpeg", "jpg", "bmp", "webp"}, kind)
}
