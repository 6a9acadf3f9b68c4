package simulate

import "fmt"

// place is a kind of unit.
type place int

// The kinds of unit.
const (
	ward place = iota
	clinic
	emergency
	department
)

// unit is a ward, a clinic or a department.
type unit struct {
	name  string
	place place
	beds  int
	// specialty joins wards and clinics of one field.
	specialty int
	subnet    uint32 // its workstations' network, 24 bits of prefix
	home      []int  // staff who belong there
}

// specialties are the fields of medicine of the wards and clinics.
func specialties() []string {
	return []string{"medicine", "surgery", "cardiology", "oncology", "orthopaedics", "neurology", "paediatrics", "women's health",
		"gastroenterology", "pulmonology", "nephrology", "psychiatry", "urology", "endocrinology", "dermatology", "primary care"}
}

// layout says which units there are, by index.
type layout struct {
	units                                                []unit
	wards, clinics                                       []int
	emergency                                            int
	lab, radiology, pharmacy, therapy, social, theatre   int
	registration, billing, coding, quality, research, it int
	beds                                                 int // bed management
	float                                                int // the pool of nurses without a ward
	privacy                                              int
}

// newLayout makes as many wards and clinics as the staff can run.
func newLayout(staff int) *layout {
	l := &layout{}
	names := specialties()
	nWards := max(2, staff/105)
	for i := range nWards {
		l.wards = append(l.wards, l.add(fmt.Sprintf("ward %d", i+1), ward, i%len(names)))
		l.units[i].beds = max(8, staff*15/100/nWards)
	}
	for i := range min(len(names), max(3, staff/125)) {
		l.clinics = append(l.clinics, l.add(names[i]+" clinic", clinic, i))
	}
	l.emergency = l.add("emergency", emergency, 0)
	l.lab, l.radiology, l.pharmacy = l.add("laboratory", department, 0), l.add("radiology", department, 0), l.add("pharmacy", department, 0)
	l.therapy, l.social, l.theatre = l.add("physiotherapy", department, 0), l.add("social work", department, 0), l.add("operating theatre", department, 0)
	l.registration, l.billing, l.coding = l.add("registration", department, 0), l.add("billing", department, 0), l.add("coding", department, 0)
	l.quality, l.research, l.it = l.add("quality", department, 0), l.add("research", department, 0), l.add("information technology", department, 0)
	l.beds, l.float, l.privacy = l.add("bed management", department, 0), l.add("float pool", department, 0), l.add("privacy", department, 0)
	return l
}

func (l *layout) add(name string, p place, specialty int) int {
	n := len(l.units)
	l.units = append(l.units, unit{name: name, place: p, specialty: specialty, subnet: 10<<24 | 20<<16 | uint32(n+1)<<8})
	return n
}

// clinicOf gives the clinic of a field, or the one that stands in for it.
func (l *layout) clinicOf(specialty int) int { return l.clinics[specialty%len(l.clinics)] }
