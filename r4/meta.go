package r4

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// instantFormat is a FHIR instant in UTC with milliseconds.
const instantFormat = "2006-01-02T15:04:05.000Z"

// SetMeta returns the resource's compact JSON with its id, meta.versionId and meta.lastUpdated set
// as a server sets them (FHIR R4, resource.html#Meta). The rest of meta is kept, other elements keep
// their order; id and meta stand right after resourceType. Nothing is parsed again.
func (r *Resource) SetMeta(id, versionID string, lastUpdated time.Time) []byte {
	root := r.Root()
	out := make([]byte, 0, len(root.JSON())+len(id)+len(versionID)+96)
	out = append(out, `{"resourceType":"`...)
	out = append(out, r.Type()...)
	out = append(out, `","id":`...)
	out = appendString(out, id)
	out = append(out, `,"meta":{"versionId":`...)
	out = appendString(out, versionID)
	out = append(out, `,"lastUpdated":"`...)
	out = lastUpdated.UTC().AppendFormat(out, instantFormat)
	out = append(out, '"')
	out = root.Child("meta").appendMembers(out, func(name string) bool {
		return name == "versionId" || name == "lastUpdated"
	})
	out = append(out, '}')
	out = root.appendMembers(out, func(name string) bool {
		return name == "resourceType" || name == "id" || name == "meta"
	})
	return append(out, '}')
}

// appendMembers appends a comma and the member for each of n's that omit does not name.
func (n Node) appendMembers(out []byte, omit func(name string) bool) []byte {
	for c := range n.children() {
		v := c.node()
		name := elements[v.elem].name
		if omit(name) {
			continue
		}
		if v.companion {
			out = append(out, `,"_`...)
		} else {
			out = append(out, `,"`...)
		}
		out = append(out, name...)
		out = append(out, `":`...)
		out = append(out, c.JSON()...)
	}
	return out
}

// appendString appends s as a JSON string. Invalid UTF-8 is replaced.
func appendString(out []byte, s string) []byte {
	out, _ = jsontext.AppendQuote(out, s) // the error tells of replaced bytes only
	return out
}
