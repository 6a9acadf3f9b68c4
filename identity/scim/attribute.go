package scim

import (
	"slices"
	"strings"
)

// kind is the data type of an attribute (RFC 7643, 2.3).
type kind string

const (
	text      kind = "string"
	truth     kind = "boolean"
	moment    kind = "dateTime"
	reference kind = "reference"
	complexed kind = "complex"
)

// change says who may change an attribute (RFC 7643, 2.2).
type change string

const (
	readWrite change = "readWrite"
	readOnly  change = "readOnly"
	immutable change = "immutable"
)

// attribute is what a name in a resource means (RFC 7643, 7).
type attribute struct {
	name     string
	kind     kind
	about    string // a sentence for /Schemas
	multi    bool
	required bool
	exact    bool // values are compared by case
	unique   bool
	change   change // empty: readWrite
	sub      []attribute
}

// URNs of schemas and messages (RFC 7643, 8 and 10; RFC 7644, 8).
const (
	urnUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	urnGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	urnEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	urnTutela     = "urn:ietf:params:scim:schemas:extension:tutela:2.0:User"
	urnList       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	urnPatch      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	urnError      = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// resource is a type of resource.
type resource struct {
	name, path, urn, about string
	extensions             []string // URNs
	attributes             []attribute
	ignored                []string // of the standard's attributes, those that are not kept
	refused                []string // not kept, and a change of one alone is refused
}

// common are the attributes of every resource (RFC 7643, 3.1).
func common(more ...attribute) []attribute {
	return append([]attribute{
		{name: "id", kind: text, exact: true, change: readOnly, about: "The account's or group's id here."},
		{name: "meta", kind: complexed, change: readOnly, about: "What the server says of the resource.", sub: []attribute{
			{name: "resourceType", kind: text, exact: true, change: readOnly},
			{name: "created", kind: moment, change: readOnly},
			{name: "lastModified", kind: moment, change: readOnly},
			{name: "location", kind: reference, exact: true, change: readOnly},
			{name: "version", kind: text, exact: true, change: readOnly},
		}},
	}, more...)
}

// users is the User (RFC 7643, 4.1) as far as it is kept.
func users() resource {
	return resource{
		name: "User", path: "/Users", urn: urnUser, extensions: []string{urnEnterprise, urnTutela}, about: "A person's account.",
		attributes: common(
			attribute{name: "externalId", kind: text, exact: true, about: "The person's id in the directory."},
			attribute{name: "userName", kind: text, required: true, unique: true, about: "What the person logs in with: 2 to 64 of a-z, 0-9 and . _ @ -"},
			attribute{name: "name", kind: complexed, about: "The person's name.", sub: []attribute{
				{name: "formatted", kind: text}, {name: "familyName", kind: text}, {name: "givenName", kind: text},
			}},
			attribute{name: "displayName", kind: text, about: "The name as it is shown."},
			attribute{name: "emails", kind: complexed, multi: true, about: "One address is kept: the primary one, or the first. Nothing is sent to it.", sub: []attribute{
				{name: "value", kind: text}, {name: "type", kind: text}, {name: "primary", kind: truth}, {name: "display", kind: text},
			}},
			attribute{name: "active", kind: truth, about: "False ends every session and token at once, and nobody logs in."},
			attribute{name: "groups", kind: complexed, multi: true, change: readOnly, about: "Groups that the person is in; changed at the group.", sub: []attribute{
				{name: "value", kind: text, exact: true, change: readOnly},
				{name: "display", kind: text, change: readOnly},
				{name: "$ref", kind: reference, exact: true, change: readOnly},
				{name: "type", kind: text, change: readOnly},
			}},
			attribute{name: urnEnterprise, kind: complexed, sub: []attribute{
				{name: "department", kind: text, about: "The person's ward or department."},
			}},
			attribute{name: urnTutela, kind: complexed, change: readOnly, sub: []attribute{
				{name: "clearances", kind: text, multi: true, exact: true, change: readOnly, about: "Sensitivity labels that the person is cleared for. No directory gives or takes any."},
			}},
		),
		ignored: []string{
			"schemas", "nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale", "timezone", "phoneNumbers",
			"ims", "photos", "addresses", "employeeNumber", "costCenter", "organization", "division", "manager",
		},
		refused: []string{"password", "roles", "entitlements", "x509Certificates"},
	}
}

// groups is the Group (RFC 7643, 4.2).
func groups() resource {
	return resource{
		name: "Group", path: "/Groups", urn: urnGroup, about: "A group that an administrator mapped to a role.",
		attributes: common(
			attribute{name: "displayName", kind: text, required: true, unique: true, change: immutable, about: "As an administrator mapped it."},
			attribute{name: "members", kind: complexed, multi: true, about: "Users. Who is one has the role.", sub: []attribute{
				{name: "value", kind: text, exact: true, change: immutable},
				{name: "display", kind: text, change: immutable},
				{name: "$ref", kind: reference, exact: true, change: immutable},
				{name: "type", kind: text, change: immutable},
			}},
		),
		ignored: []string{"schemas", "externalId"},
	}
}

// find gives the attribute of a name, whatever its case (RFC 7643, 2.1).
func find(list []attribute, name string) (attribute, bool) {
	i := slices.IndexFunc(list, func(a attribute) bool { return strings.EqualFold(a.name, name) })
	if i < 0 {
		return attribute{}, false
	}
	return list[i], true
}

func holds(list []string, name string) bool {
	return slices.ContainsFunc(list, func(n string) bool { return strings.EqualFold(n, name) })
}

// withoutURN takes the schema off a name that is written in full (RFC 7644, 3.10). A name of the
// extension comes back as its schema and the rest.
func (r resource) withoutURN(name string) (schema, rest string) {
	if after, ok := cutFold(name, r.urn+":"); ok {
		return "", after
	}
	for _, urn := range r.extensions {
		if strings.EqualFold(name, urn) {
			return urn, ""
		}
		if after, ok := cutFold(name, urn+":"); ok {
			return urn, after
		}
	}
	return "", name
}

func cutFold(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}
