package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
)

type exportCmd struct {
	target
	To string `type:"path" help:"Folder for one TYPE.ndjson a type; standard output otherwise."`
}

// Help gives an example.
func (exportCmd) Help() string {
	return "Example: tutela export --data tutela-data --to out --as physician"
}

// Run pages through every type that the caller may search.
func (cmd exportCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "loader")
	if err != nil {
		return err
	}
	total := 0
	for _, typ := range r4.ResourceTypes() {
		n, err := cmd.export(ctx, c, client, typ)
		if errs.Is(err, errs.Denied) {
			continue
		}
		if err != nil {
			return fmt.Errorf("export %s: %w", typ, err)
		}
		total += n
	}
	fmt.Fprintf(c.err, "%d resources\n", total)
	return nil
}

// exportPage is how many resources one request brings.
const exportPage = "1000"

func (cmd exportCmd) export(ctx context.Context, c console, client *client, typ string) (n int, err error) {
	out := bufio.NewWriter(c.out)
	var file *os.File
	defer func() {
		err = errors.Join(err, out.Flush())
		if file != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	for next := "/fhir/r4/" + typ + "?_count=" + exportPage; next != ""; {
		var page searchset
		body, err := client.do(ctx, http.MethodGet, next, nil)
		if err != nil {
			return n, err
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return n, fmt.Errorf("decode page: %w", err)
		}
		if len(page.Entry) > 0 && cmd.To != "" && file == nil {
			if file, err = cmd.create(typ); err != nil {
				return n, err
			}
			out.Reset(file)
		}
		for _, e := range page.Entry {
			if _, err := out.Write(append(e.Resource, '\n')); err != nil {
				return n, err
			}
			n++
		}
		next = page.next()
	}
	return n, nil
}

func (cmd exportCmd) create(typ string) (*os.File, error) {
	if err := os.MkdirAll(cmd.To, 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(filepath.Join(cmd.To, typ+".ndjson"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}

// searchset is the part of a search's answer that matters here.
type searchset struct {
	Link []struct {
		Relation string `json:"relation"`
		URL      string `json:"url"`
	} `json:"link"`
	Entry []struct {
		Resource json.RawMessage `json:"resource"`
	} `json:"entry"`
}

func (s searchset) next() string {
	for _, l := range s.Link {
		if l.Relation == "next" {
			return l.URL
		}
	}
	return ""
}
