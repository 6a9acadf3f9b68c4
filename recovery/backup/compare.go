package backup

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/tutela-health/tutela/store"
)

// image is what the last backup held of the compared tables: by table and key, a hash of the row. It
// is only in memory; a process that has none sends the tables whole.
type image map[string]map[string][16]byte

// compare writes what of some tables differs from the image, and gives the new one.
func compare(ctx context.Context, q store.Querier, w *writer, tables []*store.Table, before image) (image, error) {
	now := image{}
	for _, t := range tables {
		rows, err := compareTable(ctx, q, w, t, before[t.Name], before == nil)
		if err != nil {
			return nil, err
		}
		now[t.Name] = rows
	}
	return now, nil
}

func compareTable(ctx context.Context, q store.Querier, w *writer, t *store.Table, before map[string][16]byte, whole bool) (map[string][16]byte, error) {
	if whole {
		w.clear(t)
	}
	now := map[string][16]byte{}
	err := q.Query(ctx, t.Select(""), nil, func(s store.Scanner) error {
		row, err := t.ScanRow(s)
		if err != nil {
			return err
		}
		key, digest := string(encode(row[:t.Key])), rowDigest(row)
		now[key] = digest
		if old, ok := before[key]; ok && old == digest {
			return nil
		}
		return w.put(t, row)
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Name, err)
	}
	for key := range before {
		if _, there := now[key]; !there {
			w.remove(t, decode(key))
		}
	}
	return now, w.failed
}

// rowDigest tells two states of a row apart.
func rowDigest(row []any) (d [16]byte) {
	sum := sha256.Sum256(encode(row))
	copy(d[:], sum[:])
	return d
}

// encode gives values one form each.
func encode(values []any) []byte {
	var b []byte
	for _, v := range values {
		switch v := v.(type) {
		case int64:
			b = binary.AppendVarint(append(b, valueInt), v)
		case []byte:
			b = append(binary.AppendUvarint(append(b, valueBytes), uint64(len(v))), v...)
		case string:
			b = append(binary.AppendUvarint(append(b, valueText), uint64(len(v))), v...)
		default:
			b = append(b, valueNone)
		}
	}
	return b
}

// decode is encode's inverse.
func decode(text string) []any {
	var list []any
	for b := []byte(text); len(b) > 0; {
		kind := b[0]
		b = b[1:]
		switch kind {
		case valueInt:
			v, n := binary.Varint(b)
			list, b = append(list, v), b[n:]
		case valueBytes, valueText:
			length, n := binary.Uvarint(b)
			b = b[n:]
			if kind == valueText {
				list = append(list, string(b[:length]))
			} else {
				list = append(list, append([]byte{}, b[:length]...))
			}
			b = b[length:]
		default:
			list = append(list, nil)
		}
	}
	return list
}
