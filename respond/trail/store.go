package trail

import "github.com/tutela-health/tutela/store"

// Migrations make this package's table: a row a name. mac is a keyed hash of the rest.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0900_respond_places", SQL: `
CREATE TABLE respond_places (
	name {{text}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, place {{int}} NOT NULL, written {{int}} NOT NULL, mac {{int}} NOT NULL
) {{clustered}};
`}}
}

func table() *store.Table {
	return &store.Table{Name: "respond_places", Key: 1, Columns: []store.Column{
		{Name: "name", Kind: store.Text}, {Name: "revision"}, {Name: "place"}, {Name: "written"}, {Name: "mac"},
	}}
}
