package console

import "strings"

// block is a part of a text: a heading, a paragraph, or a list of either kind. It holds words and no HTML, so that a text can
// put no element into a page.
type block struct {
	Kind  string // heading, paragraph, bullets, numbers
	Items [][]run
}

// run is words of one kind.
type run struct {
	Text         string
	Strong, Code bool
}

// prose reads what our texts use of Markdown: headings, paragraphs, lists of one level, **strong** and `code`. Whatever else
// there is stays as it was written.
func prose(text string) []block {
	var list []block
	add := func(kind, line string, join bool) {
		if n := len(list); n > 0 && list[n-1].Kind == kind && join {
			list[n-1].Items = append(list[n-1].Items, runs(line))
			return
		}
		list = append(list, block{kind, [][]run{runs(line)}})
	}
	open := false // whether the line before goes on
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		number, rest, numbered := strings.Cut(line, ". ")
		switch {
		case line == "":
			open = false
			continue
		case strings.HasPrefix(line, "#"):
			add("heading", strings.TrimSpace(strings.TrimLeft(line, "#")), false)
			open = false
			continue
		case strings.HasPrefix(line, "- "), strings.HasPrefix(line, "* "):
			add("bullets", line[2:], true)
		case numbered && number != "" && strings.Trim(number, "0123456789") == "":
			add("numbers", rest, true)
		case open:
			last := &list[len(list)-1]
			last.Items[len(last.Items)-1] = append(last.Items[len(last.Items)-1], runs(" "+line)...)
		default:
			add("paragraph", line, false)
		}
		open = true
	}
	return list
}

// runs takes a line apart. A mark that is not closed stays a mark.
func runs(line string) []run {
	var list []run
	for line != "" {
		at, mark := len(line), ""
		for _, m := range []string{"**", "`"} {
			if i := strings.Index(line, m); i >= 0 && i < at && strings.Contains(line[i+len(m):], m) {
				at, mark = i, m
			}
		}
		if at > 0 {
			list = append(list, run{Text: line[:at]})
		}
		if mark == "" {
			return list
		}
		inner, rest, _ := strings.Cut(line[at+len(mark):], mark)
		list = append(list, run{Text: inner, Strong: mark == "**", Code: mark == "`"})
		line = rest
	}
	return list
}
