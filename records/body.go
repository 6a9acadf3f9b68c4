package records

import (
	"errors"
	"time"

	"github.com/tutela-health/tutela"
)

// What is sealed is a body: one byte, live, tombstone, owned or lent; six bytes of milliseconds since 1970;
// then the resource's compact JSON with id and meta, or for a tombstone its relative reference. An owned
// or lent one is live, and has its ownership before the JSON.
const (
	bodyLive      = 1
	bodyTombstone = 2
	bodyOwned     = 3
	bodyLent      = 4
	bodyHeader    = 7
)

func liveBody(updated time.Time, own ownership, json []byte) []byte {
	if own.none() {
		return body(bodyLive, updated, json)
	}
	flag := byte(bodyOwned)
	if len(own.lent) > 0 {
		flag = bodyLent
	}
	return body(flag, updated, append(own.bytes(), json...))
}

func tombstoneBody(updated time.Time, ref tutela.Ref) []byte {
	return body(bodyTombstone, updated, []byte(ref.String()))
}

func body(flag byte, updated time.Time, rest []byte) []byte {
	ms := updated.UnixMilli()
	out := make([]byte, 0, bodyHeader+len(rest))
	out = append(out, flag, byte(ms>>40), byte(ms>>32), byte(ms>>24), byte(ms>>16), byte(ms>>8), byte(ms))
	return append(out, rest...)
}

// fill reads a body into the record.
func (r *Record) fill(b []byte) error {
	if len(b) < bodyHeader || b[0] < bodyLive || b[0] > bodyLent {
		return errors.New("sealed body: unknown form")
	}
	var ms int64
	for _, c := range b[1:bodyHeader] {
		ms = ms<<8 | int64(c)
	}
	r.Updated = time.UnixMilli(ms).UTC()
	r.Deleted = b[0] == bodyTombstone
	switch b[0] {
	case bodyTombstone:
		r.gone = string(b[bodyHeader:])
	case bodyLive:
		r.JSON = b[bodyHeader:]
	case bodyOwned, bodyLent:
		var err error
		r.own, r.JSON, err = readOwnership(b[bodyHeader:], b[0] == bodyLent)
		return err
	}
	return nil
}
