package deid

import (
	"slices"
	"strings"

	"github.com/tutela-health/tutela/r4"
)

// address writes what shows of an Address: the state and country, and three digits of a ZIP code
// (45 CFR 164.514(b)(2)(i)(B)). A state and a country are shown where they are known ones.
func (p *pass) address(n r4.Node) bool {
	country := strings.ToUpper(n.Child("country").Text())
	if !slices.Contains(countries(), country) {
		country = ""
	}
	american := n.Child("country").Text() == "" || country == "US" || country == "USA"
	state := strings.ToUpper(n.Child("state").Text())
	w := p.open('{')
	if n.Child("use").Bound() {
		p.member("use", n.Child("use"))
	}
	if american && slices.Contains(states(), state) {
		p.text("state", state)
	}
	if zip, ok := threeDigits(n.Child("postalCode").Text()); ok && american {
		p.text("postalCode", zip)
	}
	if country != "" {
		p.text("country", country)
	}
	return p.close(w, '}')
}

// threeDigits are those of a ZIP code, 000 where fewer than 20,000 people live by them.
func threeDigits(zip string) (string, bool) {
	five, four, plus := strings.Cut(zip, "-")
	if len(five) != 5 || !digits(five) || plus && (len(four) != 4 || !digits(four)) {
		return "", false
	}
	if slices.Contains(restricted(), five[:3]) {
		return "000", true
	}
	return five[:3], true
}

// restricted are the three-digit ZIP codes of 20,000 people or fewer: the 17 by the census of 2000 that the
// guidance of HHS names ("Guidance Regarding Methods for De-identification", 2012), and those by the census
// of 2010, which are as commonly listed and NOT verified in an official source. A ZIP code too many shows
// less, not more.
func restricted() []string {
	return []string{
		"036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884", "890", "893",
		"202", "204", "205", "369", "753", "772",
	}
}

// states are those of the USA and what the Postal Service counts beside them, by its abbreviations.
func states() []string {
	return strings.Fields(`AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC
ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY PR`)
}

// countries are codes of ISO 3166-1 that are shown.
func countries() []string {
	return strings.Fields(`US USA CA CAN MX MEX GB GBR IE IRL DE DEU AT AUT CH CHE NL NLD BE BEL FR FRA ES ESP PT PRT IT ITA DK DNK SE SWE
NO NOR FI FIN PL POL CZ CZE AU AUS NZ NZL JP JPN KR KOR CN CHN IN IND BR BRA AR ARG CL CHL ZA ZAF IL ISR TR TUR`)
}
