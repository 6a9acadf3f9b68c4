package deps

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/distro"
	"github.com/tutela-health/tutela/supply/deps/image"
	"github.com/tutela-health/tutela/supply/deps/installed"
)

// isArchive reports whether a file may be an image's archive.
func isArchive(name string) bool {
	for _, end := range []string{".tar", ".tar.gz", ".tgz", ".tar.zst", ".oci"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// archive looks into an archive, if it is of an image.
func (inv *inventory) archive(ctx context.Context, f supply.File) {
	r, err := f.Open()
	if err != nil {
		inv.fail(f.Path, err.Error())
		return
	}
	images, err := image.Archive(ctx, r, wanted())
	if err = errors.Join(err, r.Close()); errors.Is(err, image.ErrNone) {
		return
	}
	inv.images(ctx, f.Path, images, err)
}

// layout looks into the OCI layout whose oci-layout file this is.
func (inv *inventory) layout(ctx context.Context, f supply.File) {
	dir := strings.TrimSuffix(f.Path, path.Base(f.Path))
	images, err := image.Layout(ctx, wanted(), func(each func(string, io.Reader) error) error {
		for _, b := range inv.tree.Files {
			name, below := strings.CutPrefix(b.Path, dir)
			if !below || name != "index.json" && !strings.HasPrefix(name, "blobs/") {
				continue
			}
			r, err := b.Open()
			if err != nil {
				return err
			}
			if err := errors.Join(each(name, r), r.Close()); err != nil {
				return err
			}
		}
		return nil
	})
	inv.images(ctx, f.Path, images, err)
}

// wanted is what to look at in an image: what the distribution installed, and what languages' tools did.
func wanted() image.Want {
	return image.Want{
		Name:    func(name string) bool { return distro.Wanted(name) || installed.Wanted(name) },
		Program: installed.Distil,
	}
}

// images adds the packages of images.
func (inv *inventory) images(ctx context.Context, name string, images []image.Image, err error) {
	if err != nil {
		inv.fail(name, err.Error())
		return
	}
	inv.files++
	known := map[string]bool{}
	for _, i := range images {
		inv.system(ctx, name, i.Files, known)
	}
}

// system adds the packages of a root file system.
func (inv *inventory) system(ctx context.Context, name string, files map[string][]byte, known map[string]bool) {
	list, failed := distro.Read(ctx, files)
	more, why := installed.Read(files)
	list, failed = append(list, more...), append(failed, why...)
	if len(list) == 0 && len(failed) == 0 {
		inv.fail(name, "an image without a database of packages, and none of a language: what is in it is not known")
	}
	for _, c := range list {
		if c.Path = name; !known[c.PURL] { // images of several platforms have much in common
			known[c.PURL] = true
			inv.components = append(inv.components, c)
		}
	}
	for _, why := range failed {
		inv.fail(name, why)
	}
}
