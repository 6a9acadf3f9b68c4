package main

import (
	"context"
	"crypto/ecdh"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys/escrow"
	"github.com/tutela-health/tutela/recovery/holders"
)

type keysRecoveryCmd struct {
	Status    recoveryStatusCmd    `cmd:"" default:"withargs" help:"Who holds shares, of which generation the wrap is, and what is due."`
	Holder    recoveryHolderCmd    `cmd:"" help:"Make a holder's own key pair, to which the share is sealed."`
	Split     recoverySplitCmd     `cmd:"" help:"Make a recovery key and split it among holders."`
	Renew     recoveryRenewCmd     `cmd:"" help:"Write the recovery wrap of the present generation for the holders."`
	Drill     recoveryDrillCmd     `cmd:"" help:"Join shares, open the wrap, and show that it holds the living keyring."`
	Destroyed recoveryDestroyedCmd `cmd:"" help:"Say that every copy of a generation's older wraps was destroyed."`
}

const recoveryPath = "/api/v1/keys/recovery"

type recoveryStatusCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (recoveryStatusCmd) Help() string {
	return "Example: tutela keys recovery status --data tutela-data\n\nExit code 1: something is due."
}

// Run shows how recovery stands.
func (cmd recoveryStatusCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, recoveryPath, nil)
	if err != nil {
		return err
	}
	var st holders.Status
	if err := json.Unmarshal(body, &st); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = printRecovery(c, st)
	}
	if err == nil && st.Due != "" {
		err = errFound
	}
	return err
}

func printRecovery(c console, st holders.Status) error {
	if st.Split {
		var people []string
		for _, h := range st.Holders {
			people = append(people, strings.TrimSuffix(h.Name+" ("+h.Key+")", " ()"))
		}
		fmt.Fprintf(c.out, "split        %s, %d of %d: %s\n", st.Made.Format(time.DateOnly), st.Threshold, len(people), strings.Join(people, ", "))
	}
	fmt.Fprintf(c.out, "generation   %d\n", st.Generation)
	if st.Wrap != nil {
		fmt.Fprintf(c.out, "wrap         of generation %d, %s\n", st.Wrap.Generation, st.Wrap.Made.Format(time.RFC3339))
	}
	for _, w := range st.Outstanding {
		fmt.Fprintf(c.out, "still out    wrap of generation %d, %s: have it destroyed, then tutela keys recovery destroyed %d\n", w.Generation, w.Made.Format(time.RFC3339), w.Generation)
	}
	if st.Drill != nil {
		fmt.Fprintf(c.out, "drill        of generation %d passed %s\n", st.Drill.Generation, st.Drill.At.Format(time.RFC3339))
	}
	if st.Due != "" {
		fmt.Fprintf(c.out, "due          %s\n", st.Due)
	}
	return nil
}

type recoveryHolderCmd struct {
	Name string `arg:"" help:"The holder's name."`
	Out  string `default:"." type:"existingdir" help:"Folder to write NAME.key and NAME.pub to."`
}

// Help gives an example.
func (recoveryHolderCmd) Help() string {
	return `Example: tutela keys recovery holder ann --out /media/anns-stick

Each holder runs it on a machine of his own and gives NAME.pub away. NAME.key opens the share: it stays with him.`
}

// Run makes the pair. It needs no system.
func (cmd recoveryHolderCmd) Run(c console) error {
	private, public, err := escrow.NewHolderKey()
	if err != nil {
		return err
	}
	defer clear(private)
	base := filepath.Join(cmd.Out, filepath.Base(cmd.Name))
	if err := writeOnce(base+".key", private); err != nil {
		return err
	}
	if err := writeOnce(base+".pub", public); err != nil {
		return err
	}
	point, err := escrow.HolderPublic(public)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "made %s.key, which stays with %s, and %s.pub\nfingerprint %s: compare it with what tutela keys recovery shows\n",
		base, cmd.Name, base, escrow.Holder{Key: point}.Fingerprint())
	return err
}

// writeOnce writes a private file that is not there yet.
func writeOnce(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usage("%s exists: it is not overwritten", path)
	}
	if err != nil {
		return usage("%v", err)
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

type recoverySplitCmd struct {
	target
	Holders   []string `required:"" help:"Who gets a share: NAME, or NAME=FILE with the holder's public key, which it is then sealed to. Outside of a try-out each needs one."`
	Threshold int      `required:"" help:"How many of them are needed together, 2 at least."`
	Out       string   `required:"" type:"path" help:"Folder for the shares and the wrap; made where it is missing."`
}

// Help gives an example.
func (recoverySplitCmd) Help() string {
	return `Example: tutela keys recovery split --holders ann=ann.pub,bob=bob.pub,cleo=cleo.pub --threshold 2 --out escrow

Give each holder the share that bears his name, and a copy of the wrap; keep neither beside the database or
its backups. Then hold a drill. A new split takes the place of the one before.`
}

// Run splits.
func (cmd recoverySplitCmd) Run(ctx context.Context, c console) error {
	people, err := cmd.people()
	if err != nil {
		return err
	}
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cmd.Out, 0o700); err != nil {
		return usage("%v", err)
	}
	given, err := client.given(ctx, "/split", map[string]any{"threshold": cmd.Threshold, "holders": people})
	if err != nil {
		return err
	}
	for i, share := range given.Shares {
		path := filepath.Join(cmd.Out, "recovery-"+people[i].Name+"-"+strings.ToLower(given.Set[:8])+".share")
		if err := writeOnce(path, share); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "share  %s\n", path)
	}
	path, err := given.write(cmd.Out)
	if err == nil {
		_, err = fmt.Fprintf(c.out, "wrap   %s\nnext: hand them over, remove them here, and hold a drill with %d holders (tutela keys recovery drill)\n", path, cmd.Threshold)
	}
	return err
}

func (cmd recoverySplitCmd) people() ([]holders.Holder, error) {
	var list []holders.Holder
	for _, said := range cmd.Holders {
		name, file, sealed := strings.Cut(said, "=")
		h := holders.Holder{Name: name}
		if sealed {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, usage("%v", err)
			}
			if h.Key, err = escrow.HolderPublic(text); err != nil {
				return nil, usage("%s: %s", file, errs.Public(err))
			}
		}
		list = append(list, h)
	}
	return list, nil
}

// handedOut is what a split or a renewal gives.
type handedOut holders.Given

// given orders a deed that gives out a wrap.
func (cl *client) given(ctx context.Context, deed string, order any) (g handedOut, err error) {
	body, err := cl.json(ctx, http.MethodPost, recoveryPath+deed, order)
	if err != nil {
		return g, err
	}
	defer clear(body)
	if err := json.Unmarshal(body, &g); err != nil {
		return g, fmt.Errorf("decode answer: %w", err)
	}
	return g, nil
}

// write writes the wrap into a folder.
func (g handedOut) write(folder string) (path string, err error) {
	path = filepath.Join(folder, fmt.Sprintf("recovery-%s-generation-%06d.wrap", strings.ToLower(g.Set[:8]), g.Generation))
	return path, writePrivate(path, g.Wrap)
}

type recoveryRenewCmd struct {
	target
	Out string `required:"" type:"path" help:"Folder for the wrap; older ones of this system that are there are removed."`
}

// Help gives an example.
func (recoveryRenewCmd) Help() string {
	return `Example: tutela keys recovery renew --out escrow --data tutela-data

After each rotation of the generation key. The shares stay as they are. Older wraps must be destroyed wherever
they are: with enough shares they open what was erased since (tutela keys recovery destroyed).`
}

// Run writes a wrap.
func (cmd recoveryRenewCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cmd.Out, 0o700); err != nil {
		return usage("%v", err)
	}
	given, err := client.given(ctx, "/renew", nil)
	if err != nil {
		return err
	}
	path, err := given.write(cmd.Out)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "wrap     %s\n", path)
	return given.removeOlder(c, cmd.Out, path)
}

// removeOlder removes wraps of earlier generations of the same tenant.
func (g handedOut) removeOlder(c console, folder, keep string) error {
	newest, err := escrow.ReadWrap(g.Wrap)
	if err != nil {
		return err
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("list %s: %w", folder, err)
	}
	for _, f := range files {
		path := filepath.Join(folder, f.Name())
		text, err := os.ReadFile(path)
		if f.IsDir() || path == keep || err != nil {
			continue
		}
		if old, err := escrow.ReadWrap(text); err != nil || old.Tenant != newest.Tenant {
			continue
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove an older wrap: %w", err)
		}
		fmt.Fprintf(c.out, "removed  %s\n", path)
	}
	return nil
}

type recoveryDrillCmd struct {
	target
	Files     []string `arg:"" type:"existingpath" help:"Shares and the wrap, or folders that hold them."`
	HolderKey []string `type:"existingfile" help:"Private keys of the holders whose shares are sealed. May be repeated."`
}

// Help gives an example.
func (recoveryDrillCmd) Help() string {
	return `Example: tutela keys recovery drill recovery-ann.share recovery-bob.share recovery-generation-000001.wrap --holder-key ann.key --holder-key bob.key

What is opened stays in this process and is compared with the living keyring by a challenge. It changes nothing.`
}

// Run drills.
func (cmd recoveryDrillCmd) Run(ctx context.Context, c console) error {
	opened, err := openShares(cmd.Files, cmd.HolderKey)
	if err != nil {
		return err
	}
	defer opened.Close()
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, recoveryPath+"/drill", nil)
	if err != nil {
		return err
	}
	claim := holders.Claim{Set: opened.About().Set, Generation: opened.About().Generation}
	if err := json.Unmarshal(body, &claim); err != nil {
		return fmt.Errorf("decode challenge: %w", err)
	}
	if claim.Proof, err = opened.Prove(claim.Challenge); err != nil {
		return err
	}
	if _, err := client.json(ctx, http.MethodPost, recoveryPath+"/drill", claim); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "the drill passed: the shares open the keyring of generation %d\n", claim.Generation)
	return err
}

// openShares opens a wrap with the shares among some files and folders; of several wraps, with the newest.
func openShares(paths, keyFiles []string) (*escrow.Opened, error) {
	var private []*ecdh.PrivateKey
	for _, path := range keyFiles {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, usage("%v", err)
		}
		key, err := escrow.HolderPrivate(text)
		clear(text)
		if err != nil {
			return nil, usage("%s: %s", path, errs.Public(err))
		}
		private = append(private, key)
	}
	shares, wrap, err := sharesAmong(paths)
	if err != nil {
		return nil, err
	}
	return escrow.Open(shares, wrap, private...)
}

// sharesAmong reads share files and the newest wrap.
func sharesAmong(paths []string) (shares [][]byte, wrap []byte, err error) {
	newest := 0
	for _, path := range slices.Concat(filesIn(paths)...) {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, usage("%v", err)
		}
		if about, err := escrow.ReadWrap(text); err == nil {
			if about.Generation > newest {
				newest, wrap = about.Generation, text
			}
			continue
		}
		shares = append(shares, text)
	}
	if wrap == nil {
		return nil, nil, usage("there is no recovery wrap among the files: name it beside the shares")
	}
	return shares, wrap, nil
}

// filesIn gives files as they are, and what folders hold of shares and wraps.
func filesIn(paths []string) (lists [][]string) {
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			lists = append(lists, []string{path})
			continue
		}
		for _, ending := range []string{"*.share", "*.wrap"} {
			found, err := filepath.Glob(filepath.Join(path, ending))
			if err == nil {
				lists = append(lists, found)
			}
		}
	}
	return lists
}

type recoveryDestroyedCmd struct {
	target
	Generation int `arg:"" help:"Of which generation."`
}

// Help gives an example.
func (recoveryDestroyedCmd) Help() string {
	return "Example: tutela keys recovery destroyed 1 --data tutela-data\n\nIt is your word that goes into the ledger: ask each holder first."
}

// Run says so.
func (cmd recoveryDestroyedCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	if _, err := client.json(ctx, http.MethodPost, recoveryPath+"/confirm", map[string]int{"generation": cmd.Generation}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "recorded: every older wrap of generation %d is destroyed\n", cmd.Generation)
	return err
}
