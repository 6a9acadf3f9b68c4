package scim

import (
	"net/http"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
)

// userObject is an account as SCIM shows it.
func (v *visit) userObject(u identity.User) object {
	o := object{
		"id": string(u.ID), "userName": u.Username, "active": !u.Disabled,
		"meta": v.meta(users(), string(u.ID), u.Created, u.Changed),
	}
	put(o, "externalId", u.External)
	name := object{}
	put(name, "formatted", u.Name.Formatted)
	put(name, "familyName", u.Name.Family)
	put(name, "givenName", u.Name.Given)
	if len(name) > 0 {
		o["name"] = name
	}
	put(o, "displayName", u.Name.Display)
	if u.Email != "" {
		o["emails"] = []any{object{"value": u.Email, "type": "work", "primary": true}}
	}
	if in := v.groupsOf(u); len(in) > 0 {
		o["groups"] = in
	}
	schemas := []any{urnUser}
	if u.Unit != "" {
		schemas = append(schemas, urnEnterprise)
		o[urnEnterprise] = object{"department": u.Unit}
	}
	if len(u.Clearances) > 0 {
		var list []any
		for _, label := range u.Clearances {
			list = append(list, label)
		}
		schemas = append(schemas, urnTutela)
		o[urnTutela] = object{"clearances": list}
	}
	o["schemas"] = schemas
	return versioned(o)
}

func put(o object, name, value string) {
	if value != "" {
		o[name] = value
	}
}

// meta is what the server says of a resource (RFC 7643, 3.1).
func (v *visit) meta(r resource, id string, created, changed time.Time) object {
	if changed.IsZero() {
		changed = created
	}
	m := object{"resourceType": r.name, "location": v.handler.base + r.path + "/" + id}
	if !created.IsZero() {
		m["created"], m["lastModified"] = created.UTC().Format(time.RFC3339Nano), changed.UTC().Format(time.RFC3339Nano)
	}
	return m
}

// groupsOf lists the groups that a person is in, as the person shows them.
func (v *visit) groupsOf(u identity.User) []any {
	var list []any
	for _, g := range v.Groups() {
		if inGroup(u, g) {
			id := groupID(g.Group)
			list = append(list, object{"value": id, "display": g.Group, "$ref": v.handler.base + groups().path + "/" + id, "type": "direct"})
		}
	}
	return list
}

// profileOf reads what a client says of a person. What it does not say of being active stays as it is:
// nobody is switched on by an omission.
func profileOf(o object, before identity.Profile) (identity.Profile, error) {
	p := identity.Profile{
		Username: textOf(o, "userName"), External: textOf(o, "externalId"), Email: emailOf(o),
		Unit: textOf(partOf(o, urnEnterprise), "department"), Groups: before.Groups, Active: before.Active,
	}
	if p.Username == "" {
		return p, bad(invalidValue, "userName is required")
	}
	name := partOf(o, "name")
	p.Name = identity.Name{Display: textOf(o, "displayName"), Formatted: textOf(name, "formatted"), Given: textOf(name, "givenName"), Family: textOf(name, "familyName")}
	if active, ok := o["active"].(bool); ok {
		p.Active = active
	}
	return p, nil
}

// emailOf is the primary address, or else the first.
func emailOf(o object) string {
	list := listOf(o, "emails")
	if i := slices.IndexFunc(list, func(e object) bool { return e["primary"] == true }); i >= 0 {
		return textOf(list[i], "value")
	}
	if len(list) > 0 {
		return textOf(list[0], "value")
	}
	return ""
}

func (v *visit) listUsers() (Answer, error) {
	people, err := v.People(v.ctx)
	if err != nil {
		return Answer{}, err
	}
	all := make([]object, len(people))
	for i, u := range people {
		all[i] = v.userObject(u)
	}
	return v.list(users(), all)
}

func (v *visit) readUser() (Answer, error) {
	u, err := v.Person(v.ctx, tutela.UserID(v.id()))
	if err != nil {
		return Answer{}, err
	}
	return v.answer(http.StatusOK, users(), v.userObject(u))
}

func (v *visit) createUser() (Answer, error) {
	o, err := v.canonicalBody(users())
	if err != nil {
		return Answer{}, err
	}
	p, err := profileOf(o, identity.Profile{Active: true})
	if err != nil {
		return Answer{}, err
	}
	u, err := v.Add(v.ctx, p)
	if err != nil {
		return Answer{}, err
	}
	return v.answer(http.StatusCreated, users(), v.userObject(u))
}

func (v *visit) canonicalBody(r resource) (object, error) {
	body, err := v.body()
	if err != nil {
		return nil, err
	}
	return r.canonical(body)
}

// replaceUser takes what the body says for all that there is; what nobody may change is passed over
// (RFC 7644, 3.5.1).
func (v *visit) replaceUser() (Answer, error) {
	o, err := v.canonicalBody(users())
	if err != nil {
		return Answer{}, err
	}
	return v.changeUser(func(identity.User) (object, error) { return o, nil })
}

func (v *visit) patchUser() (Answer, error) {
	body, err := v.body()
	if err != nil {
		return Answer{}, err
	}
	ops, err := parsePatch(body)
	if err != nil {
		return Answer{}, err
	}
	return v.changeUser(func(u identity.User) (object, error) { return users().patched(v.userObject(u), ops) })
}

// changeUser makes of a person what f gives, and answers with the person as it then is.
func (v *visit) changeUser(f func(identity.User) (object, error)) (Answer, error) {
	u, err := v.Change(v.ctx, tutela.UserID(v.id()), func(u identity.User) (identity.Profile, error) {
		if err := v.mayChange(v.tagOf(u)); err != nil {
			return identity.Profile{}, err
		}
		o, err := f(u)
		if err != nil {
			return identity.Profile{}, err
		}
		return profileOf(o, u.Profile())
	})
	if err != nil {
		return Answer{}, err
	}
	return v.answer(http.StatusOK, users(), v.userObject(u))
}

func (v *visit) tagOf(u identity.User) string {
	return textOf(partOf(v.userObject(u), "meta"), "version")
}

func (v *visit) deleteUser() (Answer, error) {
	err := v.Remove(v.ctx, tutela.UserID(v.id()), func(u identity.User) error { return v.mayChange(v.tagOf(u)) })
	return Answer{Status: http.StatusNoContent}, err
}
