package store

// migrations are store's own tables.
func migrations() []Migration {
	return []Migration{{ID: "0000_store", SQL: `
CREATE TABLE leases (
  name    {{text}} PRIMARY KEY,
  owner   {{text}} NOT NULL,
  token   {{int}} NOT NULL, -- grows with every change of hands
  expires {{int}} NOT NULL  -- Unix milliseconds
) {{clustered}};

CREATE TABLE jobs (
  name    {{text}} PRIMARY KEY,
  state   {{int}} NOT NULL,
  cursor  {{bytes}} NOT NULL,
  done    {{int}} NOT NULL,
  total   {{int}} NOT NULL,
  updated {{int}} NOT NULL  -- Unix milliseconds
) {{clustered}};

CREATE TABLE invalidations (
  at    {{int}} NOT NULL,   -- Unix milliseconds, by the publisher's clock
  id    {{int}} NOT NULL,   -- random
  topic {{text}} NOT NULL,
  key   {{bytes}} NOT NULL,
  PRIMARY KEY (at, id)
) {{clustered}};

CREATE TABLE wrapped_keys (
  kind       {{int}} NOT NULL,
  id         {{int}} NOT NULL,
  version    {{int}} NOT NULL,
  generation {{int}} NOT NULL,
  created    {{int}} NOT NULL, -- Unix seconds
  blob       {{bytes}} NOT NULL,
  PRIMARY KEY (kind, id, version)
) {{clustered}};
`}, generationsMigration()}
}
