package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"iter"
	"regexp"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Resource is one resource in its stored form.
type Resource struct {
	Type string
	JSON []byte
}

type bundle struct {
	Entry []struct {
		FullURL  string          `json:"fullUrl"`
		Resource json.RawMessage `json:"resource"`
	} `json:"entry"`
}

// Stored gives each resource of a transaction Bundle as the server would keep it: meta
// third, with version and time, and references between entries relative.
func Stored(data []byte) iter.Seq2[Resource, error] {
	return func(yield func(Resource, error) bool) {
		var b bundle
		if err := json.Unmarshal(data, &b); err != nil {
			yield(Resource{}, fmt.Errorf("read bundle: %w", err))
			return
		}
		urls := fullURLs(b)
		for _, e := range b.Entry {
			r, err := stored(e.Resource, e.FullURL, urls)
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

type head struct {
	ResourceType string `json:"resourceType"`
	ID           string `json:"id"`
}

// fullURLs maps what entries call one another to relative references.
func fullURLs(b bundle) map[string]string {
	urls := make(map[string]string)
	for _, e := range b.Entry {
		var h head
		if json.Unmarshal(e.Resource, &h) == nil {
			urls[e.FullURL] = h.ResourceType + "/" + uuid(e.FullURL)
		}
	}
	return urls
}

func uuid(fullURL string) string {
	return string(bytes.TrimPrefix([]byte(fullURL), []byte("urn:uuid:")))
}

func stored(raw []byte, fullURL string, urls map[string]string) (Resource, error) {
	var h head
	if err := json.Unmarshal(raw, &h); err != nil {
		return Resource{}, fmt.Errorf("read resource: %w", err)
	}
	rest, meta, err := withoutHead(raw, lastUpdated(fullURL))
	if err != nil {
		return Resource{}, err
	}
	out := fmt.Appendf(nil, `{"resourceType":%q,"id":%q,"meta":%s%s}`, h.ResourceType, uuid(fullURL), meta, rest)
	return Resource{Type: h.ResourceType, JSON: relative(out, urls)}, nil
}

// lastUpdated is some moment of the year after this was written, another for each resource.
func lastUpdated(fullURL string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(fullURL))
	start := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	return start.Add(time.Duration(h.Sum64()%31_536_000_000) * time.Millisecond).Format("2006-01-02T15:04:05.000Z")
}

// withoutHead gives the members of a resource but for type, id and meta, each after a
// comma, and its meta as the server fills it.
func withoutHead(raw []byte, updated string) (rest, meta []byte, err error) {
	meta = fmt.Appendf(nil, `{"versionId":"1","lastUpdated":%q}`, updated)
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.ReadToken(); err != nil {
		return nil, nil, fmt.Errorf("open resource: %w", err)
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, nil, fmt.Errorf("read member name: %w", err)
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return nil, nil, fmt.Errorf("read member: %w", err)
		}
		if err := value.Compact(); err != nil {
			return nil, nil, fmt.Errorf("compact member: %w", err)
		}
		switch key {
		case "resourceType", "id":
		case "meta":
			meta = append(append(meta[:len(meta)-1], ','), value[1:]...)
		default:
			rest = fmt.Appendf(rest, ",%q:%s", key, value)
		}
	}
	return rest, meta, nil
}

// relative rewrites references to other entries.
func relative(resource []byte, urls map[string]string) []byte {
	return regexp.MustCompile(`urn:uuid:[0-9a-f-]{36}`).ReplaceAllFunc(resource, func(m []byte) []byte {
		if r, ok := urls[string(m)]; ok {
			return []byte(r)
		}
		return m
	})
}
