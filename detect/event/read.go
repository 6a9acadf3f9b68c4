package event

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/tutela-health/tutela"
)

// The OCSF 1.4.0 classes that are more than a log's line.
const (
	classInventory      = 5003 // User Inventory Info
	classAuthentication = 3002
	classAPI            = 6003
	classDatastore      = 6005
)

// record is what a line says, before it is known what kind of line it is.
type record struct {
	kind            string
	class, activity int64
	severity        int64
	status          int64
	code            string // status_code
	at              time.Time
	count           int64
	logged          bool // there is a message
	uid, tenant     string
	product         string
	event, request  string
	user            person
	session, client string
	address, host   string
	operation       string
	bucket          string
	patients        []resource
	unmapped        unmapped
	facts           facts
}

// person is a user object.
type person struct {
	id, name, kind, unit string
	kindID               int64
	groups               []string
	hired, left          time.Time
}

// resource is an element of resources that is a patient.
type resource struct {
	uid    string
	counts map[string]int
}

// unmapped is what OCSF has no place for, by the names of an entry's fields.
type unmapped struct {
	outcome, purpose, assurance string
	unit, node, broken          string
	continues                   string
	bytes                       int64
	demo                        bool
	flags                       map[string][]string // by the uid of the patient's resource
	basis                       *tutela.Basis
	disclosure                  *tutela.Disclosure
	subject                     *tutela.Subject
	evidence                    *tutela.Evidence
	ending                      *tutela.Ending
	foreign                     *tutela.Foreign
}

// facts are the members of short lines.
type facts struct {
	relation, patient, staff, unit string
	household, family              string
	roles                          []string
	from, to                       time.Time
	vip, sensitive                 bool
}

// read takes in a line's members.
func (p *Parser) read(b []byte) (*record, error) {
	p.start(b)
	if p.dec.PeekKind() != '{' {
		return nil, errNoObject
	}
	r := &record{}
	if err := p.members(func(name []byte) error { return p.member(r, name) }); err != nil {
		return nil, err
	}
	return r, p.end()
}

func (p *Parser) member(r *record, name []byte) error {
	switch string(name) {
	case "class_uid":
		return p.integer(&r.class)
	case "activity_id":
		return p.integer(&r.activity)
	case "severity_id":
		return p.integer(&r.severity)
	case "status_id":
		return p.integer(&r.status)
	case "status_code":
		return p.name(&r.code)
	case "time", "time_dt":
		return p.time(&r.at)
	case "count":
		return p.integer(&r.count)
	case "message":
		r.logged = true
		return p.skip()
	case "metadata":
		return p.metadata(r)
	case "actor":
		return p.actor(r)
	case "user":
		return p.user(&r.user)
	case "session":
		return p.only("uid", &r.session)
	case "src_endpoint":
		return p.endpoint(r)
	case "api":
		return p.only("operation", &r.operation)
	case "databucket":
		return p.only("name", &r.bucket)
	case "resources":
		return p.resources(r)
	case "unmapped":
		return p.unmapped(&r.unmapped)
	case "kind":
		return p.name(&r.kind)
	}
	return p.fact(&r.facts, name)
}

func (p *Parser) fact(f *facts, name []byte) error {
	switch string(name) {
	case "relation":
		return p.name(&f.relation)
	case "patient":
		return p.name(&f.patient)
	case "staff":
		return p.name(&f.staff)
	case "unit":
		return p.name(&f.unit)
	case "household":
		return p.name(&f.household)
	case "family":
		return p.name(&f.family)
	case "roles":
		return p.names(&f.roles)
	case "from":
		return p.time(&f.from)
	case "to":
		return p.time(&f.to)
	case "vip":
		return p.truth(&f.vip)
	case "sensitive":
		return p.truth(&f.sensitive)
	}
	return p.skip()
}

func (p *Parser) metadata(r *record) error {
	return p.members(func(name []byte) error {
		switch string(name) {
		case "uid":
			return p.name(&r.uid)
		case "tenant_uid":
			return p.name(&r.tenant)
		case "correlation_uid":
			return p.name(&r.request)
		case "event_code":
			return p.name(&r.event)
		case "product":
			return p.only("name", &r.product)
		}
		return p.skip()
	})
}

func (p *Parser) actor(r *record) error {
	return p.members(func(name []byte) error {
		switch string(name) {
		case "user":
			return p.user(&r.user)
		case "session":
			return p.only("uid", &r.session)
		case "app_uid":
			return p.name(&r.client)
		}
		return p.skip()
	})
}

// user reads a user object, or a mere name.
func (p *Parser) user(u *person) error {
	if p.dec.PeekKind() != '{' {
		return p.name(&u.id)
	}
	return p.members(func(name []byte) error {
		switch string(name) {
		case "uid":
			return p.name(&u.id)
		case "name":
			return p.name(&u.name)
		case "type":
			return p.name(&u.kind)
		case "type_id":
			return p.integer(&u.kindID)
		case "groups":
			return p.names(&u.groups)
		case "org":
			return p.only("ou_name", &u.unit)
		case "ldap_person":
			return p.employment(u)
		}
		return p.skip()
	})
}

func (p *Parser) employment(u *person) error {
	return p.members(func(name []byte) error {
		switch string(name) {
		case "hire_time":
			return p.time(&u.hired)
		case "leave_time":
			return p.time(&u.left)
		}
		return p.skip()
	})
}

func (p *Parser) endpoint(r *record) error {
	return p.members(func(name []byte) error {
		switch string(name) {
		case "ip":
			return p.name(&r.address)
		case "name", "hostname":
			return p.name(&r.host)
		}
		return p.skip()
	})
}

// only reads one member of an object, or a scalar in its place.
func (p *Parser) only(member string, to *string) error {
	if p.dec.PeekKind() != '{' {
		return p.name(to)
	}
	return p.members(func(name []byte) error {
		if string(name) == member {
			return p.name(to)
		}
		return p.skip()
	})
}

// resources keeps those that are patients: of the type patient, or of none.
func (p *Parser) resources(r *record) error {
	return p.elements(func() error {
		var one resource
		kind := "patient"
		err := p.members(func(name []byte) error {
			switch string(name) {
			case "uid":
				return p.name(&one.uid)
			case "type":
				return p.name(&kind)
			case "data":
				return p.counts(&one.counts)
			}
			return p.skip()
		})
		if err != nil || one.uid == "" || kind != "patient" && kind != "Patient" {
			return err
		}
		if r.patients = append(r.patients, one); len(r.patients) > maxPatients {
			return errPatients
		}
		return nil
	})
}

func (p *Parser) counts(to *map[string]int) error {
	return p.members(func(name []byte) error {
		if len(name) > maxID {
			return errID
		}
		kind := p.keep(name)
		var n int64
		if err := p.integer(&n); err != nil || n <= 0 || len(*to) >= maxNames {
			return err
		}
		if *to == nil {
			*to = make(map[string]int, 1)
		}
		(*to)[kind] = int(min(n, 1<<31-1))
		return nil
	})
}

func (p *Parser) unmapped(u *unmapped) error {
	return p.members(func(name []byte) error {
		switch string(name) {
		case "outcome":
			return p.name(&u.outcome)
		case "purpose":
			return p.name(&u.purpose)
		case "aal":
			return p.name(&u.assurance)
		case "unit":
			return p.name(&u.unit)
		case "node":
			return p.name(&u.node)
		case "break_glass":
			// Ids of several emergencies follow each other here.
			b, err := p.raw()
			u.broken = valid(b[:min(len(b), maxField)])
			return err
		case "continues":
			return p.name(&u.continues)
		case "bytes":
			return p.integer(&u.bytes)
		case "demo":
			return p.truth(&u.demo)
		case "flags":
			return p.flags(u)
		case "basis":
			return p.basis(u)
		case "disclosure":
			return decode(p, &u.disclosure)
		case "subject":
			return decode(p, &u.subject)
		case "evidence":
			return decode(p, &u.evidence)
		case "ending":
			return decode(p, &u.ending)
		case "foreign":
			return decode(p, &u.foreign)
		}
		return p.skip()
	})
}

func (p *Parser) flags(u *unmapped) error {
	return p.members(func(name []byte) error {
		if len(name) > maxID {
			return errID
		}
		uid := p.keep(name)
		var list []string
		if err := p.names(&list); err != nil || len(u.flags) >= maxPatients {
			return err
		}
		if u.flags == nil {
			u.flags = make(map[string][]string, 1)
		}
		u.flags[uid] = list
		return nil
	})
}

func (p *Parser) basis(u *unmapped) error {
	u.basis = &tutela.Basis{}
	return p.members(func(name []byte) error {
		switch string(name) {
		case "policies":
			return p.names(&u.basis.Policies)
		case "consent":
			return p.name(&u.basis.Consent)
		case "relationship":
			return p.name(&u.basis.Relationship)
		}
		return p.skip()
	})
}

// decode reads one of the rare objects. One that does not fit its type is left out.
func decode[T any](p *Parser, to **T) error {
	v, err := p.dec.ReadValue()
	if err != nil {
		return syntax(err)
	}
	var o *T
	if len(v) <= maxText && v.Kind() == '{' && json.Unmarshal(v, &o) == nil {
		*to = o
	}
	return nil
}

// time reads Unix milliseconds, RFC 3339, or a day. Null and the empty string are no time.
func (p *Parser) time(to *time.Time) error {
	b, err := p.raw()
	if err != nil || len(b) == 0 {
		return err
	}
	at, ok := parseTime(b)
	if !ok {
		return errTime
	}
	*to = at
	return nil
}

// latest bounds times: 9999-12-31, the last day that RFC 3339 can write.
const latest = 253402214400000

func parseTime(b []byte) (time.Time, bool) {
	if ms, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), ms >= 0 && ms <= latest
	}
	if ms, err := strconv.ParseFloat(string(b), 64); err == nil {
		ok := ms >= 0 && ms <= latest
		if !ok {
			return time.Time{}, false
		}
		return time.UnixMicro(int64(ms * 1000)).UTC(), true
	}
	for _, form := range []string{time.RFC3339Nano, time.DateOnly} {
		if at, err := time.Parse(form, string(b)); err == nil {
			ms := at.UnixMilli()
			return at.UTC(), ms >= 0 && ms <= latest
		}
	}
	return time.Time{}, false
}
