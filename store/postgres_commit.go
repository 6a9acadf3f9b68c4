package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tutela-health/tutela/internal/errs"
)

// commitWithin bounds a transaction of a lane; a network that swallows packets must not stop it for ever.
const commitWithin = time.Minute

// pingAfter is how long a lane may be idle before it makes sure that its connection still lives:
// a transaction lost on a dead one has an unknown outcome, a lost ping has not.
const pingAfter = time.Second

// postgresCommitter sends a batch as one pipeline, BEGIN to COMMIT, so that it costs one round trip.
type postgresCommitter struct {
	config *pgx.ConnConfig
	conn   *pgx.Conn // nil while there is none
	used   time.Time // when conn last answered
	texts  map[statement]string
}

// newPostgresCommitter connects when it is first used. A lane reaches rows by key only; without
// these settings a plan made while a table was empty would scan it when it is not.
func newPostgresCommitter(c *pgx.ConnConfig) *postgresCommitter {
	config := c.Copy()
	for _, name := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin"} {
		config.RuntimeParams[name] = "off"
	}
	return &postgresCommitter{config: config, texts: map[statement]string{}}
}

// ready implements committer: a lane has its connection to itself.
func (c *postgresCommitter) ready(context.Context) {}

func (c *postgresCommitter) close() { c.disconnect() }

func (c *postgresCommitter) disconnect() {
	if c.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.conn.Close(ctx) // nothing is open on it that we still want
	c.conn = nil
}

func (c *postgresCommitter) connect(ctx context.Context) error {
	if c.alive(ctx) {
		return nil
	}
	c.disconnect()
	conn, err := pgx.ConnectConfig(ctx, c.config)
	if err != nil {
		return postgresError(err)
	}
	c.conn, c.used = conn, time.Now()
	return nil
}

func (c *postgresCommitter) alive(ctx context.Context) bool {
	if c.conn == nil || c.conn.IsClosed() {
		return false
	}
	return time.Since(c.used) < pingAfter || c.conn.Ping(ctx) == nil
}

// commit implements committer.
func (c *postgresCommitter) commit(ctx context.Context, ops []*Op, stamp func() (Stamped, error)) error {
	p, err := newPlan(ops)
	if err != nil {
		return &opError{-1, err}
	}
	if err := c.within(ctx, c.connect); err != nil {
		return err
	}
	var mark Rows
	if hasEntries(ops) {
		s, err := stamp()
		if err == nil {
			err = p.addStamped(s)
		}
		if err != nil {
			return &opError{-1, fmt.Errorf("stamp: %w", err)}
		}
		mark = s.Mark
	}
	return c.persist(ctx, p, mark)
}

func hasEntries(ops []*Op) bool {
	for _, op := range ops {
		if len(op.Entries) > 0 {
			return true
		}
	}
	return false
}

// persist runs p until it has an outcome, or loses the connection with COMMIT on its way.
func (c *postgresCommitter) persist(ctx context.Context, p *plan, mark Rows) error {
	var err error
	for range attempts {
		err = c.within(ctx, func(ctx context.Context) error { return c.run(ctx, p) })
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errNotSent), again(err):
			continue
		case connectionLost(err) && len(mark.Rows) == 0:
			return unknown(err)
		case connectionLost(err):
			return &undecided{err, func(ctx context.Context) (bool, error) { return c.resolve(ctx, p, mark) }}
		case isUnavailable(err):
			return err
		default:
			return &opError{-1, err}
		}
	}
	return unavailable(fmt.Errorf("%d attempts: %w", attempts, err))
}

func (c *postgresCommitter) within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	return f(ctx)
}

// errNotSent: the connection turned out to be dead before anything was written to it.
var errNotSent = errors.New("connection lost before use")

// run sends p as one transaction. It returns nil only when the server has confirmed COMMIT.
func (c *postgresCommitter) run(ctx context.Context, p *plan) error {
	if err := c.connect(ctx); err != nil {
		return errors.Join(errNotSent, err)
	}
	err := c.pipeline(ctx, p)
	if err == nil {
		c.used = time.Now()
		return nil
	}
	safe := pgconn.SafeToRetry(err)
	err = postgresError(err)
	if connectionLost(err) || !c.rollback(ctx) {
		c.disconnect()
	}
	if safe {
		return errors.Join(errNotSent, err)
	}
	if stateOf(err) == stateDivision {
		return p.claimFailed()
	}
	return err
}

func (c *postgresCommitter) rollback(ctx context.Context) bool {
	_, err := c.conn.Exec(ctx, "rollback")
	return err == nil
}

// pipeline queues everything and reads every answer; the first error is the cause of the rest.
func (c *postgresCommitter) pipeline(ctx context.Context, p *plan) (err error) {
	b := &pgx.Batch{}
	b.Queue("begin isolation level read committed")
	for _, m := range p.merges {
		b.Queue(c.text(m.statement), m.args()...)
	}
	b.Queue("commit")
	results := c.conn.SendBatch(ctx, b)
	defer func() {
		if e := results.Close(); err == nil {
			err = e
		}
	}()
	var tag pgconn.CommandTag
	for range b.Len() {
		if tag, err = results.Exec(); err != nil {
			return err
		}
	}
	if tag.String() != "COMMIT" {
		return errs.New(errs.Internal, "the server answered COMMIT with another command")
	}
	return nil
}

func (c *postgresCommitter) text(s statement) string {
	text, ok := c.texts[s]
	if !ok {
		text = s.mergedText()
		c.texts[s] = text
	}
	return text
}

// resolve finds out whether p was committed before the connection broke. When its mark is not
// there the server may still be working on what it received; so p runs again with the same mark,
// whose key only one of the two can take.
func (c *postgresCommitter) resolve(ctx context.Context, p *plan, mark Rows) (decided bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	if marked, err := c.marked(ctx, mark); err != nil || marked {
		return err == nil, err
	}
	err = c.run(ctx, p)
	if err == nil {
		return true, nil
	}
	if errors.Is(err, errNotSent) || connectionLost(err) || again(err) {
		return false, err
	}
	marked, lookup := c.marked(ctx, mark)
	switch {
	case lookup != nil:
		return false, lookup
	case marked:
		return true, nil
	case isUnavailable(err):
		return true, err
	}
	return true, &opError{-1, err}
}

// marked looks for a row that equals mark.
func (c *postgresCommitter) marked(ctx context.Context, mark Rows) (bool, error) {
	if err := c.connect(ctx); err != nil {
		return false, err
	}
	row := mark.Rows[0]
	args, err := plainAll(row)
	if err != nil {
		return false, err
	}
	sql := number(fmt.Sprintf("SELECT 1 FROM %s WHERE %s", mark.Table.Name,
		each(mark.Table.Columns[:len(row)], " AND ", "%[1]s = ?")))
	found := false
	err = postgresQuery(ctx, c.conn, sql, args, func(Scanner) error { found = true; return nil })
	return found, err
}
