package deps_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

type entry struct {
	name, text string
	link       string
	program    bool
}

// tarOf makes a tar.
func tarOf(t *testing.T, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Size: int64(len(e.text)), Mode: 0o644, Typeflag: tar.TypeReg}
		if e.program {
			h.Mode = 0o755
		}
		if e.link != "" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, e.link
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstded(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

// layout gives the files of an OCI layout of one image.
func layout(layers ...string) []entry {
	var all []entry
	blob := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		name := hex.EncodeToString(sum[:])
		all = append(all, entry{name: "blobs/sha256/" + name, text: text})
		return "sha256:" + name
	}
	var list []string
	for _, l := range layers {
		list = append(list, fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":%q}`, blob(l)))
	}
	manifest := blob(`{"schemaVersion":2,"layers":[` + strings.Join(list, ",") + `]}`)
	attestation := blob(`{"layers":[{"mediaType":"application/vnd.in-toto+json","digest":"sha256:none"}]}`)
	index := blob(fmt.Sprintf(`{"manifests":[{"digest":%q,"platform":{"os":"linux"}},{"digest":%q,"platform":{"os":"unknown"}}]}`, manifest, attestation))
	return append([]entry{{name: "oci-layout", text: `{"imageLayoutVersion":"1.0.0"}`}, {name: "index.json", text: fmt.Sprintf(`{"manifests":[{"digest":%q}]}`, index)}}, all...)
}

// saved gives the files of docker save as it was before OCI layouts; one layer is a link to another.
func saved(t *testing.T, layers ...string) []entry {
	t.Helper()
	var all []entry
	var names []string
	for i, l := range layers {
		name := strings.Repeat(fmt.Sprint(i), 64) + "/layer.tar"
		names = append(names, `"`+name+`"`)
		all = append(all, entry{name: name, text: l}, entry{name: strings.Repeat(fmt.Sprint(i), 64) + "/json", text: "{}"})
	}
	again := strings.Repeat("f", 64) + "/layer.tar"
	all = append(all, entry{name: again, link: "../" + strings.Repeat("0", 64) + "/layer.tar"})
	names = append([]string{`"` + again + `"`}, names...)
	return append(all, entry{name: "manifest.json", text: `[{"RepoTags":["app:1"],"Layers":[` + strings.Join(names, ",") + `]}]`})
}

const (
	debian  = "PRETTY_NAME=\"Debian\"\nID=debian\nVERSION_ID=\"12\"\n"
	status  = "Package: libssl3\nStatus: install ok installed\nSource: openssl (3.0.11-1)\nVersion: 3.0.11-1+b1\nDescription: x\n Package: not this\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: bash\nStatus: install ok installed\nVersion: 5.2-1\n"
	alpine  = "ID=alpine\nVERSION_ID=3.18.4\n"
	apkdb   = "C:Q12jmj7l5rSw0yVb/vlWAYkK/YBwk=\nP:libcrypto3\nV:3.1.3-r0\no:openssl\nL:Apache-2.0\n\nP:musl\nV:1.2.4-r1\no:musl\n\n"
	records = `,"upstream":["CVE-2024-1"]`
)

// imageAdvisories are of the packages above.
func imageAdvisories(t *testing.T) string {
	return known(t, map[string][]string{
		"Debian":      {advisory("DEBIAN-CVE-2024-1", "Debian:12", "openssl", "3.0.11-2", records), advisory("DEBIAN-CVE-2024-2", "Debian:11", "openssl", "9", ""), advisory("DEBIAN-CVE-2024-3", "Debian:12", "bash", "5.2-1", "")},
		"Alpine":      {advisory("ALPINE-CVE-2024-1", "Alpine:v3.18", "openssl", "3.1.4-r0", records), advisory("ALPINE-CVE-2024-4", "Alpine:v3.17", "openssl", "9", "")},
		"Rocky Linux": {advisory("RLSA-1", "Rocky Linux:9", "openssl", "1:3.0.7-25.el9_3", "")},
	}, "CVE-2024-1")
}

// Packages of images in every form that they are handed about in, with their layers laid over each other.
func TestImages(t *testing.T) {
	base := tarOf(t, entry{name: "etc/os-release", text: debian}, entry{name: "./var/lib/dpkg/status", text: status})
	apk := tarOf(t, entry{name: "usr/lib/os-release", text: alpine}, entry{name: "lib/apk/db/installed", text: apkdb})
	fixed := tarOf(t, entry{name: "var/lib/dpkg/status", text: strings.ReplaceAll(status, "3.0.11-1", "3.0.11-2")})
	removed := tarOf(t, entry{name: "var/lib/.wh.dpkg"})
	opaque := tarOf(t, entry{name: "var/lib/dpkg/.wh..wh..opq"}, entry{name: "var/lib/dpkg/status.d/base", text: "Package: tzdata\nVersion: 2024a-1\n"})
	linked := tarOf(t, entry{name: "var/lib/dpkg/status", link: "/etc/passwd"})
	db := imageAdvisories(t)
	const found = "critical DEBIAN-CVE-2024-1 image.tar:0 libssl3@3.0.11-1+b1 upgrade to 3.0.11-2 exploited"
	for name, tc := range map[string]struct {
		archive string
		want    []string
		count   int
	}{
		"layout":        {tarOf(t, layout(gzipped(t, base))...), []string{found}, 2},
		"zstd":          {tarOf(t, layout(zstded(t, base))...), []string{found}, 2},
		"plain layers":  {tarOf(t, layout(base)...), []string{found}, 2},
		"gzipped whole": {gzipped(t, tarOf(t, layout(gzipped(t, base))...)), []string{found}, 2},
		"docker save":   {tarOf(t, saved(t, base)...), []string{found}, 2},
		"alpine":        {tarOf(t, layout(apk)...), []string{"critical ALPINE-CVE-2024-1 image.tar:0 libcrypto3@3.1.3-r0 upgrade to 3.1.4-r0 exploited"}, 2},
		"fixed above":   {tarOf(t, layout(base, fixed)...), []string{}, 2},
		"removed above": {tarOf(t, layout(base, removed)...), []string{}, 0},
		"opaque above":  {tarOf(t, layout(base, opaque)...), []string{}, 1},
		"link above":    {tarOf(t, layout(base, linked)...), []string{}, 0},
		"rpm":           {tarOf(t, layout(tarOf(t, entry{name: "etc/os-release", text: "ID=\"rocky\"\nVERSION_ID=\"9.3\"\n"}, entry{name: "var/lib/rpm/rpmdb.sqlite", text: rpmdb(t)}))...), []string{"medium RLSA-1 image.tar:0 openssl-libs@1:3.0.7-24.el9 upgrade to 1:3.0.7-25.el9_3"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := scan(t, tree(t, map[string]string{"image.tar": tc.archive}), db)
			got := brief(r.Findings)
			if d := cmp.Diff(tc.want, got); d != "" || len(r.Components) != tc.count {
				t.Errorf("%d components, failed %q:\n%s", len(r.Components), r.Checked[0].Failed, d)
			}
			if (tc.count == 0) != (len(r.Checked[0].Failed) > 0) {
				t.Errorf("failed %q", r.Checked[0].Failed)
			}
		})
	}
	files := map[string]string{}
	for _, e := range layout(gzipped(t, base)) {
		files["img/"+e.name] = e.text
	}
	if d := cmp.Diff([]string{strings.Replace(found, "image.tar", "img/oci-layout", 1)}, brief(scan(t, tree(t, files), db).Findings)); d != "" {
		t.Error(d)
	}
}

// rpmdb makes a database as rpm does: a table of headers.
func rpmdb(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rpmdb.sqlite")
	db, err := sql.Open("sqlite", file+"?_pragma=journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{`CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)`, `PRAGMA wal_checkpoint(truncate)`} {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.ExecContext(t.Context(), `INSERT INTO Packages (blob) VALUES (?)`, header("openssl-libs", "3.0.7", "24.el9", "openssl-3.0.7-24.el9.src.rpm")); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// header makes a package's header.
func header(name, version, release, source string) []byte {
	var data, index bytes.Buffer
	n := uint32(0)
	put := func(tag, kind uint32, value []byte) {
		for _, v := range []uint32{tag, kind, uint32(data.Len()), 1} { //nolint:gosec // small
			_ = binary.Write(&index, binary.BigEndian, v)
		}
		data.Write(value)
		n++
	}
	put(1003, 4, []byte{0, 0, 0, 1})
	for tag, text := range map[uint32]string{1000: name, 1001: version, 1002: release, 1014: "Apache-2.0", 1044: source} {
		put(tag, 6, append([]byte(text), 0))
	}
	var b bytes.Buffer
	_ = binary.Write(&b, binary.BigEndian, []uint32{n, uint32(data.Len())}) //nolint:gosec // small
	b.Write(index.Bytes())
	b.Write(data.Bytes())
	return b.Bytes()
}

// Images made to fill memory, to run for ever or to reach outside: each is said to be unchecked, none is clean.
func TestHostileImages(t *testing.T) {
	base := tarOf(t, entry{name: "etc/os-release", text: debian}, entry{name: "var/lib/dpkg/status", text: status})
	zeros := gzipped(t, tarOf(t, entry{name: "zeros", text: strings.Repeat("\x00", 80<<20)}))
	whole := layout(gzipped(t, base))
	for name, archive := range map[string]string{
		"bomb":             tarOf(t, layout(zeros)...),
		"bomb in a bomb":   gzipped(t, tarOf(t, append(whole, entry{name: "blobs/sha256/zz", text: zeros})...)),
		"missing layer":    tarOf(t, whole[:2]...),
		"truncated layer":  tarOf(t, layout(gzipped(t, base)[:100])...),
		"no packages":      tarOf(t, layout(tarOf(t, entry{name: "etc/os-release", text: debian}))...),
		"rpm not sqlite":   tarOf(t, layout(tarOf(t, entry{name: "etc/os-release", text: "ID=rocky\nVERSION_ID=9\n"}, entry{name: "var/lib/rpm/rpmdb.sqlite", text: "SQLite format 3\x00" + strings.Repeat("\xff", 8000)}))...),
		"rpm of old":       tarOf(t, layout(tarOf(t, entry{name: "etc/os-release", text: "ID=rhel\nVERSION_ID=7\n"}, entry{name: "var/lib/rpm/Packages", text: "x"}))...),
		"no distribution":  tarOf(t, layout(tarOf(t, entry{name: "var/lib/dpkg/status", text: status}))...),
		"index of itself":  tarOf(t, entry{name: "oci-layout", text: "{}"}, entry{name: "index.json", text: `{"manifests":[{"digest":"x:../index.json"}]}`}),
		"paths that climb": tarOf(t, layout(tarOf(t, entry{name: "../../../var/lib/dpkg/../../../etc/x", text: "x"}))...),
	} {
		r := scan(t, tree(t, map[string]string{"image.tar": archive}), imageAdvisories(t))
		if len(r.Checked[0].Failed) == 0 || len(r.Findings) > 0 {
			t.Errorf("%s: failed %q, found %v", name, r.Checked[0].Failed, brief(r.Findings))
		}
	}
	for name, archive := range map[string]string{"another archive": tarOf(t, entry{name: "src/main.c", text: "x"}), "no archive": "hello", "empty": "", "gzip of text": gzipped(t, "hello")} {
		if r := scan(t, tree(t, map[string]string{"a.tar.gz": archive}), t.TempDir()); len(r.Checked[0].Failed) > 0 || len(r.Components) > 0 {
			t.Errorf("%s: %+v", name, r.Checked)
		}
	}
}
