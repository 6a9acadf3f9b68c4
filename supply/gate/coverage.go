package gate

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"strconv"
	"strings"
)

// cover sums what tests reached: statements or lines, by file and place, so that what several profiles
// tell of the same place counts once.
type cover struct {
	blocks map[string]*block
}

type block struct {
	weight  int
	reached bool
}

// share is what was reached, in per cent; nil where there was no profile.
func (c *cover) share() *float64 {
	if c.blocks == nil {
		return nil
	}
	all, reached := 0, 0
	for _, b := range c.blocks {
		all += b.weight
		if b.reached {
			reached += b.weight
		}
	}
	share := 0.0
	if all > 0 {
		share = 100 * float64(reached) / float64(all)
	}
	return &share
}

func (c *cover) add(place string, weight int, reached bool) {
	if b := c.blocks[place]; b != nil {
		b.reached = b.reached || reached
		return
	}
	c.blocks[place] = &block{weight, reached}
}

// read takes a profile of any of the three kinds.
func (c *cover) read(text []byte) error {
	if c.blocks == nil {
		c.blocks = map[string]*block{}
	}
	switch head := bytes.TrimSpace(text); {
	case bytes.HasPrefix(head, []byte("mode:")):
		return c.goProfile(text)
	case bytes.HasPrefix(head, []byte("<")):
		return c.cobertura(text)
	default:
		return c.lcov(text)
	}
}

// goProfile reads "file:1.2,3.4 statements count" lines (cmd/cover).
func (c *cover) goProfile(text []byte) error {
	s := bufio.NewScanner(bytes.NewReader(text))
	for s.Scan() {
		line := s.Text()
		if strings.HasPrefix(line, "mode:") || line == "" {
			continue
		}
		f := strings.Fields(line)
		if len(f) != 3 {
			return errors.New("no line of a cover profile")
		}
		weight, err := strconv.Atoi(f[1])
		if err != nil || weight < 0 {
			return errors.New("no number of statements")
		}
		c.add(f[0], weight, f[2] != "0")
	}
	return s.Err()
}

// cobertura reads <class filename><line number hits>.
func (c *cover) cobertura(text []byte) error {
	file, seen := "", false
	err := elements(text, func(e xml.StartElement) {
		switch e.Name.Local {
		case "coverage":
			seen = true
		case "class":
			file = attr(e, "filename")
		case "line":
			c.add(file+":"+attr(e, "number"), 1, attr(e, "hits") != "0")
		}
	}, func(string) {})
	if err == nil && !seen {
		err = errors.New("not Cobertura XML")
	}
	return err
}

// lcov reads SF:file and DA:line,hits lines.
func (c *cover) lcov(text []byte) error {
	file := ""
	s := bufio.NewScanner(bytes.NewReader(text))
	for s.Scan() {
		line := s.Text()
		if name, ok := strings.CutPrefix(line, "SF:"); ok {
			file = name
		}
		if data, ok := strings.CutPrefix(line, "DA:"); ok {
			number, hits, _ := strings.Cut(data, ",")
			hits, _, _ = strings.Cut(hits, ",")
			c.add(file+":"+number, 1, hits != "0" && hits != "")
		}
	}
	if s.Err() == nil && file == "" {
		return errors.New("no coverage: neither a Go profile, nor Cobertura, nor LCOV")
	}
	return s.Err()
}
