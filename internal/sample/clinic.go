package sample

import "fmt"

// doctor is one of the practitioners whom all patients share.
type doctor struct {
	given, family, gender, npi string
}

func doctors() []doctor {
	return []doctor{
		{"Henrietta", "Stavros-Quill", "female", "9999900011"},
		{"Babatunde", "Oyelaran", "male", "9999900029"},
		{"Clementine", "Marchetti", "female", "9999900037"},
		{"Søren", "Holmgaard", "male", "9999900045"},
		{"Lakshmi", "Raghunathan", "female", "9999900052"},
		{"Augustin", "Delacroix-Reyes", "male", "9999900060"},
	}
}

func (d doctor) display() string { return "Dr. " + d.given + " " + d.family }

// place is an organisation that all patients share.
type place struct {
	id, name, kind, kindName, phone, line string
	town                                  int
}

func clinics() []place {
	return []place{
		{"alder-falls", "Alder Falls Family Practice", "prov", "Healthcare Provider", "802-555-0110", "12 Foundry Street", 0},
		{"larchmere", "Larchmere Community Health Center", "prov", "Healthcare Provider", "802-555-0120", "1 Chestnut Terrace", 4},
		{"valley-hospital", "Alder Valley Regional Hospital", "prov", "Healthcare Provider", "802-555-0130", "300 Quarry View Drive", 3},
	}
}

func insurers() []place {
	return []place{
		{"green-ridge", "Green Ridge Health Plan", "ins", "Insurance Company", "802-555-0140", "8 Granite Street", 1},
		{"valley-mutual", "Valley Mutual Assurance", "ins", "Insurance Company", "802-555-0150", "77 Stonebridge Road", 2},
	}
}

// doctor puts a practitioner into the Bundle, once, and refers to it.
func (c *chart) doctor(d doctor) reference {
	r := c.sharedEntry("Practitioner", npi, d.npi, practitionerResource{
		ResourceType: "Practitioner", Active: true, Gender: d.gender,
		Identifier:    []identifier{{System: npi, Value: d.npi}},
		Name:          []humanName{{Use: "official", Family: d.family, Given: []string{d.given}, Prefix: []string{"Dr."}}},
		Telecom:       []contact{{"phone", "802-555-01" + d.npi[8:], "work"}},
		Qualification: []qualification{{code(terminology+"v2-0360", "MD", "Doctor of Medicine")}},
	})
	r.Display = d.display()
	return r
}

// organization puts a clinic or an insurer into the Bundle, once, and refers to it.
func (c *chart) organization(p place) reference {
	t := towns()[p.town]
	r := c.sharedEntry("Organization", site, p.id, organizationResource{
		ResourceType: "Organization", Active: true, Name: p.name,
		Identifier: []identifier{{System: site, Value: p.id}},
		Type:       []concept{code(terminology+"organization-type", p.kind, p.kindName)},
		Telecom:    []contact{{"phone", p.phone, "work"}},
		Address:    []address{{Line: []string{p.line}, City: t.name, State: "VT", PostalCode: t.postalCode, Country: "US"}},
	})
	r.Display = p.name
	return r
}

func ifNoneExist(system, value string) string {
	return fmt.Sprintf("identifier=%s|%s", system, value)
}
