package scim

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// Groups are the administrator's: each is mapped to a role. A SCIM client fills and empties them, and
// neither makes, renames nor removes any.

// groupID is the id of a group, a hash of its name.
func groupID(name string) string {
	sum := sha256.Sum256([]byte("scim group\x00" + name))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

// inGroup reports whether a person is in a group: put there, and still of its role.
func inGroup(u identity.User, g identity.GroupRole) bool {
	return slices.Contains(u.Groups, g.Group) && slices.Contains(u.Roles, g.Role)
}

// group finds the group that the request names.
func (v *visit) group() (identity.GroupRole, error) {
	for _, g := range v.Groups() {
		if groupID(g.Group) == v.id() {
			return g, nil
		}
	}
	return identity.GroupRole{}, errs.New(errs.NotFound, "no such group")
}

// groupObject is a group as SCIM shows it.
func (v *visit) groupObject(g identity.GroupRole, people []identity.User) object {
	id := groupID(g.Group)
	members := []any{}
	for _, u := range people {
		if inGroup(u, g) {
			members = append(members, object{
				"value": string(u.ID), "display": u.Username, "$ref": v.handler.base + users().path + "/" + string(u.ID), "type": "User",
			})
		}
	}
	return versioned(object{
		"schemas": []any{urnGroup}, "id": id, "displayName": g.Group, "members": members, "meta": v.meta(groups(), id, time.Time{}, time.Time{}),
	})
}

func (v *visit) listGroups() (Answer, error) {
	people, err := v.People(v.ctx)
	if err != nil {
		return Answer{}, err
	}
	var all []object
	for _, g := range v.Groups() {
		all = append(all, v.groupObject(g, people))
	}
	return v.list(groups(), all)
}

func (v *visit) readGroup() (Answer, error) {
	g, err := v.group()
	if err != nil {
		return Answer{}, err
	}
	people, err := v.People(v.ctx)
	if err != nil {
		return Answer{}, err
	}
	return v.answer(http.StatusOK, groups(), v.groupObject(g, people))
}

// createGroup makes none: a group that is mapped is there, and no other may be.
func (v *visit) createGroup() (Answer, error) {
	o, err := v.canonicalBody(groups())
	if err != nil {
		return Answer{}, err
	}
	for _, g := range v.Groups() {
		if strings.EqualFold(g.Group, textOf(o, "displayName")) {
			return Answer{}, errs.Wrap(errs.Conflict, &failure{uniqueness}, "the group is there: find it by displayName and fill it")
		}
	}
	return Answer{}, errs.New(errs.Denied, "an administrator maps groups to roles, and has not mapped this one")
}

func (v *visit) replaceGroup() (Answer, error) {
	o, err := v.canonicalBody(groups())
	if err != nil {
		return Answer{}, err
	}
	return v.changeGroup(func(before object) (object, error) {
		if !strings.EqualFold(textOf(o, "displayName"), textOf(before, "displayName")) {
			return nil, bad(mutability, "displayName cannot be changed: an administrator names groups")
		}
		return o, nil
	})
}

func (v *visit) patchGroup() (Answer, error) {
	body, err := v.body()
	if err != nil {
		return Answer{}, err
	}
	ops, err := parsePatch(body)
	if err != nil {
		return Answer{}, err
	}
	return v.changeGroup(func(before object) (object, error) { return groups().patched(before, ops) })
}

// emptyGroup answers DELETE: nobody is in the group any more.
func (v *visit) emptyGroup() (Answer, error) {
	_, err := v.changeGroup(func(object) (object, error) { return object{}, nil })
	return Answer{Status: http.StatusNoContent}, err
}

// changeGroup makes the group's members those that f gives, of all or of none.
func (v *visit) changeGroup(f func(object) (object, error)) (Answer, error) {
	g, err := v.group()
	if err != nil {
		return Answer{}, err
	}
	err = v.ChangeAll(v.ctx, func(people []identity.User) (map[tutela.UserID]identity.Profile, error) {
		before := v.groupObject(g, people)
		if err := v.mayChange(textOf(partOf(before, "meta"), "version")); err != nil {
			return nil, err
		}
		after, err := f(before)
		if err != nil {
			return nil, err
		}
		return moved(g, people, after)
	})
	if err != nil {
		return Answer{}, err
	}
	return v.readGroup()
}

// moved gives the profiles of those who come into a group and of those who leave it.
func moved(g identity.GroupRole, people []identity.User, after object) (map[tutela.UserID]identity.Profile, error) {
	wanted := map[tutela.UserID]bool{}
	for _, m := range listOf(after, "members") {
		if typ := textOf(m, "type"); typ != "" && !strings.EqualFold(typ, "User") {
			return nil, bad(invalidValue, "members are users")
		}
		wanted[tutela.UserID(textOf(m, "value"))] = true
	}
	changed := map[tutela.UserID]identity.Profile{}
	known := maps.Clone(wanted)
	for _, u := range people {
		delete(known, u.ID)
		if wanted[u.ID] == inGroup(u, g) {
			continue
		}
		p := u.Profile()
		p.Groups = slices.DeleteFunc(p.Groups, func(name string) bool { return name == g.Group })
		if wanted[u.ID] {
			p.Groups = append(p.Groups, g.Group)
		}
		changed[u.ID] = p
	}
	if len(known) > 0 {
		return nil, bad(invalidValue, "%d of the members are nobody whom this client manages", len(known))
	}
	return changed, nil
}
