package simulate

import (
	"cmp"
	"container/heap"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tutela-health/tutela/detect/event"
)

// message is an HL7 v2.5.1 message that waits for its time.
type message struct {
	at    int64
	order int
	text  string
}

// queue has the message first that comes first.
type queue []message

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].at, q[j].at), cmp.Compare(q[i].order, q[j].order)) < 0
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is heap's.
func (q *queue) Push(x any) { *q = append(*q, x.(message)) }

// Pop is heap's.
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// forever is later than everything.
const forever = math.MaxInt64

// send writes the messages whose time has come, framed by MLLP (HL7 Minimal Lower Layer Protocol: VT, message, FS, CR).
func (f *Foreign) send(now int64) error {
	for len(f.waiting) > 0 && f.waiting[0].at <= now {
		m := heap.Pop(&f.waiting).(message)
		if _, err := fmt.Fprintf(f.messages.w, "\v%s\x1c\r", m.text); err != nil {
			return fmt.Errorf("write a message: %w", err)
		}
	}
	return nil
}

// Notice writes a relation: as messages, or for what HL7 does not carry as a line.
func (f *Foreign) Notice(n Notice) error {
	if n.Relation.Kind == event.CareTeam || n.Relation.Kind == event.Cover || n.Relation.Kind == event.Billing {
		return writeRelation(f.relations, n.Relation, f.number(n.Relation.Patient))
	}
	r, at := n.Relation, n.At
	switch r.Kind {
	case event.Admission:
		f.movement(n)
	case event.Encounter:
		number := f.control + 1
		f.post(at, "ADT^A04^ADT_A01", "EVN|A04|"+stamp(instant(at)), f.pid(r), visitLine("O", number, event.Relation{Unit: r.Unit, From: r.From}, ""))
		f.post(r.To.UnixMilli(), "ADT^A03^ADT_A03", "EVN|A03|"+stamp(r.To), f.pid(r), visitLine("O", number, r, ""))
	case event.Appointment:
		f.appointment(at, r)
	default:
		f.order(at, r)
	}
	return nil
}

// post makes a message of segments, to be sent at a time.
func (f *Foreign) post(at int64, kind string, segments ...string) {
	f.control++
	head := fmt.Sprintf(`MSH|^~\&|PAS|HOSPITAL|TUTELA|HOSPITAL|%s||%s|M%08d|P|2.5.1`, stamp(instant(at)), kind, f.control)
	heap.Push(&f.waiting, message{at, f.control, head + "\r" + strings.Join(segments, "\r") + "\r"})
}

// stamp writes a time as HL7 does (DTM).
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("20060102150405")
}

// pid is the patient, by record number alone: names and addresses are told as hashes, in the file of charts.
func (f *Foreign) pid(r event.Relation) string {
	return fmt.Sprintf("PID|1||%s^^^HOSPITAL^MR", f.number(r.Patient))
}

// visitLine is PV1: class, place (PV1-3), place before (PV1-6), number (PV1-19), admission and discharge (PV1-44 and 45).
func visitLine(class string, number int, r event.Relation, before string) string {
	return fmt.Sprintf("PV1|1|%s|%s^^^HOSPITAL|||%s%sV%08d%s%s|%s", class, r.Unit, before, strings.Repeat("|", 13), number,
		strings.Repeat("|", 25), stamp(r.From), stamp(r.To))
}

// movement is an admission (A01), a transfer (A02) or a discharge (A03).
func (f *Foreign) movement(n Notice) {
	r := n.Relation
	switch {
	case n.Step == Begins:
		f.stays[r.Patient] = f.control + 1
		f.post(n.At, "ADT^A01^ADT_A01", "EVN|A01|"+stamp(instant(n.At)), f.pid(r), visitLine("I", f.stays[r.Patient], r, ""))
	case n.Step == Moves:
		f.post(n.At, "ADT^A02^ADT_A02", "EVN|A02|"+stamp(instant(n.At)), f.pid(r), visitLine("I", f.stays[r.Patient], r, n.Before.Unit+"^^^HOSPITAL"))
	case !r.To.IsZero():
		f.post(n.At, "ADT^A03^ADT_A03", "EVN|A03|"+stamp(instant(n.At)), f.pid(r), visitLine("I", f.stays[r.Patient], r, ""))
	}
}

// appointment is a new one (SIU S12): SCH-11 has its times, AIP who sees the patient, AIL where.
func (f *Foreign) appointment(at int64, r event.Relation) {
	minutes := int(r.To.Sub(r.From) / time.Minute)
	f.post(at, "SIU^S12^SIU_S12",
		fmt.Sprintf("SCH|A%08d|||||VISIT^Visit|||%d|min|^^^%s^%s", f.control+1, minutes, stamp(r.From), stamp(r.To)),
		f.pid(r), visitLine("O", f.control+1, event.Relation{Unit: r.Unit}, ""), "RGS|1",
		fmt.Sprintf("AIL|1||%s^^^HOSPITAL", r.Unit),
		fmt.Sprintf("AIP|1||%s|PHYSICIAN||%s|||%d|min", r.Staff, stamp(r.From), minutes))
}

// order asks a department or clinic (ORM O01): it is the section (OBR-24), and whose number for it is ORC-3; ORC-7 has
// the times. Who is asked by name is the principal result interpreter (OBR-32).
func (f *Foreign) order(at int64, r event.Relation) {
	number := f.control + 1
	f.post(at, "ORM^O01^ORM_O01", f.pid(r),
		fmt.Sprintf("ORC|NW|P%08d^PAS|F%08d^%s||SC||^^^%s^%s||%s", number, number, r.Unit, stamp(r.From), stamp(r.To), stamp(instant(at))),
		fmt.Sprintf("OBR|1|P%08d^PAS|F%08d^%s|%s^%s%s%s%s%s", number, number, r.Unit, r.Kind, r.Kind,
			strings.Repeat("|", 20), r.Unit, strings.Repeat("|", 8), r.Staff))
}
