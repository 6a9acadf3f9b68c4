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
	w := p.open('{')
	if n.Child("use").Bound() {
		p.member("use", n.Child("use"))
	}
	if state, ok := stateOf(n.Child("state").Text()); ok && american {
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

// stateOf gives the abbreviation of a state of the USA, or of what the Postal Service counts beside them, by
// its abbreviation or name.
func stateOf(text string) (code string, ok bool) {
	for pair := range strings.FieldsSeq(`AL:Alabama AK:Alaska AZ:Arizona AR:Arkansas CA:California CO:Colorado CT:Connecticut DE:Delaware DC:District_of_Columbia FL:Florida GA:Georgia
HI:Hawaii ID:Idaho IL:Illinois IN:Indiana IA:Iowa KS:Kansas KY:Kentucky LA:Louisiana ME:Maine MD:Maryland MA:Massachusetts MI:Michigan MN:Minnesota
MS:Mississippi MO:Missouri MT:Montana NE:Nebraska NV:Nevada NH:New_Hampshire NJ:New_Jersey NM:New_Mexico NY:New_York NC:North_Carolina ND:North_Dakota
OH:Ohio OK:Oklahoma OR:Oregon PA:Pennsylvania RI:Rhode_Island SC:South_Carolina SD:South_Dakota TN:Tennessee TX:Texas UT:Utah VT:Vermont VA:Virginia
WA:Washington WV:West_Virginia WI:Wisconsin WY:Wyoming PR:Puerto_Rico`) {
		code, name, _ := strings.Cut(pair, ":")
		if strings.EqualFold(text, code) || strings.EqualFold(text, strings.ReplaceAll(name, "_", " ")) {
			return code, true
		}
	}
	return "", false
}

// countries are codes of ISO 3166-1 that are shown.
func countries() []string {
	return strings.Fields(`US USA CA CAN MX MEX GB GBR IE IRL DE DEU AT AUT CH CHE NL NLD BE BEL FR FRA ES ESP PT PRT IT ITA DK DNK SE SWE
NO NOR FI FIN PL POL CZ CZE AU AUS NZ NZL JP JPN KR KOR CN CHN IN IND BR BRA AR ARG CL CHL ZA ZAF IL ISR TR TUR`)
}
