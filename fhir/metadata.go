package fhir

import (
	"net/http"

	"github.com/tutela-health/tutela/r4"
)

// capabilityStatement is the resource of that name (http://hl7.org/fhir/R4/capabilitystatement.html),
// made from what the handler really offers.
type capabilityStatement struct {
	ResourceType   string            `json:"resourceType"`
	Status         string            `json:"status"`
	Date           string            `json:"date"`
	Kind           string            `json:"kind"`
	Software       capSoftware       `json:"software"`
	Implementation capImplementation `json:"implementation"`
	FHIRVersion    string            `json:"fhirVersion"`
	Format         []string          `json:"format"`
	Rest           []capRest         `json:"rest"`
}

type capSoftware struct {
	Name string `json:"name"`
}

type capImplementation struct {
	Description string `json:"description"`
	URL         string `json:"url"`
}

type capRest struct {
	Mode        string           `json:"mode"`
	Security    capSecurity      `json:"security"`
	Resource    []capResource    `json:"resource"`
	Interaction []capInteraction `json:"interaction"`
}

type capSecurity struct {
	Extension   []capExtension `json:"extension,omitempty"`
	Description string         `json:"description"`
}

type capExtension struct {
	URL       string         `json:"url"`
	ValueURI  string         `json:"valueUri,omitempty"`
	Extension []capExtension `json:"extension,omitempty"`
}

type capInteraction struct {
	Code string `json:"code"`
}

type capResource struct {
	Type              string           `json:"type"`
	Interaction       []capInteraction `json:"interaction"`
	Versioning        string           `json:"versioning"`
	ReadHistory       bool             `json:"readHistory"`
	UpdateCreate      bool             `json:"updateCreate"`
	ConditionalCreate bool             `json:"conditionalCreate"`
	ConditionalRead   string           `json:"conditionalRead"`
	SearchInclude     []string         `json:"searchInclude,omitempty"`
	SearchParam       []capSearchParam `json:"searchParam,omitempty"`
	Operation         []capOperation   `json:"operation,omitempty"`
}

type capOperation struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`
}

type capSearchParam struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func interactions(codes ...string) []capInteraction {
	list := make([]capInteraction, len(codes))
	for i, c := range codes {
		list[i].Code = c
	}
	return list
}

// oauthURIs names the endpoints of the authorization server as SMART App Launch 1.0.0, "SMART on
// FHIR OAuth authorization Endpoints", has it. From 2.0.0 on .well-known/smart-configuration says
// it all, yet clients ask both at once and believe whichever answers first.
func oauthURIs(e OAuthEndpoints) []capExtension {
	if e == (OAuthEndpoints{}) {
		return nil
	}
	return []capExtension{{URL: "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris", Extension: []capExtension{
		{URL: "authorize", ValueURI: e.Authorize}, {URL: "token", ValueURI: e.Token}, {URL: "manage", ValueURI: e.Manage},
		{URL: "introspect", ValueURI: e.Introspect}, {URL: "revoke", ValueURI: e.Revoke},
	}}}
}

// metadata serves the CapabilityStatement; it says nothing about any patient and is public.
func (h *Handler) metadata(w http.ResponseWriter, r *http.Request) {
	if err := acceptable(r); err != nil {
		Refuse(w, err)
		return
	}
	(&answer{status: http.StatusOK, body: mustJSON(h.capabilities())}).write(w, r.Method)
}

func (h *Handler) capabilities() capabilityStatement {
	rest := capRest{
		Mode: "server",
		Security: capSecurity{
			Extension:   oauthURIs(h.oauth),
			Description: "Every interaction but this one needs a Bearer access token (RFC 6750) with SMART on FHIR v2 scopes.",
		},
		Interaction: interactions("transaction", "batch"),
	}
	for _, typ := range r4.ResourceTypes() {
		rest.Resource = append(rest.Resource, capabilitiesOf(typ))
	}
	return capabilityStatement{
		ResourceType: "CapabilityStatement", Status: "active", Date: h.started.UTC().Format("2006-01-02T15:04:05Z"),
		Kind: "instance", Software: capSoftware{"Tutela"},
		Implementation: capImplementation{"A FHIR store that keeps every record sealed and every access in a verifiable ledger.", h.base},
		FHIRVersion:    "4.0.1", Format: []string{"application/fhir+json", "json"}, Rest: []capRest{rest},
	}
}

func capabilitiesOf(typ string) capResource {
	c := capResource{
		Type: typ, Interaction: interactions("read", "vread", "update", "delete", "history-instance", "create", "search-type"),
		Versioning: "versioned-update", ReadHistory: true, UpdateCreate: true, ConditionalCreate: true, ConditionalRead: "not-match",
	}
	for _, p := range r4.Params(typ) {
		c.SearchParam = append(c.SearchParam, capSearchParam{p.Name, p.Type.String()})
		if p.Type == r4.ParamReference {
			c.SearchInclude = append(c.SearchInclude, typ+":"+p.Name)
		}
	}
	if typ == "Patient" {
		c.Operation = []capOperation{{"everything", "http://hl7.org/fhir/OperationDefinition/Patient-everything"}}
	}
	return c
}
