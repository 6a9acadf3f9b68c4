package fhir_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
)

// TestTwoWorldsAreToldAlike: a world, and the same without, or with others in place of, what a caller may not
// read. Whatever the caller asks, the answers are the same to the byte, and hold nothing but what a direct
// read gives. Page links differ by their seals; their lengths, and what they lead to, do not.
//
// `make worlds` plays more rounds.
func TestTwoWorldsAreToldAlike(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t, rig.Config{Engine: engine})
			c := &comparison{t: t, r: r, callers: onlookers(t, r), seldom: engine == store.Postgres}
			rapid.Check(t, c.round)
			t.Logf("%d answers compared, %d of them with something in them, %d of several pages; %d resources hidden, %d shown",
				c.compared, c.told, c.paged, c.hidden, c.shown)
			for what, n := range map[string]int{"told something": c.told, "paged": c.paged * 20, "hidden": c.hidden, "shown": c.shown} {
				if n < c.rounds/2 && !t.Failed() {
					t.Errorf("%s: too few (%d) in %d rounds for the test to mean anything", what, n, c.rounds)
				}
			}
		})
	}
}

// comparison plays rounds on one system.
type comparison struct {
	t       *testing.T
	r       *rig.Rig
	callers []string
	seldom  bool // a third of the rounds is played
	rounds  int

	compared, told, paged, hidden, shown int
}

// inquiries is how much is asked in a round.
const inquiries = 6

// plays counts a round, unless it is left out.
func (c *comparison) plays(t *rapid.T) bool {
	if c.seldom && rapid.IntRange(0, 2).Draw(t, "played") > 0 {
		return false
	}
	c.rounds++
	return true
}

// round makes a world, has somebody ask about it, changes what that one may not read, and has the same asked.
func (c *comparison) round(t *rapid.T) {
	if !c.plays(t) {
		return
	}
	w := &realm{r: c.r, round: c.rounds, serials: map[string]int{}}
	w.draw(t)
	as := rapid.SampledFrom(c.callers).Draw(t, "caller")
	asked := rapid.SliceOfN(rapid.Custom(w.inquire), inquiries, inquiries).Draw(t, "inquiries")

	texts := w.others
	for _, x := range w.things {
		texts = append(texts, x.text())
	}
	w.store(c.t, texts...)
	defer func() { w.remove(c.t, w.things) }()
	v := &onlooker{c: c, as: as, direct: map[string]rig.Answer{}}
	hidden := v.look(w)
	before, next := v.ask(t, asked)
	if len(hidden) == 0 {
		return
	}
	if !w.change(t, c.t, v, hidden) {
		return
	}
	after, _ := v.ask(t, asked)
	for i := range asked {
		c.compared++
		if diff := cmp.Diff(before[i].all, after[i].all); diff != "" {
			t.Fatalf("%s asks %s %s %s, and is told what it may not read (-before +after):\n%s", as, asked[i].call.Method, asked[i].call.Path, asked[i].call.Body, diff)
		}
		if next[i] == "" {
			continue
		}
		c.paged++
		if diff := cmp.Diff(before[i].pages[1], v.answer(t, get(next[i]))); diff != "" {
			t.Fatalf("%s, %s: a page link from before leads elsewhere (-before +after):\n%s", as, asked[i].call.Path, diff)
		}
	}
}

// change puts others in place of hidden resources, changes and deletes some. It leaves none that could now be read; where
// a new version of a hidden resource can be, its history rightly tells of it, and it reports that nothing can be compared.
func (w *realm) change(t *rapid.T, outer *testing.T, v *onlooker, hidden []created) bool {
	var gone, fresh []created
	var texts []string
	for _, x := range hidden {
		switch what := rapid.IntRange(0, 3).Draw(t, "change of "+x.ref); {
		case what == 0:
		case what == 1 && x.typ != "Patient":
			gone = append(gone, x)
		case what == 2 && x.typ != "Patient":
			y := w.thing(t, x.specimen, x.at)
			w.things = append(w.things, y)
			gone, texts = append(gone, x), append(texts, y.text())
			fresh = append(fresh, y)
		default:
			x.more = w.extra(t, x.typ)
			texts = append(texts, x.text())
		}
	}
	w.store(outer, texts...)
	w.remove(outer, gone)
	readable := func(x created) bool { return v.get(x.ref).Status == http.StatusOK }
	w.remove(outer, slices.DeleteFunc(fresh, func(x created) bool { return !readable(x) }))
	return !slices.ContainsFunc(hidden, readable)
}

// onlooker is one who asks, and what a direct read gives it.
type onlooker struct {
	c      *comparison
	as     string
	direct map[string]rig.Answer
	blurs  bool // versions and times are not compared
}

func (v *onlooker) get(path string) rig.Answer { return v.c.r.Get(v.c.t, v.as, path) }

// look reads everything directly, and gives what may not be read.
func (v *onlooker) look(w *realm) (hidden []created) {
	for _, x := range w.things {
		a := v.get(x.ref)
		v.direct[x.ref] = a
		if a.Status != http.StatusOK {
			hidden = append(hidden, x)
		}
	}
	v.c.hidden += len(hidden)
	v.c.shown += len(w.things) - len(hidden)
	return hidden
}

// replies are all that an inquiry is told: each page by itself, and all together.
type replies struct {
	pages []string
	all   string
}

// ask makes the inquiries, and gives what was told and the link of each to its second page.
func (v *onlooker) ask(t *rapid.T, asked []inquiry) (list []replies, next []string) {
	for _, q := range asked {
		var s replies
		link := ""
		for call := q.call; len(s.pages) == 0 || call.Path != ""; {
			text, onward := v.heard(t, call)
			s.pages = append(s.pages, text)
			if call = get(onward); !q.pages {
				break
			}
			if link == "" {
				link = onward
			}
		}
		s.all = strings.Join(s.pages, "\n")
		list, next = append(list, s), append(next, link)
	}
	return list, next
}

func (v *onlooker) answer(t *rapid.T, call rig.Call) string {
	text, _ := v.heard(t, call)
	return text
}

// pageLink is what a page link carries.
var pageLink = regexp.MustCompile(`_page=[A-Za-z0-9_-]+`)

// heard sends a request and gives all that its answer tells, but for the seals of page links, and the path of the
// next page. Every resource in it must be what a direct read gives.
func (v *onlooker) heard(t *rapid.T, call rig.Call) (text, next string) {
	a := v.c.r.Do(v.c.t, asking(v.as, call))
	a.Header.Del("X-Request-Id")
	body := pageLink.ReplaceAllStringFunc(string(a.Body), func(link string) string { return fmt.Sprint("_page=", len(link)) })
	text = fmt.Sprintf("%d %v\n%s", a.Status, a.Header, body)
	if v.blurs {
		text = fmt.Sprintf("%d\n%s", a.Status, blurred(body))
	}
	if a.Status != http.StatusOK || strings.Contains(call.Path, "_history/") { // one version is read directly
		return text, ""
	}
	var b rig.Bundle
	if err := json.Unmarshal(a.Body, &b); err != nil {
		t.Fatalf("%s: %v", call.Path, err)
	}
	v.holds(t, call, b)
	return text, b.Next()
}

// holds makes sure that an answer holds nothing but what a direct read gives, as that gives it.
func (v *onlooker) holds(t *rapid.T, call rig.Call, b rig.Bundle) {
	for _, e := range b.Entry {
		var head struct {
			ResourceType, ID string
			Meta             struct{ VersionID string }
		}
		if len(e.Resource) == 0 {
			continue
		}
		if err := json.Unmarshal(e.Resource, &head); err != nil {
			t.Fatalf("%s: %v", call.Path, err)
		}
		switch head.ResourceType {
		case "OperationOutcome":
		case "Bundle":
			var inner rig.Bundle
			if err := json.Unmarshal(e.Resource, &inner); err != nil {
				t.Fatalf("%s: %v", call.Path, err)
			}
			v.holds(t, call, inner)
		default:
			ref := head.ResourceType + "/" + head.ID
			if b.Type == "history" {
				ref += "/_history/" + head.Meta.VersionID
			}
			read := v.read(ref)
			if diff := cmp.Diff(string(read.Body), string(e.Resource)); read.Status != http.StatusOK || diff != "" {
				t.Fatalf("%s asks %s %s, and sees %s unlike by a read, which is %d (-read +seen):\n%s", v.as, call.Path, call.Body, ref, read.Status, diff)
			}
			v.c.told++
		}
	}
}

// read is what a direct read gives; it is remembered.
func (v *onlooker) read(ref string) rig.Answer {
	a, ok := v.direct[ref]
	if !ok {
		a = v.get(ref)
		v.direct[ref] = a
	}
	return a
}
