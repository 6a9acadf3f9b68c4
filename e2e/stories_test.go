package e2e_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The stories in testdata read like the manual. Beside `exec tutela …` they use:
//
//	dev DIR FLAG…       tutela dev on a free port, in the background; $URL and $FHIR lead to it
//	stop-dev DIR        SIGTERM: it ends cleanly within 5 seconds
//	curl …              a small curl -f: -X METHOD, -H HEADER, -d BODY, --cacert FILE, URL
//	exits CODE PROGRAM… runs a program that must end with that code
//	zip FILE MEMBER…    makes a zip of files
//	capture NAME REGEXP sets $NAME to what the last output has in the first parentheses
func TestStories(t *testing.T) {
	dir := filepath.Dir(tutelaPath(t))
	testscript.Run(t, testscript.Params{
		Dir: "testdata/stories",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", dir+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("SOON", time.Now().AddDate(0, 3, 0).Format(time.DateOnly)) // when a waiver may end
			env.Values[storyteller{}] = &story{t: t, systems: map[string]*system{}}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"dev": startDev, "stop-dev": stopDev, "curl": curl, "exits": exits, "capture": capture, "zip": zipFiles,
		},
	})
}

func zipFiles(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: zip FILE MEMBER…")
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range args[1:] {
		w, err := z.Create(name)
		ts.Check(err)
		_, err = w.Write([]byte(ts.ReadFile(name)))
		ts.Check(err)
	}
	ts.Check(z.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}

// storyteller is the key under which a script finds its story.
type storyteller struct{}

// story is what a script has started.
type story struct {
	t       *testing.T
	systems map[string]*system
}

func storyOf(ts *testscript.TestScript) *story {
	s, ok := ts.Value(storyteller{}).(*story)
	if !ok {
		ts.Fatalf("the script has no story")
	}
	return s
}

func startDev(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: dev DIR FLAG…")
	}
	s := &system{dir: args[0], log: ts.MkAbs("server.log")}
	flags := append([]string{"dev", "--data", s.dir, "--addr", "localhost:0"}, args[1:]...)
	cmd := exec.Command(tutelaPath(storyOf(ts).t), flags...)
	cmd.Dir = ts.MkAbs(".")
	s.server = startProcess(storyOf(ts).t, cmd, s.log)
	ts.Defer(func() { s.server.kill(storyOf(ts).t) })
	s.dir = ts.MkAbs(s.dir)
	if err := s.await(context.Background()); err != nil {
		ts.Fatalf("%v: %s", err, s.lastLog())
	}
	storyOf(ts).systems[args[0]] = s
	ts.Setenv("URL", s.info.URL)
	ts.Setenv("FHIR", s.info.FHIR)
}

func stopDev(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || storyOf(ts).systems[args[0]] == nil {
		ts.Fatalf("usage: stop-dev DIR, which dev started")
	}
	s := storyOf(ts).systems[args[0]]
	if err := s.server.stop(storyOf(ts).t); err != nil {
		ts.Fatalf("%v: %s", err, s.lastLog())
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	var ended *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &ended) {
		code = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME REGEXP")
	}
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) < 2 {
		ts.Fatalf("no %s in the output", args[1])
	}
	ts.Setenv(args[0], found[1])
}

func curl(ts *testscript.TestScript, neg bool, args []string) {
	method, body, address := "GET", "", ""
	var headers []header
	s := &system{}
	for len(args) > 0 {
		flag := args[0]
		if args = args[1:]; !strings.HasPrefix(flag, "-") {
			address = flag
			continue
		}
		if len(args) == 0 {
			ts.Fatalf("curl: %s has no value", flag)
		}
		switch value := args[0]; flag {
		case "-X":
			method = value
		case "-H":
			name, text, _ := strings.Cut(value, ": ")
			headers = append(headers, header{name, text})
		case "-d":
			if body = value; value[0] == '@' {
				body = ts.ReadFile(value[1:])
			}
		case "--cacert":
			s.info.CA = ts.MkAbs(value)
		default:
			ts.Fatalf("curl: %s is not known here", flag)
		}
		args = args[1:]
	}
	c := &client{http: s.httpClient(storyOf(ts).t)}
	r, err := c.send(context.Background(), method, address, body, headers...)
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%s\n", bytes.TrimSpace(r.body))
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stderr(), "HTTP %d\n", r.status)
	ts.Check(err)
	if failed := r.status >= 400; failed != neg {
		ts.Fatalf("%s %s: status %d: %s", method, address, r.status, r.body)
	}
}
