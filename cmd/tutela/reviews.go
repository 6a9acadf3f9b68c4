package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/tutela-health/tutela/assure/review"
)

type reviewsCmd struct {
	List   reviewsListCmd   `cmd:"" help:"What is looked at again and again, and what of it is overdue."`
	Plan   reviewsPlanCmd   `cmd:"" help:"Say who reviews what, and how often."`
	Start  reviewsStartCmd  `cmd:"" help:"Open a round, prefilled from the running system."`
	Show   reviewsShowCmd   `cmd:"" help:"A round with its items."`
	Decide reviewsDecideCmd `cmd:"" help:"Decide about items of the open round."`
	Carry  reviewsCarryCmd  `cmd:"" help:"Carry out, as an administrator, what somebody else decided."`
	Done   reviewsDoneCmd   `cmd:"" help:"Say how a follow-up was done."`
}

type reviewsListCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (reviewsListCmd) Help() string {
	return `Example: tutela reviews list --data tutela-data

Exit code 1: a review or a follow-up is overdue, or a decision is not carried out.`
}

// Run lists reviews.
func (cmd reviewsListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/reviews", nil)
	if err != nil {
		return err
	}
	var list []review.Kept
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode reviews: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = writeReviews(c, list)
	}
	for _, k := range list {
		late := slices.ContainsFunc(k.Tasks, func(t review.KeptTask) bool { return t.Overdue })
		if err == nil && (k.Overdue || k.Waiting > 0 || late) {
			err = errFound
		}
	}
	return err
}

func writeReviews(c console, list []review.Kept) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(c.out, "nothing is reviewed yet: tutela reviews plan --owner NAME")
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "REVIEW\tOF\tOWNER\tEVERY\tDUE\tROUND\tOPEN\tTO CARRY OUT")
	for _, k := range list {
		due := k.Due.Format("2006-01-02")
		if k.Overdue {
			due += " (overdue)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d months\t%s\t%d, %s\t%d\t%d\n", k.Sort, k.Title, k.OwnerName, k.Every, due, k.Round, k.State, k.Open, k.Waiting)
	}
	fmt.Fprintln(w)
	for _, k := range list {
		for _, t := range k.Tasks {
			fmt.Fprintf(w, "follow-up\t%s\t%s\tuntil %s\t%s: %s\n", t.ID, t.OwnerName, t.Until.Format("2006-01-02"), t.Item, t.What)
		}
	}
	return w.Flush()
}

type reviewsPlanCmd struct {
	target
	Review []string `arg:"" optional:"" help:"Which: access-rights, authentication-logs, configuration, policies, laws, security-tests. All of them where it is left out."`
	Owner  string   `required:"" help:"Who sees to it: a username."`
	Every  int      `help:"Months between two rounds, 1 to 12; what is usual where it is left out."`
}

// Help gives an example.
func (reviewsPlanCmd) Help() string {
	return `Example: tutela reviews plan --owner privacy --data tutela-data
         tutela reviews plan access-rights --owner privacy --every 1 --data tutela-data`
}

// Run plans reviews.
func (cmd reviewsPlanCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	if len(cmd.Review) == 0 {
		for _, s := range review.Sorts() {
			cmd.Review = append(cmd.Review, string(s))
		}
	}
	for _, sort := range cmd.Review {
		body, err := client.json(ctx, http.MethodPut, "/api/v1/reviews/"+url.PathEscape(sort), map[string]any{"owner": cmd.Owner, "every": cmd.Every})
		if err != nil {
			return err
		}
		var k review.Kept
		if err := json.Unmarshal(body, &k); err != nil {
			return fmt.Errorf("decode review: %w", err)
		}
		fmt.Fprintf(c.out, "%s reviews %s every %d months; the next round is to be over by %s\n", k.OwnerName, k.Sort, k.Every, k.Due.Format("2006-01-02"))
	}
	return nil
}

type reviewsStartCmd struct {
	target
	Review string `arg:"" help:"Which."`
}

// Help gives an example.
func (reviewsStartCmd) Help() string {
	return "Example: tutela reviews start access-rights --data tutela-data"
}

// Run opens a round.
func (cmd reviewsStartCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	return client.round(ctx, c, http.MethodPost, cmd.Review, "/rounds", nil)
}

// round does something to a round and says how it then stands.
func (cl *client) round(ctx context.Context, c console, method, sort, deed string, body any) error {
	answer, err := cl.json(ctx, method, "/api/v1/reviews/"+url.PathEscape(sort)+deed, body)
	if err != nil {
		return err
	}
	var r review.KeptRound
	if err := json.Unmarshal(answer, &r); err != nil {
		return fmt.Errorf("decode round: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "round %d of %s is %s: %d items, %d open, %d decisions to carry out\n", r.Number, r.Sort, r.State, len(r.Items), r.Open(), r.Waiting())
	if err == nil && r.Waiting() > 0 {
		_, err = fmt.Fprintf(c.out, "an administrator carries them out: tutela reviews carry %s\n", r.Sort)
	}
	return err
}

type reviewsShowCmd struct {
	target
	Review string `arg:"" help:"Which."`
	Round  int    `help:"Of which round; the newest where it is left out."`
	Open   bool   `help:"Only what waits for a decision."`
	Format string `enum:"table,json,csv" default:"table" help:"table, json or csv."`
}

// Help gives an example.
func (reviewsShowCmd) Help() string {
	return "Example: tutela reviews show access-rights --open --data tutela-data"
}

// Run shows a round.
func (cmd reviewsShowCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	r, body, err := client.showRound(ctx, cmd.Review, cmd.Round)
	if err != nil {
		return err
	}
	if cmd.Open {
		r.Items = slices.DeleteFunc(r.Items, func(it review.Item) bool { return it.Decided != nil })
	}
	switch cmd.Format {
	case "json":
		_, err = c.out.Write(body)
	case "csv":
		err = roundTable(c, r)
	default:
		err = writeRound(c, r)
	}
	return err
}

func (cl *client) showRound(ctx context.Context, sort string, number int) (r review.KeptRound, body []byte, err error) {
	address := "/api/v1/reviews/" + url.PathEscape(sort)
	if number > 0 {
		address += "?round=" + strconv.Itoa(number)
	}
	if body, err = cl.json(ctx, http.MethodGet, address, nil); err != nil {
		return r, nil, err
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return r, nil, fmt.Errorf("decode round: %w", err)
	}
	return r, body, nil
}

// spoken is a decision in a few words.
func spoken(d *review.Decided) string {
	if d == nil {
		return "-"
	}
	text := fmt.Sprintf("%s, by %s", strings.Join(append([]string{string(d.Choice)}, d.Roles...), " "), d.ByName)
	if d.Carried.IsZero() {
		text += ", not carried out"
	}
	if d.Reason != "" {
		text += ": " + d.Reason
	}
	return text
}

// known is what is known of an item, in a line.
func known(list []review.Fact) string {
	var parts []string
	for _, f := range list {
		if f.Value != "" {
			parts = append(parts, f.Name+" "+f.Value)
		}
	}
	return strings.Join(parts, ", ")
}

func writeRound(c console, r review.KeptRound) error {
	fmt.Fprintf(c.out, "round %d of %s, %s to %s: %s\n\n", r.Number, r.Sort, r.From.Format("2006-01-02"), r.Until.Format("2006-01-02"), r.State)
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ITEM\tLOOK CLOSER\tDECIDED\tWHAT IS KNOWN")
	for _, it := range r.Items {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", it.Title, dashed(strings.Join(it.Flags, "; ")), spoken(it.Decided), known(it.Facts))
	}
	return w.Flush()
}

func roundTable(c console, r review.KeptRound) error {
	w := csv.NewWriter(c.out)
	_ = w.Write([]string{"key", "item", "look closer", "decided", "by", "reason", "carried out", "what is known"}) // Flush tells
	for _, it := range r.Items {
		d := it.Decided
		if d == nil {
			d = &review.Decided{}
		}
		_ = w.Write(cells(it.Key, it.Title, strings.Join(it.Flags, "; "), string(d.Choice), d.ByName, d.Reason, stamp(d.Carried), known(it.Facts)))
	}
	w.Flush()
	return w.Error()
}

type reviewsDecideCmd struct {
	target
	Review string   `arg:"" help:"Which."`
	Item   []string `arg:"" optional:"" help:"About which items, by name or key."`
	Choice string   `enum:"keep,disable,roles,follow-up" default:"keep" help:"keep, disable, roles or follow-up."`
	Rest   bool     `help:"About everything that is open and wants no closer look: keep it."`
	Reason string   `help:"Why so. Only what wants no closer look is kept without one."`
	Role   []string `help:"Which role the account is to have. May be repeated."`
	Owner  string   `help:"Who follows up: a username."`
	Until  string   `help:"Until when, as a date."`
}

// Help gives an example.
func (reviewsDecideCmd) Help() string {
	return `Example: tutela reviews decide access-rights ida --choice disable --reason "left in May" --as admin --data tutela-data
         tutela reviews decide access-rights --rest --data tutela-data
         tutela reviews decide laws gdpr --choice follow-up --reason "read the new guidance" --owner privacy --until 2027-03-01

What an administrator decides about an account is done at once; what anybody else decides waits for one.`
}

// Run decides.
func (cmd reviewsDecideCmd) Run(ctx context.Context, c console) error {
	if cmd.Rest == (len(cmd.Item) > 0) {
		return usage("name items, or say --rest")
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	r, _, err := client.showRound(ctx, cmd.Review, 0)
	if err != nil {
		return err
	}
	var list []review.Decision
	for _, it := range r.Items {
		if cmd.Rest && it.Decided == nil && len(it.Flags) == 0 {
			list = append(list, review.Decision{Key: it.Key, Choice: review.Keep, Reason: cmd.Reason})
		}
	}
	for _, name := range cmd.Item {
		i := slices.IndexFunc(r.Items, func(it review.Item) bool { return it.Key == name || it.Title == name })
		if i < 0 {
			return usage("the round has no item %q: tutela reviews show %s", name, cmd.Review)
		}
		list = append(list, review.Decision{
			Key: r.Items[i].Key, Choice: review.Choice(cmd.Choice), Reason: cmd.Reason, Roles: cmd.Role, Owner: cmd.Owner, Until: cmd.Until,
		})
	}
	return client.round(ctx, c, http.MethodPost, cmd.Review, "/decisions", list)
}

type reviewsCarryCmd struct {
	target
	Review string `arg:"" help:"Which."`
	Yes    bool   `help:"Carry it out. Without this it is shown what would be."`
}

// Help gives an example.
func (reviewsCarryCmd) Help() string {
	return "Example: tutela reviews carry access-rights --data tutela-data\n         tutela reviews carry access-rights --yes --data tutela-data"
}

// Run carries out.
func (cmd reviewsCarryCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	r, _, err := client.showRound(ctx, cmd.Review, 0)
	if err != nil {
		return err
	}
	waiting := 0
	for _, it := range r.Items {
		if it.Decided != nil && it.Decided.Carried.IsZero() {
			waiting++
			fmt.Fprintf(c.out, "%s: %s\n", it.Title, spoken(it.Decided))
		}
	}
	if !cmd.Yes && waiting > 0 {
		_, err := fmt.Fprintf(c.out, "nothing is carried out yet; all of that: tutela reviews carry %s --yes\n", cmd.Review)
		return err
	}
	return client.round(ctx, c, http.MethodPost, cmd.Review, "/carry", nil)
}

type reviewsDoneCmd struct {
	target
	ID  string `arg:"" help:"Which follow-up."`
	How string `required:"" help:"How it was done."`
}

// Help gives an example.
func (reviewsDoneCmd) Help() string {
	return `Example: tutela reviews done laws.1.3 --how "read it; nothing changes for us" --data tutela-data`
}

// Run ends a follow-up.
func (cmd reviewsDoneCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	if _, err := client.json(ctx, http.MethodPost, "/api/v1/follow-ups/"+url.PathEscape(cmd.ID)+"/done", map[string]string{"how": cmd.How}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s is done\n", cmd.ID)
	return err
}
