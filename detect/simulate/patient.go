package simulate

import (
	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// patient is somebody with a chart.
type patient struct {
	bucket    tutela.Bucket
	record    int // medical record number
	family    int32
	household int32
	block     int32 // of the street: those in one are neighbours
	employee  int32 // who of the staff this is, or none
	doctor    int32 // of a clinic, whose patient this is, or none
	field     uint8 // specialty in which the patient is treated most
	diagnosis uint8
	vip       bool
	sensitive bool
	stay      *stay // while in a ward
	ties      []tie // what the hospital's systems know, the last months of it
}

// none stands for no staffer, patient or unit.
const none = -1

// diagnoses are how many groups of diagnoses there are.
const diagnoses = 60

// town is who lives where: households of people who mostly share a name, several to a block.
type town struct {
	families   []string // keyed hashes of names
	households []string // keyed hashes of addresses
	members    [][]int  // patients by household
	blocks     [][]int  // patients by block
	named      [][]int  // patients by family name
	fields     [][]int  // patients by the specialty that treats them
}

// perBlock is how many households are neighbours of each other.
const perBlock = 5

// firstRecord is the lowest record number; they are given out one after another.
const firstRecord = 1_200_417

// settle makes the patients and where they live.
func settle(r dice, n int) ([]patient, *town) {
	t := &town{families: make([]string, max(60, n/14)), fields: make([][]int, len(specialties()))}
	for i := range t.families {
		t.families[i] = r.hash()
	}
	t.named = make([][]int, len(t.families))
	patients := make([]patient, n)
	for i := 0; i < n; {
		size := min(n-i, pick(r, []int{1, 1, 1, 2, 2, 2, 3, 4, 4, 5}))
		t.build(r, patients, i, size)
		i += size
	}
	t.shuffleRecords(r, patients)
	return patients, t
}

// build settles one household.
func (t *town) build(r dice, patients []patient, first, size int) {
	home := len(t.households)
	t.households = append(t.households, r.hash())
	t.members = append(t.members, nil)
	if home%perBlock == 0 {
		t.blocks = append(t.blocks, nil)
	}
	family := r.zipf(len(t.families))
	for i := first; i < first+size; i++ {
		own := family
		if i > first && r.chance(0.15) {
			own = r.zipf(len(t.families))
		}
		patients[i] = patient{
			bucket: tutela.Bucket(int64(r.Uint64() | 2)), family: int32(own), household: int32(home), block: int32(home / perBlock),
			employee: none, doctor: none, field: uint8(r.zipf(len(t.fields))), diagnosis: uint8(r.zipf(diagnoses)),
			vip: r.chance(0.0012), sensitive: r.chance(0.07),
		}
		t.members[home] = append(t.members[home], i)
		t.blocks[home/perBlock] = append(t.blocks[home/perBlock], i)
		t.named[own] = append(t.named[own], i)
		t.fields[patients[i].field] = append(t.fields[patients[i].field], i)
	}
}

// shuffleRecords gives record numbers in the order in which people first came, which is no order of address.
func (t *town) shuffleRecords(r dice, patients []patient) {
	for i, n := range r.Perm(len(patients)) {
		patients[i].record = firstRecord + n
	}
}

// charts tells what is known of every patient.
func (w *world) charts() error {
	for i := range w.patients {
		p := &w.patients[i]
		c := event.Chart{Patient: p.bucket, VIP: p.vip, Sensitive: p.sensitive,
			Household: w.town.households[p.household], Family: w.town.families[p.family]}
		if err := w.to.Chart(Chart{Chart: c, Record: p.record}); err != nil {
			return err
		}
	}
	return nil
}
