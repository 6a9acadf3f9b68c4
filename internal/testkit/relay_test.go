package testkit_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tutela-health/tutela/internal/testkit"
)

// A relay passes everything on; cut, it ends connections and refuses new ones; holding, it says
// nothing until it is mended, and then what was held arrives.
func TestRelayBreaksWhatIsBetween(t *testing.T) {
	ctx := t.Context()
	r, url := testkit.RelayPostgres(t, testkit.Postgres(t))
	ask := func(c *pgx.Conn) error {
		var one int
		return c.QueryRow(ctx, "SELECT 1").Scan(&one)
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(conn); err != nil {
		t.Fatalf("open: %v", err)
	}

	r.Hold()
	answered := make(chan error, 1)
	go func() { answered <- ask(conn) }()
	select {
	case err := <-answered:
		t.Fatalf("held back, and answered: %v", err)
	case <-time.After(50 * time.Millisecond): // what is held would have arrived long since
	}
	r.Mend()
	if err := <-answered; err != nil {
		t.Errorf("mended: %v", err)
	}

	r.Lose()
	answered = make(chan error, 1)
	lost, forget := context.WithCancel(ctx)
	go func() { answered <- conn.Ping(lost) }()
	fresh, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatalf("a new connection beside a lost one: %v", err)
	}
	if err := ask(fresh); err != nil {
		t.Errorf("beside a lost one: %v", err)
	}
	select {
	case err := <-answered:
		t.Errorf("lost, and answered: %v", err)
	default: // what is new was answered meanwhile
	}
	forget()
	<-answered
	conn = fresh

	r.Cut()
	if err := ask(conn); err == nil {
		t.Error("a cut connection answers")
	}
	if _, err := pgx.Connect(ctx, url); err == nil {
		t.Error("a new connection was made through the cut")
	}
	r.Mend()
	again, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(again); err != nil {
		t.Errorf("mended after a cut: %v", err)
	}
	if err := again.Close(ctx); err != nil {
		t.Error(err)
	}
}
