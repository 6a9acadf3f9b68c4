package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs (PostgreSQL manual, appendix A).
const (
	stateUnique        = "23505"
	stateReference     = "23503"
	stateSameObject    = "42710" // two nodes make one type or table at once
	stateSameTable     = "42P07"
	stateDivision      = "22012" // how a claim statement says that it does not hold
	stateSerialization = "40001"
	stateDeadlock      = "40P01"
	stateDiskFull      = "53100"
	stateReadOnly      = "25006"
)

// postgresFailure is what we keep of a server's error: its texts may quote values.
type postgresFailure struct {
	code, table, constraint, hint string
	fatal                         bool // the server closes the connection
}

func (e *postgresFailure) Error() string {
	return strings.TrimSpace(fmt.Sprintf("postgres: SQLSTATE %s %s %s %s", e.code, e.table, e.constraint, e.hint))
}

// postgresError gives err its kind: a server's refusal by its SQLSTATE, anything else but a
// cancelled context as a lost connection.
func postgresError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return unavailable(err)
	}
	failure := &postgresFailure{
		code: e.Code, table: e.TableName, constraint: e.ConstraintName,
		fatal: e.SeverityUnlocalized == "FATAL" || e.SeverityUnlocalized == "PANIC",
	}
	switch {
	case e.Code == stateUnique, e.Code == stateSameObject, e.Code == stateSameTable:
		return duplicate(failure)
	case e.Code == stateReference && e.ConstraintName == "wrapped_keys_generation":
		return generationClosed(failure)
	case e.Code == stateDiskFull:
		return full(failure)
	case failure.fatal, e.Code == stateReadOnly, inClass(e.Code, "08", "53", "57", "58"):
		return unavailable(failure)
	case inClass(e.Code, "42"):
		failure.hint = e.Message // names of tables and columns: a mistake in our SQL
	}
	return failure
}

func inClass(code string, classes ...string) bool {
	for _, c := range classes {
		if strings.HasPrefix(code, c) {
			return true
		}
	}
	return false
}

// stateOf is the SQLSTATE in err's chain, or empty.
func stateOf(err error) string {
	var e *postgresFailure
	if errors.As(err, &e) {
		return e.code
	}
	return ""
}

// again says whether a transaction that failed with err may succeed when run again.
func again(err error) bool {
	s := stateOf(err)
	return s == stateSerialization || s == stateDeadlock
}

// connectionLost says whether err ended the connection rather than the statement. A cancelled
// context does: pgx closes the connection.
func connectionLost(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var e *postgresFailure
	if errors.As(err, &e) {
		return e.fatal
	}
	return isUnavailable(err)
}
