package r4

import "slices"

// ParseBatch reads a Bundle of type batch, whose entries stand each for itself (FHIR R4,
// http.html#transaction): an entry whose resource breaks a rule loses that resource, and refused
// says why by the entry's index, while the others are read. All else is as in Parse: what is wrong
// with the JSON or the Bundle itself refuses the whole.
func ParseBatch(data []byte) (bundle *Resource, refused map[int]*Invalid, err error) {
	if err := checkSize(data); err != nil {
		return nil, nil, err
	}
	p := newParser(data)
	p.refused = map[int]*Invalid{}
	res, err := p.parse()
	if err != nil {
		return nil, nil, err
	}
	return res, p.refused, nil
}

// inEntry reports whether the value at hand is the resource of a batch's entry.
func (p *parser) inEntry() bool {
	return p.refused != nil && len(p.path) == 3 &&
		p.path[0].name == "Bundle" && p.path[1].name == "entry" && p.path[2].name == "resource"
}

// entryMember reads the resource of a batch's entry, whose member starts at start in the compact JSON.
// If it breaks a rule, its issues move to refused and the member goes.
func (p *parser) entryMember(start int, elem elementID) error {
	issues, nodes := len(p.issues), len(p.doc.nodes)
	if err := p.item(elem, false); err != nil {
		return err
	}
	if len(p.issues) == issues {
		p.doc.buf = append(p.doc.buf, ',')
	} else {
		p.refused[p.path[1].index] = &Invalid{Issues: slices.Clone(p.issues[issues:])}
		p.issues = p.issues[:issues]
		p.doc.buf, p.doc.nodes = p.doc.buf[:start], p.doc.nodes[:nodes]
	}
	p.path = p.path[:len(p.path)-1]
	return nil
}

// emptied reports whether the object at hand is an entry that had nothing but a refused resource.
func (p *parser) emptied() bool {
	return len(p.path) == 2 && p.refused[p.path[1].index] != nil
}
