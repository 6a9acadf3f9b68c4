package image_test

import (
	"archive/tar"
	"bytes"
	"testing"

	"github.com/tutela-health/tutela/supply/deps/image"
)

func FuzzArchive(f *testing.F) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range [][2]string{{"manifest.json", `[{"Layers":["blobs/sha256/a"]}]`}, {"index.json", `{"manifests":[{"digest":"sha256:b"}]}`}, {"blobs/sha256/b", `{"layers":[{"mediaType":"tar","digest":"sha256:a"}]}`}} {
		if err := w.WriteHeader(&tar.Header{Name: e[0], Size: int64(len(e[1])), Mode: 0o644}); err != nil {
			f.Fatal(err)
		}
		if _, err := w.Write([]byte(e[1])); err != nil {
			f.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd})
	f.Fuzz(func(t *testing.T, text []byte) {
		images, err := image.Archive(t.Context(), bytes.NewReader(text), image.Want{Name: func(name string) bool { return len(name)%2 == 0 }, Program: func(b []byte) []byte { return b }})
		if err != nil && len(images) > 0 {
			t.Errorf("both %d images and %v", len(images), err)
		}
	})
}
