package installed

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// Limits on archives that nobody vouches for.
const (
	maxNested   = 3         // archives within archives: a war's libraries, and what those shade
	maxEntries  = 200_000   // of one archive
	maxUnpacked = 256 << 20 // bytes of the archives within one, in all
	maxText     = 64 << 10  // bytes of pom.properties or MANIFEST.MF
)

var errArchive = errors.New("is an archive that cannot be read, or unpacks to more than an archive takes")

// java reads what an archive says it is made of: the pom.properties that Maven puts into each artifact, its own and those of
// what was shaded into it, and the archives inside.
func java(name string, text []byte) ([]supply.Component, error) {
	j := &jars{}
	err := j.archive(name, text, 0)
	return j.found, err
}

// jars gathers what an archive and those within it say.
type jars struct {
	found    []supply.Component
	unpacked int64
}

func (j *jars) archive(name string, text []byte, depth int) error {
	if depth > maxNested || bytes.Count(text, []byte("PK\x01\x02")) > maxEntries { // before each is given room
		return errArchive
	}
	z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil || len(z.File) > maxEntries {
		return errArchive
	}
	before := len(j.found)
	var manifest []byte
	for _, f := range z.File {
		switch base := path.Base(f.Name); {
		case base == "pom.properties" && strings.HasPrefix(f.Name, "META-INF/maven/"):
			text, err := j.open(f, maxText)
			if err != nil {
				return err
			}
			j.pom(text)
		case f.Name == "META-INF/MANIFEST.MF":
			if manifest, err = j.open(f, maxText); err != nil {
				return err
			}
		case path.Ext(base) == ".jar" || path.Ext(base) == ".war":
			inner, err := j.open(f, maxUnpacked)
			if err != nil {
				return err
			}
			if err := j.archive(base, inner, depth+1); err != nil {
				return err
			}
		}
	}
	if len(j.found) == before {
		j.byManifest(name, manifest)
	}
	return nil
}

// open unpacks one entry, within what all may take.
func (j *jars) open(f *zip.File, limit int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, errArchive
	}
	limit = min(limit, maxUnpacked-j.unpacked)
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err := errors.Join(err, r.Close()); err != nil || int64(len(text)) > limit {
		return nil, errArchive
	}
	j.unpacked += int64(len(text))
	return text, nil
}

// pom reads pom.properties.
func (j *jars) pom(text []byte) {
	p := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			p[key] = value
		}
	}
	if p["groupId"] != "" && p["artifactId"] != "" {
		j.found = append(j.found, supply.Component{Ecosystem: "Maven", Name: p["groupId"] + ":" + p["artifactId"], Version: p["version"]})
	}
}

// byManifest takes an archive without pom.properties by its manifest's vendor id and version, where its file is named alike.
func (j *jars) byManifest(name string, text []byte) {
	h := headers(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
	group, version := h["implementation-vendor-id"], h["implementation-version"]
	artifact, ok := strings.CutSuffix(strings.TrimSuffix(path.Base(name), path.Ext(name)), "-"+version)
	if ok && group != "" && version != "" {
		j.found = append(j.found, supply.Component{Ecosystem: "Maven", Name: group + ":" + artifact, Version: version})
	}
}
