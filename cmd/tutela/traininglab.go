package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/assure/training"
)

type trainingLabCmd struct {
	target
	ID     string `arg:"" help:"Which module."`
	Out    string `type:"path" placeholder:"DIR" xor:"do" required:"" help:"A new or empty folder to put the broken sample into."`
	HandIn string `type:"existingdir" placeholder:"DIR" xor:"do" required:"" help:"The folder with the mended sample."`
}

// Help gives an example.
func (trainingLabCmd) Help() string {
	return `Example: tutela training lab secure-development --out lab --as developer --data tutela-data
         tutela scan lab                                     # what is wrong with it
         tutela training lab secure-development --hand-in lab --as developer --data tutela-data

It is mended when a scan by the server finds nothing in it and all that it is for is still there. Exit code 1: it is not; it
may be handed in again.`
}

// Run gets or hands in a lab.
func (cmd trainingLabCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "developer")
	if err != nil {
		return err
	}
	list, err := client.mineTraining(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(m training.Mine) bool { return m.ID == cmd.ID })
	switch {
	case i < 0:
		return usage("no module %q is for you: tutela training mine", cmd.ID)
	case list[i].Lab == nil:
		return usage("%s has no lab: tutela training take %s", cmd.ID, cmd.ID)
	case cmd.Out != "":
		return cmd.give(c, list[i].Lab)
	}
	return cmd.handIn(ctx, c, client, list[i])
}

// give puts a lab's files into a folder in which nothing is yet.
func (cmd trainingLabCmd) give(c console, lab *training.Lab) (err error) {
	if there, err := os.ReadDir(cmd.Out); err == nil && len(there) > 0 {
		return usage("%s is not empty: name a new folder", cmd.Out)
	}
	if err := os.MkdirAll(cmd.Out, 0o750); err != nil {
		return usage("the folder cannot be made: %v", err)
	}
	root, err := os.OpenRoot(cmd.Out)
	if err != nil {
		return fmt.Errorf("open the folder: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for _, name := range slices.Sorted(maps.Keys(lab.Files)) {
		if err := root.MkdirAll(filepath.Dir(filepath.FromSlash(name)), 0o750); err != nil {
			return fmt.Errorf("write the lab: %w", err)
		}
		if err := root.WriteFile(filepath.FromSlash(name), []byte(lab.Files[name]), 0o600); err != nil {
			return fmt.Errorf("write the lab: %w", err)
		}
	}
	fmt.Fprintf(c.out, "%d files are in %s. They are to keep:\n", len(lab.Files), cmd.Out)
	for _, k := range lab.Keeps {
		fmt.Fprintf(c.out, "  %s: %s\n", k.File, k.Has)
	}
	_, err = fmt.Fprintf(c.out, "What is wrong: tutela scan %s\nWhen it is mended: tutela training lab %s --hand-in %s\n", cmd.Out, cmd.ID, cmd.Out)
	return err
}

// maxLabFile bounds one file that is handed in, in bytes; the server says what it takes of all.
const maxLabFile = 1 << 20

func (cmd trainingLabCmd) handIn(ctx context.Context, c console, client *client, m training.Mine) (err error) {
	root, err := os.OpenRoot(cmd.HandIn)
	if err != nil {
		return usage("the folder cannot be read: %v", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	files := map[string]string{}
	for name := range m.Lab.Files {
		text, err := readUpTo(root, filepath.FromSlash(name))
		if err != nil {
			return usage("%s cannot be read; hand in all files of the lab: %v", name, err)
		}
		files[name] = string(text)
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/training/"+url.PathEscape(cmd.ID)+"/lab", map[string]any{"digest": m.Digest, "files": files})
	if err != nil {
		return err
	}
	var h training.Handed
	if err := json.Unmarshal(body, &h); err != nil {
		return fmt.Errorf("decode result: %w", err)
	}
	for _, f := range h.Faults {
		fmt.Fprintf(c.out, "%s  %s  %s\n", f.Where, f.Rule, f.Says)
	}
	for _, k := range h.Lost {
		fmt.Fprintf(c.out, "%s  is to keep: %s\n", k.File, k.Has)
	}
	switch {
	case !h.Mended:
		fmt.Fprintln(c.out, "not mended yet")
		return errFound
	case h.Result != nil && h.Result.Last.IsZero():
		_, err = fmt.Fprintf(c.out, "mended; the questions are still to be answered: tutela training take %s\n", cmd.ID)
	default:
		_, err = fmt.Fprintln(c.out, "mended, and the module is passed")
	}
	return err
}

func readUpTo(root *os.Root, name string) (text []byte, err error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxLabFile) {
		err = fs.ErrInvalid
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, maxLabFile))
}

type trainingCertificateCmd struct {
	target
	ID  string `arg:"" help:"Which module."`
	Out string `type:"path" placeholder:"FILE" help:"Where to put it; MODULE.certificate.json where it is left out."`
}

// Help gives an example.
func (trainingCertificateCmd) Help() string {
	return `Example: tutela training certificate secure-development --as developer --data tutela-data

The ledger names the certificate; whoever has its verifier key verifies it: tutela-verify --key ledger.vkey FILE. It says what
was passed, when and until when, under the name of the account. For paper: /console/training/MODULE/certificate.`
}

// Run gets a certificate.
func (cmd trainingCertificateCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "developer")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/training/"+url.PathEscape(cmd.ID)+"/certificate", nil)
	if err != nil {
		return err
	}
	st, err := dossier.ReadStatement(body)
	if err != nil {
		return err
	}
	var said training.Certified
	if err := json.Unmarshal([]byte(st.Text), &said); err != nil {
		return fmt.Errorf("decode certificate: %w", err)
	}
	if cmd.Out == "" {
		cmd.Out = cmd.ID + ".certificate.json"
	}
	if err := os.WriteFile(cmd.Out, body, 0o600); err != nil {
		return usage("the certificate cannot be written: %v", err)
	}
	_, err = fmt.Fprintf(c.out, "%s passed %s on %s; it counts until %s: %s\n", said.Name, said.Title, stamp(said.Passed), stamp(said.Until), cmd.Out)
	return err
}
