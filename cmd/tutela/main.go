//go:debug fips140=on

// Command tutela is the security and compliance platform for healthcare software.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/tutela-health/tutela/internal/errs"
)

// The exit codes that scripts rely on.
const (
	exitClean = 0
	exitFound = 1 // done, and it found something
	exitError = 2 // could not do it
)

// errFound says that a command did its work and found what it looks for.
var errFound = errors.New("found")

// usageError is an error that tells the user what to do next.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// commands is the command line.
type commands struct {
	Dev        devCmd        `cmd:"" help:"Make and run a whole try-out system."`
	Init       initCmd       `cmd:"" help:"Make a system for production."`
	Serve      serveCmd      `cmd:"" help:"Serve a system made by init."`
	Login      loginCmd      `cmd:"" help:"Sign in to a server, for the commands that act on it."`
	Logout     logoutCmd     `cmd:"" help:"End the login at a server."`
	Token      tokenCmd      `cmd:"" help:"Print an access token of a try-out identity."`
	Import     importCmd     `cmd:"" help:"Load FHIR Bundles, resources and NDJSON."`
	Export     exportCmd     `cmd:"" help:"Write everything that the caller may see, as NDJSON by type."`
	Audit      auditCmd      `cmd:"" help:"The ledger: verify it, search it, take proofs out of it."`
	Keys       keysCmd       `cmd:"" help:"Keys and their versions."`
	Users      usersCmd      `cmd:"" help:"People's accounts: list them, lay a roster beside them, invite."`
	Glass      glassCmd      `cmd:"" name:"break-glass" help:"Emergency access to one patient, and its review."`
	Detect     detectCmd     `cmd:"" help:"Detection on events from elsewhere."`
	Findings   findingsCmd   `cmd:"" help:"What detection found: list it, look at it, judge it."`
	Alerts     alertsCmd     `cmd:"" help:"Of what people were told: list it, acknowledge it, try the channels."`
	Answers    answersCmd    `cmd:"" help:"What the system did about findings by itself: list it, look at it, undo it."`
	Breach     breachCmd     `cmd:"" help:"Whom an account touched, and what follows from it."`
	Controls   controlsCmd   `cmd:"" help:"What regulations ask for, and how it is known: list, show, attest."`
	Risks      risksCmd      `cmd:"" help:"What may happen, how bad it would be, and what is done about it."`
	Vendors    vendorsCmd    `cmd:"" help:"Who works for us, with what data, under which agreement, and how well it does."`
	Reviews    reviewsCmd    `cmd:"" help:"Look again at who may come in, at logs, set-up, policies, laws and tests: plan, start, decide."`
	Policies   policiesCmd   `cmd:"" help:"What people are told to do: write it, approve it, acknowledge it."`
	Training   trainingCmd   `cmd:"" help:"What people are to know: write modules, take them, bring in results from elsewhere."`
	Gaps       gapsCmd       `cmd:"" help:"What is not as it should be, and who sees to it until when."`
	Tests      testsCmd      `cmd:"" help:"Penetration tests and audits by others: plan them, record what they found."`
	Duties     dutiesCmd     `cmd:"" help:"What is to be done, by whom and by when."`
	Trackers   trackersCmd   `cmd:"" help:"Findings and steps as tickets elsewhere: list them, try the trackers, look at all."`
	Incidents  incidentsCmd  `cmd:"" help:"What went wrong: report it, open it, work through it, close it."`
	Events     eventsCmd     `cmd:"" help:"Access logs of other systems."`
	Patient    patientCmd    `cmd:"" help:"Patients' rights: copies, requests, restrictions, disclosures."`
	Downtime   downtimeCmd   `cmd:"" help:"A ward's essential charts in a file that opens without the server."`
	Policy     policyCmd     `cmd:"" help:"Policies: list them, check a folder of them, ask them."`
	Backup     backupCmd     `cmd:"" help:"Copies of the system: make, list, try and restore them."`
	Index      indexCmd      `cmd:"" help:"The blind index."`
	Routes     routesCmd     `cmd:"" help:"What the running server exposes, to whom, and how often it was called."`
	Assess     assessCmd     `cmd:"" help:"Try the controls and write signed evidence into the ledger."`
	Simulate   simulateCmd   `cmd:"" help:"Invent a hospital and some months of it, to tune and try detection on."`
	Scan       scanCmd       `cmd:"" help:"Check a team's own software: secrets, faults, dependencies, infrastructure, pipelines."`
	Gate       gateCmd       `cmd:"" help:"Say whether a tree may go on, by its policy: the same on a laptop and in CI."`
	Attest     attestCmd     `cmd:"" help:"Signed statements of builds and checks: make them, verify them."`
	Pipeline   pipelineCmd   `cmd:"" help:"Pipelines that may report evidence, and approvals of commits."`
	Changelog  changelogCmd  `cmd:"" help:"What came between two commits: code, dependencies, security updates, waivers, approvals."`
	Advisories advisoriesCmd `cmd:"" help:"What is known of vulnerable packages: import it, list it, hold bills of materials against it."`
	Version    versionCmd    `cmd:"" help:"Print the version and the cryptographic module."`
}

// console is where a command reads and writes.
type console struct {
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], console{os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// run is main with its surroundings as arguments.
func run(ctx context.Context, args []string, c console) int {
	var cli commands
	exited := -1
	parser, err := kong.New(&cli, kong.Name("tutela"), kong.UsageOnError(), kong.Writers(c.out, c.err),
		kong.Description("Tutela guards patients' data: an encrypted FHIR store whose every access is in a verifiable ledger."),
		kong.Exit(func(code int) { exited = code }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(c))
	if err != nil {
		return fail(c, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited // --help
	}
	if err != nil {
		return fail(c, fmt.Errorf("%w (see tutela --help)", err))
	}
	return fail(c, parsed.Run())
}

// fail prints an error as one line and gives the exit code that it means.
func fail(c console, err error) int {
	switch {
	case err == nil:
		return exitClean
	case errors.Is(err, errFound):
		return exitFound
	default:
		var u *usageError
		text := err.Error()
		if kind := errs.KindOf(err); !errors.As(err, &u) && kind != errs.Internal && kind != errs.Unavailable {
			text = errs.Public(err) // of what is unavailable, whoever runs the command is to know why
		}
		fmt.Fprintln(c.err, "tutela:", text)
		return exitError
	}
}
