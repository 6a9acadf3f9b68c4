package e2e_test

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// placed is a resource and where its row lies.
type placed struct {
	path    string // on the API
	secret  string // what only its plaintext says
	locator row
	version row // the newest
}

// mover puts resources into a system and finds their rows.
type mover struct {
	s *system
	d *database
	c *client
}

// put stores a resource and finds its rows by what was not there before.
func (m *mover) put(t *testing.T, path, body, secret string) placed {
	t.Helper()
	locators, versions := m.d.rows(t, "locators"), m.d.rows(t, "versions")
	r := m.c.want(t, http.StatusCreated, http.MethodPut, "/fhir/r4/"+path, body)
	if !bytes.Contains(r.body, []byte(secret)) {
		t.Fatalf("%s does not say %q", path, secret)
	}
	return placed{path, secret, added(t, locators, m.d.rows(t, "locators")), added(t, versions, m.d.rows(t, "versions"))}
}

func added(t *testing.T, before, after []row) row {
	t.Helper()
	after = slices.DeleteFunc(after, func(r row) bool { return contains(before, r) })
	if len(after) != 1 {
		t.Fatalf("%d rows were added, want one", len(after))
	}
	return after[0]
}

// A sealed row that was moved to another patient, id, type, version, tenant or purpose does not
// open: the answer is a bare 500, and the verification names the row.
func TestMovedRowDoesNotOpen(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, postgresFor(t, engine))
			s.start(t)
			prepareSubjects(t, s)
			m := &mover{s, s.behind(t), s.as(t, "loader")}
			first := m.put(t, "Observation/first", observation("first", "secret of the first", 0), "secret of the first")
			second := m.put(t, "Observation/second", observation("second", "secret of the second", 1), "secret of the second")
			basic := m.put(t, "Basic/first", `{"resourceType":"Basic","id":"first","code":{"text":"secret of the basic"},"subject":{"reference":"Patient/subject-0"}}`, "secret of the basic")
			elder := first.version
			first.version = m.newer(t, &first)

			bucket, sealed := "bucket", "sealed"
			m.refuses(t, "another patient", first, m.change(
				first.version, first.version.with(first.version.column(bucket), second.version.get(bucket)),
				first.locator, first.locator.with(first.locator.column(bucket), second.version.get(bucket))))
			m.refuses(t, "another id", second, m.carry(second.version, first.version, sealed))
			m.refuses(t, "another type", basic, m.carry(basic.version, elder, sealed))
			m.refuses(t, "another version", first, m.carry(first.version, elder, sealed))
			m.refusesSharedKey(t)
			m.refusesStrangers(t)
			s.clean(t, "audit", "verify", "--deep")
			m.refusesTenant(t, first)
		})
	}
}

// newer makes a second version and gives its row; the locator's is brought up to date.
func (m *mover) newer(t *testing.T, p *placed) row {
	t.Helper()
	locators, versions := m.d.rows(t, "locators"), m.d.rows(t, "versions")
	m.c.want(t, http.StatusOK, http.MethodPut, "/fhir/r4/"+p.path, observation("first", "secret of the first, again", 0))
	p.locator = added(t, locators, m.d.rows(t, "locators"))
	return added(t, versions, m.d.rows(t, "versions"))
}

// change pairs rows with what is to replace them.
func (m *mover) change(pairs ...row) [][2]row {
	var list [][2]row
	for pair := range slices.Chunk(pairs, 2) {
		list = append(list, [2]row{pair[0], pair[1]})
	}
	return list
}

// carry puts another row's value into a row.
func (m *mover) carry(to, from row, column string) [][2]row {
	return m.change(to, to.with(to.column(column), from.get(column)))
}

// refuses makes the changes, expects that p cannot be read any more, and undoes them.
func (m *mover) refuses(t *testing.T, how string, p placed, changes [][2]row) {
	t.Helper()
	for _, c := range changes {
		if !m.d.replace(t, c[0], c[1]) {
			t.Fatalf("%s: %v is there already", how, c[1])
		}
	}
	for _, path := range []string{p.path, p.path + "/_history"} {
		a, err := m.c.send(t.Context(), http.MethodGet, "/fhir/r4/"+path, "")
		must(t, err)
		if a.status != http.StatusInternalServerError || bytes.Contains(a.body, []byte("secret")) {
			t.Errorf("moved to %s: GET %s: status %d: %s", how, path, a.status, a.body)
		}
	}
	if r := m.s.run(t, "audit", "verify", "--deep"); r.code != 1 || !strings.Contains(r.out, "versions locator") || strings.Contains(r.out+r.err, "secret") {
		t.Errorf("moved to %s: verify: exit %d\n%s%s", how, r.code, r.out, r.err)
	}
	for _, c := range changes {
		m.d.remove(t, c[1])
		must(t, m.d.insert(t, c[0]))
	}
	m.c.want(t, http.StatusOK, http.MethodGet, "/fhir/r4/"+p.path, "")
}

// refusesSharedKey takes what was sealed for the same patient, locator and version under the same
// key, but as the wrapped key of a shared resource, for the resource itself.
func (m *mover) refusesSharedKey(t *testing.T) {
	t.Helper()
	p := m.put(t, "Observation/shared", observation("shared", "secret of both", 5), "secret of both")
	var wrap row
	for _, w := range m.d.rows(t, "shared_keys") {
		if w.get("locator") == p.version.get("locator") {
			wrap = w
		}
	}
	keyVersion, ok := wrap.get("key_version").(int64)
	wrapped, isBytes := wrap.get("wrapped").([]byte)
	if !ok || !isBytes {
		t.Fatalf("no wrapped key: %v", wrap)
	}
	sealed := append(binary.AppendUvarint([]byte{1}, uint64(keyVersion)), wrapped...) // as a version's row begins
	bucket := wrap.get("bucket")
	m.refuses(t, "another purpose", p, m.change(
		p.version, p.version.with(p.version.column("bucket"), bucket).with(p.version.column("sealed"), sealed),
		p.locator, p.locator.with(p.locator.column("bucket"), bucket)))
}

// refusesStrangers moves a row of the same patient, type, id and version from another system.
func (m *mover) refusesStrangers(t *testing.T) {
	t.Helper()
	other := newSystem(t, "")
	other.start(t)
	prepareSubjects(t, other)
	o := &mover{other, other.behind(t), other.as(t, "loader")}
	body := observation("twin", "secret of the twins", 0)
	mine := m.put(t, "Observation/twin", body, "secret of the twins")
	theirs := o.put(t, "Observation/twin", body, "secret of the twins")
	m.refuses(t, "another tenant", mine, m.carry(mine.version, theirs.version, "sealed"))
	other.stop(t)
}

// refusesTenant gives all rows and all keys to another tenant: nothing opens, so nothing starts.
func (m *mover) refusesTenant(t *testing.T, p placed) {
	t.Helper()
	m.s.stop(t)
	path := filepath.Join(m.s.dir, "tutela.yaml")
	text, err := os.ReadFile(path)
	must(t, err)
	renamed := bytes.Replace(text, []byte("tenant: tryout"), []byte("tenant: impostor"), 1)
	if bytes.Equal(renamed, text) {
		t.Fatalf("no tenant in %s", text)
	}
	must(t, os.WriteFile(path, renamed, 0o600))
	if r := m.s.run(t, "audit", "verify"); r.code != 2 || r.out != "" || !strings.Contains(r.err, "key") {
		t.Errorf("as another tenant: exit %d\n%s%s", r.code, r.out, r.err)
	}
	must(t, os.WriteFile(path, text, 0o600))
	m.s.start(t)
	m.s.as(t, "loader").want(t, http.StatusOK, http.MethodGet, "/fhir/r4/"+p.path, "")
	m.s.stop(t)
}
