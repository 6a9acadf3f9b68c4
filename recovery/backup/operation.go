package backup

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// The operations of a stream.
const (
	opFile   = 'F' // name, content: a file of the configuration
	opTable  = 'T' // description: what follows is about this table
	opClear  = 'C' // all its rows go
	opPut    = 'R' // a row, in place of one with its key
	opRemove = 'D' // the key of a row that goes
	opEnd    = 'E' // how many rows were put: nothing follows
)

// The kinds of value.
const (
	valueNone  = 0
	valueInt   = 1
	valueBytes = 2
	valueText  = 3
)

// longestValue bounds what one value takes in memory, in bytes.
const longestValue = 128 << 20

// writer writes operations. Its first error stays.
type writer struct {
	to      *bufio.Writer
	table   *store.Table
	changes int64 // rows put and removed, and tables cleared
	rows    int64
	failed  error
}

func newWriter(to io.Writer) *writer { return &writer{to: bufio.NewWriterSize(to, 64<<10)} }

func (w *writer) bytes(b []byte) {
	var n [binary.MaxVarintLen64]byte
	w.raw(n[:binary.PutUvarint(n[:], uint64(len(b)))])
	w.raw(b)
}

func (w *writer) raw(b []byte) {
	if w.failed == nil {
		_, w.failed = w.to.Write(b)
	}
}

func (w *writer) file(name string, content []byte) {
	w.raw([]byte{opFile})
	w.bytes([]byte(name))
	w.bytes(content)
}

func (w *writer) use(t *store.Table) {
	if w.table == t {
		return
	}
	text, err := json.Marshal(t)
	if err != nil && w.failed == nil {
		w.failed = fmt.Errorf("describe table: %w", err)
	}
	w.table = t
	w.raw([]byte{opTable})
	w.bytes(text)
}

func (w *writer) clear(t *store.Table) {
	w.use(t)
	w.raw([]byte{opClear})
	w.changes++
}

func (w *writer) put(t *store.Table, row []any) error {
	w.use(t)
	w.raw([]byte{opPut})
	w.values(row)
	w.rows++
	w.changes++
	return w.failed
}

func (w *writer) remove(t *store.Table, key []any) {
	w.use(t)
	w.raw([]byte{opRemove})
	w.values(key)
	w.changes++
}

func (w *writer) values(list []any) {
	for _, v := range list {
		switch v := v.(type) {
		case nil:
			w.raw([]byte{valueNone})
		case int64:
			w.raw(binary.AppendVarint([]byte{valueInt}, v))
		case []byte:
			w.raw([]byte{valueBytes})
			w.bytes(v)
		case string:
			w.raw([]byte{valueText})
			w.bytes([]byte(v))
		default:
			if w.failed == nil {
				w.failed = errs.New(errs.Internal, "a value of type %T cannot be backed up", v)
			}
		}
	}
}

func (w *writer) end() error {
	w.raw(binary.AppendUvarint([]byte{opEnd}, uint64(w.rows)))
	if w.failed == nil {
		w.failed = w.to.Flush()
	}
	return w.failed
}

// operation is one that was read.
type operation struct {
	kind   byte
	name   string // of a file
	values []any  // of a row or key
	body   []byte // of a file
}

// reader reads operations.
type reader struct {
	from  *bufio.Reader
	table *store.Table
	rows  uint64
}

// errStream says that a stream is not made of operations.
var errStream = errors.New("the backup holds what no release wrote")

func newReader(from io.Reader) *reader { return &reader{from: bufio.NewReaderSize(from, 64<<10)} }

// next gives the next operation; io.EOF after the end, and only there.
func (r *reader) next() (op operation, err error) {
	if op.kind, err = r.from.ReadByte(); err != nil {
		return op, cut(err)
	}
	switch op.kind {
	case opFile:
		var name []byte
		if name, err = r.bytes(); err == nil {
			op.name = string(name)
			op.body, err = r.bytes()
		}
	case opTable:
		err = r.describe()
	case opClear, opPut, opRemove:
		err = r.operands(&op)
	case opEnd:
		err = r.end()
	default:
		err = errStream
	}
	return op, err
}

func (r *reader) describe() error {
	text, err := r.bytes()
	if err != nil {
		return err
	}
	t := &store.Table{}
	if err := json.Unmarshal(text, t); err != nil || t.Key < 0 || t.Key > len(t.Columns) {
		return errStream
	}
	r.table = t
	return nil
}

func (r *reader) operands(op *operation) (err error) {
	if r.table == nil {
		return errStream
	}
	switch op.kind {
	case opPut:
		r.rows++
		op.values, err = r.values(len(r.table.Columns))
	case opRemove:
		op.values, err = r.values(r.table.Key)
	}
	return err
}

// end holds the count against the rows, and makes sure that nothing follows.
func (r *reader) end() error {
	n, err := binary.ReadUvarint(r.from)
	if err != nil {
		return cut(err)
	}
	if n != r.rows {
		return errStream
	}
	if _, err := r.from.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.Join(errStream, err)
	}
	return io.EOF
}

func (r *reader) values(n int) ([]any, error) {
	list := make([]any, n)
	for i := range list {
		kind, err := r.from.ReadByte()
		if err != nil {
			return nil, cut(err)
		}
		if list[i], err = r.value(kind); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (r *reader) value(kind byte) (any, error) {
	switch kind {
	case valueNone:
		return nil, nil
	case valueInt:
		n, err := binary.ReadVarint(r.from)
		return n, cut(err)
	case valueBytes:
		return r.bytes()
	case valueText:
		b, err := r.bytes()
		return string(b), err
	}
	return nil, errStream
}

func (r *reader) bytes() ([]byte, error) {
	n, err := binary.ReadUvarint(r.from)
	if err != nil {
		return nil, cut(err)
	}
	if n > longestValue {
		return nil, errStream
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r.from, b)
	return b, cut(err)
}

// cut makes an end in the middle what it is.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
