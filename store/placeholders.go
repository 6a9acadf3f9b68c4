package store

import (
	"strconv"
	"strings"
	"sync"
)

// maxRewritten bounds the cache: texts that grow with their input (IN lists) must not fill it.
const maxRewritten = 1024

// placeholders rewrites ? to $1, $2, … and remembers the texts.
type placeholders struct {
	mu    sync.RWMutex // guards texts
	texts map[string]string
}

func (p *placeholders) rewrite(sql string) string {
	p.mu.RLock()
	text, ok := p.texts[sql]
	p.mu.RUnlock()
	if ok {
		return text
	}
	text = number(sql)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.texts == nil || len(p.texts) >= maxRewritten {
		p.texts = map[string]string{}
	}
	p.texts[sql] = text
	return text
}

// number replaces every ? outside quotes.
func number(sql string) string {
	var b strings.Builder
	var quote byte
	n := 0
	for i := range len(sql) {
		switch c := sql[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
			b.WriteByte(c)
		case c == '?':
			n++
			b.WriteString("$" + strconv.Itoa(n))
		default:
			if c == '\'' || c == '"' {
				quote = c
			}
			b.WriteByte(c)
		}
	}
	return b.String()
}
