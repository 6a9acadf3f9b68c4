package distro

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver of rpm's database

	"github.com/tutela-health/tutela/supply"
)

// maxReading bounds how long reading a database may take: one can be made in which a query does not end.
const maxReading = 30 * time.Second

var errRPM = errors.New("not a database of rpm")

// rpm reads rpmdb.sqlite: a table of package headers. It is never written to disk.
func rpm(ctx context.Context, text []byte) (list []supply.Component, err error) {
	if len(text) < 100 || !bytes.HasPrefix(text, []byte("SQLite format 3\x00")) {
		return nil, errRPM
	}
	text = slices.Clone(text)
	text[18], text[19] = 1, 1 // read as a database without a log beside it (sqlite.org/fileformat.html, 1.3.3)
	ctx, stop := context.WithTimeout(ctx, maxReading)
	defer stop()
	db, err := sql.Open("sqlite", ":memory:?_pragma=trusted_schema(0)")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.Raw(func(c any) error {
		d, ok := c.(interface{ Deserialize([]byte) error })
		if !ok {
			return errRPM
		}
		return d.Deserialize(text)
	}); err != nil {
		return nil, errRPM
	}
	return headers(ctx, conn)
}

// headers reads the packages out of a table, and of nothing that only looks like one.
func headers(ctx context.Context, conn *sql.Conn) (list []supply.Component, err error) {
	var tables int
	err = conn.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'Packages' AND type = 'table' AND sql NOT LIKE '%virtual%' AND sql NOT LIKE '%generated%' AND sql NOT LIKE '% as %'`).Scan(&tables)
	if err != nil || tables != 1 {
		return nil, errRPM
	}
	rows, err := conn.QueryContext(ctx, `SELECT blob FROM Packages LIMIT ?`, maxPackages+1)
	if err != nil {
		return nil, errRPM
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var blob []byte
		if err := rows.Scan(&blob); err != nil {
			return nil, errRPM
		}
		c, err := header(blob)
		if err != nil {
			return nil, err
		}
		if c.Name != "gpg-pubkey" { // a key that packages are signed with stands among them
			list = append(list, c)
		}
	}
	if rows.Err() != nil {
		return nil, errRPM
	}
	return list, nil
}

// Tags of a header (rpm.org, "RPM Tags").
const (
	tagName    = 1000
	tagVersion = 1001
	tagRelease = 1002
	tagEpoch   = 1003
	tagLicense = 1014
	tagSource  = 1044
)

// header reads one package's header: two counts, an index of tags, and the data that it points into (rpm.org, "RPM V4 Package format").
func header(blob []byte) (supply.Component, error) {
	if len(blob) < 8 {
		return supply.Component{}, errRPM
	}
	entries, size := int(binary.BigEndian.Uint32(blob)), int(binary.BigEndian.Uint32(blob[4:]))
	if entries > 1<<16 || size > 256<<20 || 8+16*entries > len(blob) {
		return supply.Component{}, errRPM
	}
	data := blob[8+16*entries:]
	fields := map[uint32]string{}
	for i := range entries {
		e := blob[8+16*i:]
		tag, kind, at := binary.BigEndian.Uint32(e), binary.BigEndian.Uint32(e[4:]), int(binary.BigEndian.Uint32(e[8:]))
		if at >= len(data) {
			continue
		}
		switch tag {
		case tagName, tagVersion, tagRelease, tagLicense, tagSource:
			text, _, _ := bytes.Cut(data[at:min(len(data), at+512)], []byte{0})
			fields[tag] = string(text)
		case tagEpoch:
			if kind == 4 && at+4 <= len(data) { // INT32
				fields[tag] = fmt.Sprintf("%d:", binary.BigEndian.Uint32(data[at:]))
			}
		}
	}
	c := supply.Component{Name: fields[tagName], Version: fields[tagEpoch] + fields[tagVersion] + "-" + fields[tagRelease], Licenses: licence(fields[tagLicense])}
	if c.Name == "" || fields[tagVersion] == "" {
		return c, errRPM
	}
	c.Source = source(fields[tagSource])
	return c, nil
}

// source takes the name out of NAME-VERSION-RELEASE.src.rpm.
func source(file string) string {
	parts := strings.Split(file, "-")
	if len(parts) < 3 {
		return ""
	}
	return strings.Join(parts[:len(parts)-2], "-")
}
