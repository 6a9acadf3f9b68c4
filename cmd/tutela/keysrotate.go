package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

type keysRotateCmd struct {
	target
	Level  string `arg:"" optional:"" default:"generation" enum:"generation,index,signing" help:"generation: what wraps every other key. index: the blind index's. signing: what signs id_tokens. Patients' keys and the ledger's days' keys are not rotated: each seals little, and the generation wraps them anew."`
	NoWait bool   `help:"Do not wait until it is done; it goes on by itself."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives examples.
func (keysRotateCmd) Help() string {
	return `Examples:
  tutela keys rotate --data tutela-data
  tutela keys rotate index --data tutela-data
  tutela keys rotate signing --data tutela-data

Everything goes on meanwhile. The generation key rotates by itself once a year (keys.rotate_days), the signing key
every 90 days, the general key every day. What the old signing key signed can be checked for another day; a retired generation's
key is kept until two people destroy it (tutela keys destroy).`
}

// Run rotates.
func (cmd keysRotateCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	body, err := client.do(ctx, http.MethodPost, "/api/v1/keys/"+cmd.Level+"/rotate", nil)
	if err != nil {
		return err
	}
	if !cmd.NoWait {
		if err := client.awaitRotation(ctx, c, cmd.Level); err != nil {
			return err
		}
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	return tellRotated(c.out, body, cmd.NoWait)
}

// tellRotated says what took over.
func tellRotated(w io.Writer, body []byte, underway bool) error {
	var got struct {
		Signs      string `json:"signs"`
		Generation int    `json:"generation"`
		Key        int    `json:"key"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	var err error
	switch {
	case got.Signs != "":
		_, err = fmt.Fprintf(w, "id_tokens are signed by %s from now on\n", got.Signs)
	case got.Generation > 0 && underway:
		_, err = fmt.Fprintf(w, "new keys are wrapped under generation %d; the others follow\n", got.Generation)
	case got.Generation > 0:
		_, err = fmt.Fprintf(w, "every key is wrapped under generation %d; the ones before are retired\n", got.Generation)
	case underway:
		_, err = fmt.Fprintf(w, "the index is being made anew under key %d\n", got.Key)
	default:
		_, err = fmt.Fprintf(w, "the index is made anew under key %d; the old one is gone\n", got.Key)
	}
	return err
}

// keyrings are the generations as the API gives them.
type keyrings struct {
	Generations []keyGeneration `json:"generations"`
	Rewrapping  int             `json:"keys_to_rewrap"`
}

type keyGeneration struct {
	Number   int       `json:"generation"`
	Provider string    `json:"provider"`
	State    string    `json:"state"`
	Opened   time.Time `json:"opened"`
	Retired  time.Time `json:"retired"`
	AskedBy  string    `json:"destruction_asked_by"`
	AgreedBy string    `json:"destruction_agreed_by"`
	Due      time.Time `json:"destruction_due"`
	Final    time.Time `json:"final"`
}

func (cl *client) keyrings(ctx context.Context) (k keyrings, err error) {
	body, err := cl.do(ctx, http.MethodGet, "/api/v1/keys/generations", nil)
	if err == nil {
		err = json.Unmarshal(body, &k)
	}
	return k, err
}

// tellGenerations prints them.
func (cl *client) tellGenerations(ctx context.Context, w io.Writer) error {
	k, err := cl.keyrings(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "GENERATION\tPROVIDER\tSTATE\tOPENED\tRETIRED\tDESTROYED")
	for _, g := range k.Generations {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", g.Number, g.Provider, g.State, day(g.Opened), day(g.Retired), day(g.Final))
	}
	if k.Rewrapping > 0 {
		fmt.Fprintf(w, "%d keys are still to be wrapped anew\n", k.Rewrapping)
	}
	fmt.Fprintln(w)
	return nil
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// awaitRotation waits until nothing is left to do, and shows how far it is.
func (cl *client) awaitRotation(ctx context.Context, c console, level string) error {
	tell, done := progressBar(c.err, map[string]string{"generation": "keys wrapped anew", "index": "resources indexed anew"}[level])
	defer done()
	most := 0
	for level != "signing" {
		left, of, err := cl.leftOver(ctx, level)
		if err != nil || of == 0 {
			return err
		}
		if most = max(most, of); tell != nil {
			tell(most-left, most)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it goes on by itself: %w", ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

// leftOver tells how much of how much is to be done; of nothing when it is.
func (cl *client) leftOver(ctx context.Context, level string) (left, of int, err error) {
	if level == "index" {
		var st struct {
			Building    bool
			Done, Total int
		}
		body, err := cl.do(ctx, http.MethodGet, "/api/v1/index", nil)
		if err == nil {
			err = json.Unmarshal(body, &st)
		}
		if err != nil || !st.Building {
			return 0, 0, err
		}
		return st.Total - st.Done, max(st.Total, 1), nil
	}
	k, err := cl.keyrings(ctx)
	for _, g := range k.Generations {
		if g.State == "rewrapping" {
			return k.Rewrapping, k.Rewrapping + 1, err
		}
	}
	return 0, 0, err
}

type keysDestroyCmd struct {
	target
	Generation int    `arg:"" help:"A retired generation, as tutela keys list shows them."`
	ApproveAs  string `placeholder:"NAME" help:"The try-out identity that agrees; elsewhere somebody else runs the same command."`
	Format     string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (keysDestroyCmd) Help() string {
	return `Example: tutela keys destroy 1 --as admin --approve-as privacy --data tutela-data

Two people ask for it, administrators or privacy officers. After the waiting period (keys.wait_hours) the provider destroys the key: backups of
the keyring from before the rotation open no more. It cannot be undone.`
}

// Run asks for it, and has the other person agree.
func (cmd keysDestroyCmd) Run(ctx context.Context, c console) error {
	people := []target{cmd.target}
	if cmd.ApproveAs != "" {
		other := cmd.target
		other.As = cmd.ApproveAs
		people = append(people, other)
	}
	var body []byte
	for _, t := range people {
		client, err := t.connect(ctx, "admin")
		if err != nil {
			return err
		}
		if body, err = client.do(ctx, http.MethodPost, "/api/v1/keys/generations/"+strconv.Itoa(cmd.Generation)+"/destroy", nil); err != nil {
			return err
		}
	}
	if cmd.Format == "json" {
		_, err := c.out.Write(body)
		return err
	}
	var g keyGeneration
	if err := json.Unmarshal(body, &g); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	if g.AgreedBy == "" {
		_, err := fmt.Fprintf(c.out, "asked for; somebody else has to run tutela keys destroy %d\n", g.Number)
		return err
	}
	_, err := fmt.Fprintf(c.out, "generation %d is destroyed from %s on; tutela keys list shows when it is gone\n", g.Number, day(g.Due))
	return err
}
