package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sent is what a transaction asks of the server, an entry a line.
func sent(t *testing.T, list []transaction) []string {
	t.Helper()
	lines := []string{}
	for _, tr := range list {
		var b struct {
			ResourceType, Type string
			Entry              []struct {
				FullURL  string
				Resource json.RawMessage
				Request  struct{ Method, URL, IfNoneExist string }
			}
		}
		if err := json.Unmarshal(tr.bytes(), &b); err != nil || b.ResourceType != "Bundle" || b.Type != "transaction" {
			t.Fatalf("no transaction: %v: %s", err, tr.bytes())
		}
		kind := "loose"
		if tr.whole {
			kind = "whole"
		}
		for _, e := range b.Entry {
			lines = append(lines, strings.Join(strings.Fields(strings.Join([]string{kind, e.FullURL, e.Request.Method, e.Request.URL,
				e.Request.IfNoneExist, string(e.Resource)}, " ")), " "))
		}
	}
	return lines
}

func TestFilesBecomeTransactions(t *testing.T) {
	const noID = `{"resourceType":"Patient","active":true}`
	id := contentID([]byte(noID), 0)
	withID := `{"id":"` + id + `","resourceType":"Patient","active":true}`
	for name, c := range map[string]struct {
		text  string
		lines bool
		want  []string
		err   string
	}{
		"a resource": {text: `{"resourceType":"Patient","id":"1"}`, want: []string{`loose PUT Patient/1 {"resourceType":"Patient","id":"1"}`}},
		"a resource without id gets one from its content": {text: noID, want: []string{"loose PUT Patient/" + id + " " + withID}},
		"a transaction stays whole, its POSTs keep their ids": {
			text: `{"resourceType":"Bundle","type":"transaction","entry":[
				{"fullUrl":"urn:uuid:a","resource":{"resourceType":"Patient","id":"a"},"request":{"method":"POST","url":"Patient"}},
				{"fullUrl":"urn:uuid:b","resource":` + noID + `,"request":{"method":"POST","url":"Patient"}}]}`,
			want: []string{`whole urn:uuid:a PUT Patient/a {"resourceType":"Patient","id":"a"}`, "whole urn:uuid:b PUT Patient/" + id + " " + withID},
		},
		"a conditional create stays one": {
			text: `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Organization","id":"1"},
				"request":{"method":"POST","url":"Organization","ifNoneExist":"identifier=x|\"1\""}}]}`,
			want: []string{`whole POST Organization identifier=x|"1" {"resourceType":"Organization","id":"1"}`},
		},
		"deletes and reads are left out": {
			text: `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"DELETE","url":"Patient/1"}},
				{"resource":{"resourceType":"Patient","id":"2"},"request":{"method":"PUT","url":"Patient/2"}}]}`,
			want: []string{`loose PUT Patient/2 {"resourceType":"Patient","id":"2"}`},
		},
		"a document is one resource": {
			text: `{"resourceType":"Bundle","id":"d","type":"document","entry":[{"resource":{"resourceType":"Composition"}}]}`,
			want: []string{`loose PUT Bundle/d {"resourceType":"Bundle","id":"d","type":"document","entry":[{"resource":{"resourceType":"Composition"}}]}`},
		},
		"of a collection goes in what can be read": {
			text: `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Nothing"}},{"resource":{"resourceType":"Patient","id":"1"}}]}`,
			want: []string{`loose PUT Patient/1 {"resourceType":"Patient","id":"1"}`}, err: "Bundle.entry[0]: not a FHIR R4 resource",
		},
		"of a transaction nothing goes in, unless all can": {
			text: `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Nothing"}},{"resource":{"resourceType":"Patient","id":"1"}}]}`,
			err:  "Bundle.entry[0]: not a FHIR R4 resource",
		},
		"an empty Bundle": {text: `{"resourceType":"Bundle","type":"transaction"}`},
		"NDJSON, blank lines and all": {
			text: "{\"resourceType\":\"Patient\",\"id\":\"1\"}\n\n  {\"resourceType\":\"Patient\",\"id\":\"2\"}\r\n", lines: true,
			want: []string{`loose PUT Patient/1 {"resourceType":"Patient","id":"1"}`, `loose PUT Patient/2 {"resourceType":"Patient","id":"2"}`},
		},
		"NDJSON with bad lines": {
			text: "{\"resourceType\":\"Patient\",\"id\":\"1\"}\nnonsense\n{\"resourceType\":\"Nothing\"}", lines: true,
			want: []string{`loose PUT Patient/1 {"resourceType":"Patient","id":"1"}`}, err: "line 2: not JSON\nline 3: not a FHIR R4 resource",
		},
		"no text":          {text: "", err: "not JSON"},
		"no JSON":          {text: "PID|1|", err: "not JSON"},
		"cut short":        {text: `{"resourceType":"Patient"`, err: "not JSON"},
		"no resource":      {text: `{"name":"x"}`, err: "not a FHIR resource: no resourceType"},
		"an unknown type":  {text: `{"resourceType":"Nothing","id":"1"}`, err: "not a FHIR R4 resource"},
		"an id of numbers": {text: `{"resourceType":"Patient","id":1}`, err: "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := toTransactions([]byte(c.text), c.lines)
			if c.want == nil {
				c.want = []string{}
			}
			if d := cmp.Diff(c.want, sent(t, got)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.err, text(err)); d != "" {
				t.Error(d)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Loading a file twice asks for the same ids twice.
func TestConversionIsTheSameEachTime(t *testing.T) {
	file := []byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient"}}]}`)
	first, err := toTransactions(file, false)
	if err != nil {
		t.Fatal(err)
	}
	second, err := toTransactions(file, false)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sent(t, first), sent(t, second)); d != "" {
		t.Error(d)
	}
}

func TestLooseResourcesGoInBatches(t *testing.T) {
	var b strings.Builder
	for i := range 2*perTransaction + 1 {
		fmt.Fprintf(&b, "{\"resourceType\":\"Patient\",\"id\":\"%d\"}\n", i)
	}
	list, err := toTransactions([]byte(b.String()), true)
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, tr := range list {
		sizes = append(sizes, len(tr.entries))
	}
	if d := cmp.Diff([]int{perTransaction, perTransaction, 1}, sizes); d != "" {
		t.Error(d)
	}
}

func TestZippedFilesAreRead(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write([]byte("content"))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(bytes.NewReader(zipped.Bytes()), true)
	if err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := readAll(strings.NewReader("plain"), true); text(err) != "not a gzip file" {
		t.Errorf("plain text: %v", err)
	}
	if _, err := readAll(bytes.NewReader(zipped.Bytes()[:zipped.Len()-4]), true); err == nil {
		t.Error("a file cut short was read")
	}
}

func TestResourcesOfTheSameContentInABundleGetTheirOwnIDs(t *testing.T) {
	const twin = `{"resource":{"resourceType":"Basic","code":{"text":"twin"}},"request":{"method":"POST","url":"Basic"}}`
	text := []byte(`{"resourceType":"Bundle","type":"transaction","entry":[` + twin + `,` + twin + `]}`)
	var urls [2][]string
	for i := range urls { // the same each time
		all, err := toTransactions(text, false)
		if err != nil || len(all) != 1 || len(all[0].entries) != 2 {
			t.Fatalf("got %v, %v", all, err)
		}
		for _, e := range all[0].entries {
			urls[i] = append(urls[i], e.url)
		}
	}
	if diff := cmp.Diff(urls[0], urls[1]); diff != "" || urls[0][0] == urls[0][1] {
		t.Errorf("ids %v, want two and the same each time: %s", urls[0], diff)
	}
}
