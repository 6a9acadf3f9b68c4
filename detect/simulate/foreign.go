package simulate

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// The files of a hospital whose charts stay in another system: its audit messages and its HL7 messages. Roster,
// charts and what HL7 does not carry (care teams, cover, billing) have the names and forms of Lines, with record
// numbers for patients.
const (
	AuditFile    = "audit.log"
	MessagesFile = "messages.hl7"
)

// Foreign writes a hospital as another system's logs. It is a Receiver.
type Foreign struct {
	truth
	audit, messages, roster, relations, charts *file
	all                                        []*file
	records                                    map[tutela.Bucket]int
	stays                                      map[tutela.Bucket]int // numbers of admissions
	waiting                                    queue                 // messages that come later
	control                                    int                   // number of the last message
}

// NewForeign makes the files in a folder, which is there.
func NewForeign(folder string) (*Foreign, error) {
	f := &Foreign{records: make(map[tutela.Bucket]int), stays: make(map[tutela.Bucket]int)}
	for _, to := range []struct {
		name string
		file **file
	}{{AuditFile, &f.audit}, {MessagesFile, &f.messages}, {RosterFile, &f.roster}, {RelationsFile, &f.relations}, {ChartsFile, &f.charts}, {TruthFile, &f.truth.file}} {
		made, err := createFile(folder, to.name)
		if err != nil {
			return nil, errors.Join(err, closeAll(f.all))
		}
		*to.file, f.all = made, append(f.all, made)
	}
	return f, nil
}

// Close completes the files.
func (f *Foreign) Close() error {
	err := f.send(forever)
	return errors.Join(err, closeAll(f.all))
}

// number gives a patient's record number as other systems write it.
func (f *Foreign) number(b tutela.Bucket) string {
	if b == tutela.BucketGeneral {
		return ""
	}
	return strconv.Itoa(f.records[b])
}

// Chart writes what is known of a chart, under its record number.
func (f *Foreign) Chart(c Chart) error {
	f.records[c.Patient] = c.Record
	return writeChart(f.charts, c.Chart, f.number(c.Patient))
}

// Staff writes a line of the roster.
func (f *Foreign) Staff(s event.Staff) error { return writeStaff(f.roster, s, f.number(s.Chart)) }

// Entry writes an entry as a DICOM audit message in a line of syslog.
func (f *Foreign) Entry(e *tutela.Entry) error {
	if err := f.send(e.Time.UnixMilli()); err != nil {
		return err
	}
	b := f.audit.line
	b = appendSyslog(b, e)
	b = appendAudit(b, e, f.number)
	return f.audit.put(b)
}

// appendSyslog appends the header of a line of syslog (RFC 5424 section 6): facility 10, severity 5, and the
// entry's id in structured data under the enterprise number kept for examples (RFC 5612).
func appendSyslog(b []byte, e *tutela.Entry) []byte {
	b = append(b, "<85>1 "...)
	b = e.Time.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	return fmt.Appendf(b, ` %s.hospital.example %s - DICOM+RFC3881 [record@32473 id="%s"] `, e.Node, e.Client, e.ID)
}
