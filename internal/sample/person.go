package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// person is who the patient is.
type person struct {
	number  int
	gender  string
	given   []string
	family  string
	birth   time.Time
	home    address
	married bool
	height  float64 // full-grown, in cm
	bmi     float64 // full-grown, in kg/m²
	smoker  bool
	serial  int // makes record number, SSN and telephone
}

func newPerson(rng *rand.Rand, number int) person {
	p := person{number: number, gender: "female", height: 164, serial: rng.IntN(1e6)}
	names := femaleNames()
	if chance(rng, 48) {
		p.gender, p.height, names = "male", 177, maleNames()
	}
	p.given = []string{pick(rng, names), pick(rng, names)}
	p.family = pick(rng, familyNames())
	p.birth = today().AddDate(-p.someAge(rng), -rng.IntN(12), -rng.IntN(28)).Truncate(24 * time.Hour)
	t := pick(rng, towns())
	p.home = address{
		Use: "home", Line: []string{fmt.Sprintf("%d %s", 1+rng.IntN(400), pick(rng, streets()))},
		City: t.name, State: "VT", PostalCode: t.postalCode, Country: "US",
	}
	p.height += 7 * rng.NormFloat64()
	p.bmi = max(18, 26+4*rng.NormFloat64())
	p.married = p.age(today()) >= 25 && chance(rng, 60)
	p.smoker = p.age(today()) >= 18 && chance(rng, 16)
	return p
}

// someAge is drawn as a general practice has it: every age, more of the old.
func (p person) someAge(rng *rand.Rand) int {
	if chance(rng, 25) {
		return 1 + rng.IntN(17)
	}
	return 18 + rng.IntN(73)
}

// age is in whole years.
func (p person) age(at time.Time) int {
	years := at.Year() - p.birth.Year()
	if at.YearDay() < p.birth.YearDay() {
		years--
	}
	return years
}

func (p person) resource(doctor, clinic reference) patientResource {
	return patientResource{
		ResourceType: "Patient", Active: true, Gender: p.gender, BirthDate: day(p.birth),
		Identifier: []identifier{
			{"usual", v2("MR", "Medical record number"), mrn, fmt.Sprintf("AV-%05d%04d", p.serial%1e5, p.number%1e4)},
			{"official", v2("SS", "Social Security number"), ssn, fmt.Sprintf("999-%02d-%04d", p.serial/1e4, p.serial%1e4)},
		},
		Name: []humanName{{Use: "official", Family: p.family, Given: p.given}},
		Telecom: []contact{
			{"phone", fmt.Sprintf("802-555-01%02d", p.serial%100), "home"},
			{"email", p.email(), "home"},
		},
		Address:       []address{p.home},
		MaritalStatus: p.maritalStatus(),
		Communication: []communication{{code("urn:ietf:bcp:47", "en-US", "English (United States)"), true}},
		Practitioner:  []reference{doctor},
		Managing:      clinic,
	}
}

func v2(c, display string) *concept {
	t := code(terminology+"v2-0203", c, display)
	return &t
}

// email has ASCII letters alone.
func (p person) email() string {
	ascii := strings.NewReplacer("ć", "c", "ö", "oe", "-", "", " ", "")
	return ascii.Replace(strings.ToLower(p.given[0]+"."+p.family)) + "@mail.example"
}

func (p person) maritalStatus() *concept {
	if p.age(today()) < 18 {
		return nil
	}
	m := code(terminology+"v3-MaritalStatus", "S", "Never Married")
	if p.married {
		m = code(terminology+"v3-MaritalStatus", "M", "Married")
	}
	return &m
}

// heightAt is in cm: a child grows, by a curve that is smooth enough for a chart.
func (p person) heightAt(age float64) float64 {
	if age >= 18 {
		return p.height
	}
	return p.height * (0.29 + 0.71*math.Pow(age/18, 0.55))
}

// bmiAt is in kg/m².
func (p person) bmiAt(age float64) float64 {
	if age >= 18 {
		return p.bmi
	}
	return 16 + (p.bmi-16)*(age/18)*(age/18)
}
