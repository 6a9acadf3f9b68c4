package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tutela-health/tutela/r4"
)

// loadEntry is one resource on its way into the store.
type loadEntry struct {
	fullURL     string
	method, url string
	ifNoneExist string
	resource    json.RawMessage
}

// transaction is a Bundle to be carried out. A whole one came as a transaction and stays one;
// another is only a batch of resources, and may be taken apart.
type transaction struct {
	whole   bool
	entries []loadEntry
}

// perTransaction is how many resources that came singly go into one transaction.
const perTransaction = 200

func (t transaction) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for i, e := range t.entries {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('{')
		if e.fullURL != "" {
			b.WriteString(`"fullUrl":` + quote(e.fullURL) + `,`)
		}
		if len(e.resource) > 0 {
			b.WriteString(`"resource":`)
			b.Write(e.resource)
			b.WriteByte(',')
		}
		b.WriteString(`"request":{"method":` + quote(e.method) + `,"url":` + quote(e.url))
		if e.ifNoneExist != "" {
			b.WriteString(`,"ifNoneExist":` + quote(e.ifNoneExist))
		}
		b.WriteString(`}}`)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return `""` // strings always encode
	}
	return string(text)
}

// toTransactions turns a file into transactions. Resources keep their ids, or get one from their
// content, so that loading a file twice changes nothing. It gives what it could read along with
// the errors about the rest.
func toTransactions(text []byte, lines bool) ([]transaction, error) {
	if !lines {
		return fromDocument(text)
	}
	var failed []error
	var loose []loadEntry
	for n, line := range bytes.Split(text, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		e, err := single(line, 0)
		if err != nil {
			failed = append(failed, fmt.Errorf("line %d: %w", n+1, err))
			continue
		}
		loose = append(loose, e)
	}
	return inBatches(loose), errors.Join(failed...)
}

func inBatches(loose []loadEntry) []transaction {
	var all []transaction
	for len(loose) > 0 {
		n := min(len(loose), perTransaction)
		all = append(all, transaction{entries: loose[:n]})
		loose = loose[n:]
	}
	return all
}

// document is the part of a Bundle that matters here.
type document struct {
	ResourceType string `json:"resourceType"`
	Type         string `json:"type"`
	Entry        []struct {
		FullURL  string          `json:"fullUrl"`
		Resource json.RawMessage `json:"resource"`
		Request  struct {
			Method      string `json:"method"`
			URL         string `json:"url"`
			IfNoneExist string `json:"ifNoneExist"`
		} `json:"request"`
	} `json:"entry"`
}

func fromDocument(text []byte) ([]transaction, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, errors.New("not JSON")
	}
	switch {
	case d.ResourceType == "":
		return nil, errors.New("not a FHIR resource: no resourceType")
	case d.ResourceType != "Bundle", d.Type == "document", d.Type == "message": // the last two are one signed whole
		e, err := single(text, 0)
		if err != nil {
			return nil, err
		}
		return []transaction{{entries: []loadEntry{e}}}, nil
	}
	return d.transactions()
}

// transactions takes a Bundle's resources. A transaction is taken whole or not at all; of another
// Bundle, what could be read.
func (d document) transactions() ([]transaction, error) {
	t := transaction{whole: d.Type == "transaction"}
	twins := map[string]int{} // resources of the same content are still different ones
	var failed []error
	for i, e := range d.Entry {
		if len(e.Resource) == 0 {
			continue // a DELETE or GET: loading only adds
		}
		again := twins[contentID(e.Resource, 0)]
		twins[contentID(e.Resource, 0)]++
		le, err := single(e.Resource, again)
		if err != nil {
			failed = append(failed, fmt.Errorf("Bundle.entry[%d]: %w", i, err))
			continue
		}
		le.fullURL = e.FullURL
		if e.Request.IfNoneExist != "" {
			le.method, le.url, le.ifNoneExist = "POST", le.url[:strings.IndexByte(le.url, '/')], e.Request.IfNoneExist
		}
		t.entries = append(t.entries, le)
	}
	err := errors.Join(failed...)
	if len(t.entries) == 0 || t.whole && err != nil {
		return nil, err
	}
	return []transaction{t}, err
}

// single reads a resource as the entry that puts it under its own id. again counts resources of
// the same content that came before it.
func single(text []byte, again int) (loadEntry, error) {
	var head struct {
		ResourceType string `json:"resourceType"`
		ID           string `json:"id"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return loadEntry{}, errors.New("not JSON")
	}
	if !r4.IsResourceType(head.ResourceType) {
		return loadEntry{}, errors.New("not a FHIR R4 resource")
	}
	resource := json.RawMessage(text)
	if head.ID == "" {
		head.ID = contentID(text, again)
		at := bytes.IndexByte(text, '{') + 1
		resource = append(append(append(json.RawMessage{}, text[:at]...), `"id":"`+head.ID+`",`...), text[at:]...)
	}
	return loadEntry{method: "PUT", url: head.ResourceType + "/" + head.ID, resource: resource}, nil
}

// contentID is an id made of the content, the same each time.
func contentID(text []byte, again int) string {
	h := sha256.New()
	h.Write(text) //nolint:errcheck // a hash takes everything
	if again > 0 {
		fmt.Fprintf(h, "\n%d", again)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func newGzip(r io.Reader) (io.Reader, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, errors.New("not a gzip file")
	}
	return z, nil
}
