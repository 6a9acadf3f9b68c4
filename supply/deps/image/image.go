package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path"
	"strings"
)

// Image is one image of an archive or layout.
type Image struct {
	Name  string            // as its tag says, or empty
	Files map[string][]byte // those that were wanted, by path without a slash before it
}

// Want says which files to keep.
type Want struct {
	Name func(path string) bool // keep these whole
	// Program says what to keep of a program (ELF) that Name does not want; nothing where it gives nil. May be nil.
	Program func(text []byte) []byte
}

// parts are what an archive or layout holds, by path.
type parts struct {
	want   Want
	meter  meter
	jsons  map[string][]byte
	layers map[string]*layer
	broken map[string]error  // layers that could not be read
	links  map[string]string // in archives of old: a layer that is another
}

func newParts(want Want) *parts {
	return &parts{want: want, jsons: map[string][]byte{}, layers: map[string]*layer{}, broken: map[string]error{}, links: map[string]string{}}
}

// Archive reads an archive in one pass, compressed or not, and keeps the files that are wanted. ErrNone says
// that it is another kind of archive, which shows at its first entry.
func Archive(ctx context.Context, r io.Reader, want Want) ([]Image, error) {
	p := newParts(want)
	plain, done, err := decompress(ctx, bufio.NewReaderSize(source{r, &p.meter}, 64<<10), &p.meter)
	if err != nil {
		return nil, ErrNone
	}
	defer done()
	t := tar.NewReader(plain)
	for {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return p.images()
		case err != nil && len(p.jsons)+len(p.layers) == 0:
			return nil, ErrNone
		case err != nil:
			return nil, known(err)
		}
		if err := p.entry(ctx, t, h); err != nil {
			return nil, err
		}
	}
}

// entry takes one entry of an archive.
func (p *parts) entry(ctx context.Context, t *tar.Reader, h *tar.Header) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	if !ours(name) {
		return ErrNone
	}
	if p.meter.entries++; p.meter.entries > maxEntries {
		return errBomb
	}
	switch h.Typeflag {
	case tar.TypeReg:
		return p.file(ctx, name, t)
	case tar.TypeSymlink:
		p.links[name] = path.Join(path.Dir(name), h.Linkname)
	case tar.TypeLink:
		p.links[name] = path.Clean(h.Linkname)
	}
	return nil
}

// ours reports whether an entry is one of an image's archive: index.json, oci-layout, blobs/…, manifest.json, repositories,
// HASH.json, and HASH/layer.tar with what stands beside it.
func ours(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	switch first {
	case "", "blobs", "oci-layout", "index.json", "manifest.json", "repositories":
		return true
	}
	first = strings.TrimPrefix(strings.TrimSuffix(strings.TrimSuffix(first, ".json"), ".tar"), "sha256:")
	first = strings.TrimSuffix(first, ".tar.gz")
	return len(first) == 64 && strings.Trim(first, "0123456789abcdef") == ""
}

// file takes one file: a layer or a manifest.
func (p *parts) file(ctx context.Context, name string, r io.Reader) error {
	b := bufio.NewReaderSize(r, 4096)
	head, err := b.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return known(err)
	}
	switch magic(head) {
	case "json":
		return p.json(name, b)
	case "gzip", "zstd", "tar":
		if len(p.layers) >= maxLayers {
			return errBomb
		}
		l, err := readLayer(ctx, b, p.want, &p.meter)
		if errors.Is(err, errLayer) {
			p.broken[name] = err
			return nil
		}
		p.layers[name] = l
		return err
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		p.layers[name] = &layer{} // an empty layer is a tar of nothing
	}
	return nil
}

func (p *parts) json(name string, r io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(r, maxJSON+1))
	if err != nil {
		return known(err)
	}
	if len(text) > maxJSON {
		return nil // no manifest is so large
	}
	if len(p.jsons) >= maxJSONs {
		return errBomb
	}
	p.jsons[name] = text
	return nil
}

// images puts together what the manifests say.
func (p *parts) images() ([]Image, error) {
	if text, ok := p.jsons["manifest.json"]; ok {
		return p.saved(text)
	}
	if text, ok := p.jsons["index.json"]; ok {
		list, err := p.index(text, "", 0)
		if err == nil && len(list) == 0 {
			err = ErrNone
		}
		return list, err
	}
	return nil, ErrNone
}

// saved reads manifest.json, as docker save writes it.
func (p *parts) saved(text []byte) ([]Image, error) {
	var list []struct {
		Tags   []string `json:"RepoTags"`
		Layers []string `json:"Layers"`
	}
	if json.Unmarshal(text, &list) != nil || len(list) > maxLayers {
		return nil, ErrNone
	}
	var images []Image
	for _, m := range list {
		files, err := p.build(m.Layers)
		if err != nil {
			return nil, err
		}
		images = append(images, Image{strings.Join(m.Tags, ", "), files})
	}
	return images, nil
}

// descriptor points to a blob.
type descriptor struct {
	Type     string            `json:"mediaType"`
	Digest   string            `json:"digest"`
	Notes    map[string]string `json:"annotations"`
	Platform struct {
		OS string `json:"os"`
	} `json:"platform"`
}

// path is where a layout keeps the blob.
func (d descriptor) path() string {
	algorithm, sum, _ := strings.Cut(d.Digest, ":")
	return path.Join("blobs", path.Base(algorithm), path.Base(sum))
}

// maxIndexes bounds how deep indexes lie in one another.
const maxIndexes = 4

// index reads index.json and the indexes of several platforms that it points to.
func (p *parts) index(text []byte, name string, depth int) ([]Image, error) {
	var f struct {
		Manifests []descriptor `json:"manifests"`
		Layers    []descriptor `json:"layers"`
	}
	if json.Unmarshal(text, &f) != nil || depth > maxIndexes || len(f.Manifests)+len(f.Layers) > maxLayers {
		return nil, errLayer
	}
	if len(f.Layers) > 0 {
		return p.manifest(f.Layers, name)
	}
	var images []Image
	for _, m := range f.Manifests {
		if m.Platform.OS == "unknown" || m.Notes["vnd.docker.reference.type"] != "" {
			continue // an attestation
		}
		text, ok := p.jsons[m.path()]
		if !ok {
			return nil, errAbsent
		}
		tag := m.Notes["org.opencontainers.image.ref.name"]
		if tag == "" {
			tag = name
		}
		some, err := p.index(text, tag, depth+1)
		if err != nil {
			return nil, err
		}
		if images = append(images, some...); len(images) > maxLayers {
			return nil, errBomb
		}
	}
	return images, nil
}

// manifest builds one image. What is no file system, such as a signature or a chart, has none.
func (p *parts) manifest(list []descriptor, name string) ([]Image, error) {
	var paths []string
	for _, l := range list {
		if !strings.Contains(l.Type, "tar") {
			return nil, nil
		}
		paths = append(paths, l.path())
	}
	files, err := p.build(paths)
	if err != nil {
		return nil, err
	}
	return []Image{{name, files}}, nil
}

// build lays the named layers over each other.
func (p *parts) build(names []string) (map[string][]byte, error) {
	var layers []*layer
	for _, name := range names {
		name = path.Clean(name)
		if to, ok := p.links[name]; ok {
			name = to
		}
		if err := p.broken[name]; err != nil {
			return nil, err
		}
		l := p.layers[name]
		if l == nil {
			return nil, errAbsent
		}
		layers = append(layers, l)
	}
	return apply(layers), nil
}

// Layout reads an OCI layout that lies in a folder: each calls its argument with every file of the folder.
func Layout(ctx context.Context, want Want, each func(func(name string, r io.Reader) error) error) ([]Image, error) {
	p := newParts(want)
	err := each(func(name string, r io.Reader) error { return p.file(ctx, name, source{r, &p.meter}) })
	if err != nil {
		return nil, known(err)
	}
	return p.images()
}
