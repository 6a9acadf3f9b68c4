package scim

import (
	"net/http"
	"strings"

	"github.com/tutela-health/tutela/internal/errs"
)

// What the server says of itself (RFC 7643, 5 to 7).

const (
	urnConfig = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	urnType   = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	urnSchema = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

func (h *Handler) serviceProviderConfig() (Answer, error) {
	can := func(b bool) object { return object{"supported": b} }
	return encoded(http.StatusOK, object{
		"schemas": []any{urnConfig}, "patch": can(true), "changePassword": can(false), "sort": can(false), "etag": can(true),
		"bulk":   object{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter": object{"supported": true, "maxResults": longestPage},
		"authenticationSchemes": []any{object{
			"type": "oauthbearertoken", "name": "OAuth 2 client credentials", "primary": true,
			"description": "An access token with the scope scim, got by client_credentials and private_key_jwt (RFC 7523); it lives five minutes.",
		}},
		"meta": object{"resourceType": "ServiceProviderConfig", "location": h.base + "/ServiceProviderConfig"},
	})
}

func kinds() []resource { return []resource{users(), groups()} }

func (h *Handler) typeObject(r resource) object {
	o := object{
		"schemas": []any{urnType}, "id": r.name, "name": r.name, "endpoint": r.path, "description": r.about, "schema": r.urn,
		"meta": object{"resourceType": "ResourceType", "location": h.base + "/ResourceTypes/" + r.name},
	}
	if len(r.extensions) > 0 {
		var list []any
		for _, urn := range r.extensions {
			list = append(list, object{"schema": urn, "required": false})
		}
		o["schemaExtensions"] = list
	}
	return o
}

func (h *Handler) resourceTypes(v *visit) (Answer, error) {
	var all []object
	for _, r := range kinds() {
		all = append(all, h.typeObject(r))
	}
	return v.all(all)
}

func (h *Handler) resourceType(v *visit) (Answer, error) {
	for _, r := range kinds() {
		if r.name == v.id() {
			return encoded(http.StatusOK, h.typeObject(r))
		}
	}
	return Answer{}, errs.New(errs.NotFound, "no such type of resource")
}

// all lists what is not filtered (RFC 7644, 4).
func (v *visit) all(list []object) (Answer, error) {
	if v.r.URL.Query().Get("filter") != "" {
		return Answer{}, errs.New(errs.Denied, "the server's description is not filtered")
	}
	return encoded(http.StatusOK, listBody{Schemas: []string{urnList}, Total: len(list), Start: 1, PerPage: len(list), Resources: list})
}

// schemaObjects describes the attributes that are kept.
func (h *Handler) schemaObjects() []object {
	var list []object
	for _, r := range kinds() {
		var core []attribute
		for _, a := range r.attributes {
			switch {
			case a.name == urnEnterprise:
				list = append(list, h.schemaObject(a.name, "EnterpriseUser", "What an organisation says of a person.", a.sub))
			case a.name == urnTutela:
				list = append(list, h.schemaObject(a.name, "Clearances", "What a person is cleared for here.", a.sub))
			case a.name != "meta" && a.name != "id" && a.name != "externalId": // common to all (RFC 7643, 3.1)
				core = append(core, a)
			}
		}
		list = append(list, h.schemaObject(r.urn, r.name, r.about, core))
	}
	return list
}

func (h *Handler) schemaObject(urn, name, about string, list []attribute) object {
	return object{
		"schemas": []any{urnSchema}, "id": urn, "name": name, "description": about, "attributes": described(list),
		"meta": object{"resourceType": "Schema", "location": h.base + "/Schemas/" + urn},
	}
}

func described(list []attribute) []any {
	var out []any
	for _, a := range list {
		if a.change == "" {
			a.change = readWrite
		}
		o := object{
			"name": a.name, "type": string(a.kind), "multiValued": a.multi, "description": a.about, "required": a.required,
			"caseExact": a.exact, "mutability": string(a.change), "returned": "default", "uniqueness": uniquenessOf(a),
		}
		if len(a.sub) > 0 {
			o["subAttributes"] = described(a.sub)
		}
		if a.name == "$ref" {
			o["referenceTypes"] = []any{"User", "Group"}
		}
		out = append(out, o)
	}
	return out
}

func uniquenessOf(a attribute) string {
	if a.unique {
		return "server"
	}
	return "none"
}

func (h *Handler) schemas(v *visit) (Answer, error) { return v.all(h.schemaObjects()) }

func (h *Handler) schema(v *visit) (Answer, error) {
	for _, o := range h.schemaObjects() {
		if strings.EqualFold(textOf(o, "id"), v.id()) {
			return encoded(http.StatusOK, o)
		}
	}
	return Answer{}, errs.New(errs.NotFound, "no such schema")
}
