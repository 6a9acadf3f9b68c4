package redact

import "regexp"

// shape is one form of what is taken out.
type shape struct {
	kind  Kind
	is    *regexp.Regexp
	hints []string // in lower case: one of them is in every text that has it. None means a digit.
	fits  func(string) bool
}

// The values that stand behind labels. A value in quotation marks ends where they do.
const (
	// equals is what joins a label to its value: in JSON, in an address, percent-encoded, in prose; JSON within JSON too.
	equals = `(?:\\?["'])?\s{0,3}(?:[:=]|%3[AaDd])\s{0,3}`
	opens  = `(?:\\?["']|%22|%27)?`
	// word is one of a name's words, in an address too.
	word = `\p{L}[\p{L}\p{M}.-]*(?:(?:['’]|%27)\p{L}[\p{L}\p{M}-]*)*`
	// next is a further one. Behind a comma it begins with a capital letter, or it belongs to something else.
	next = `(?:[ +]|%20|\^)` + word + `|(?:, ?|%2C(?:%20|\+)?)(?-i:\p{Lu})[\p{L}\p{M}.'’-]*`
	date = `(?:\d{4}(?:-|/|\.|%2[Ff])\d{1,2}(?:-|/|\.|%2[Ff])\d{1,2}|\d{1,2}(?:-|/|\.|%2[Ff])\d{1,2}(?:-|/|\.|%2[Ff])\d{2,4}|\d{8}|(?:\d{1,2}\.? )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.? (?:\d{1,2}, )?\d{4})`
)

// The labels, without regard to case.
const (
	secretLabel  = `(?:pass(?:word|wd|phrase|code)|pwd|(?:client[_-]?)?secret|(?:api|access|private|secret|signing|encryption|account|storage)[_-]?key|(?:(?:access|refresh|id|auth|api|bearer|csrf|xsrf|session|x-auth)[_-]?)?token|j?sessionid|session[_-]?(?:id|key)|phpsessid|connect\.sid|(?:aws[_-])?secret[_-]?access[_-]?key|assertion|otp|pin(?:code)?)`
	nameLabel    = `(?:patient[ _-]?name|full[ _-]?name|(?:first|last|middle|given|family|maiden|birth)[ _-]?name|surname|given|family|next of kin|vorname|nachname|patient|guarantor|beneficiary)`
	recordLabel  = `(?:mrn|medical[ _-]?record(?:[ _-]?(?:number|no\.?|num|id))?|record[ _-]?number|patient[ _.-]?(?:id|no\.?|number|num|identifier)|patientid|chart[ _-]?(?:no\.?|number|id)|account[ _-]?number|member[ _-]?(?:id|number)|subscriber[ _-]?(?:id|number)|insurance[ _-]?(?:id|no\.?|number)|policy[ _-]?number|nhs(?:[ _-]?(?:number|no\.?))?|hicn|mbi|medicare[ _-]?(?:id|number|no\.?)|medicaid[ _-]?(?:id|number|no\.?)|versichertennummer|visit[ _-]?number)`
	birthLabel   = `(?:dob|d\.o\.b\.|date[ _-]?of[ _-]?birth|birth[ _-]?(?:date|day)|geburtsdatum)`
	phoneLabel   = `(?:(?:home|work|mobile|cell)?[ _-]?(?:phone|telephone|tel|fax)(?:[ _-]?(?:no\.?|number))?|mobile|telefon)`
	ssnLabel     = `(?:ssn|social[ _-]?security(?:[ _-]?(?:number|no\.?))?)`
	addressLabel = `(?:(?:home|street|postal|mailing|patient)[ _-]?address|street|address[ _-]?(?:line)?[ _-]?\d?)`
	cookieLabel  = `(?:set-)?cookie`
)

// shapes are gone over in this order: what is longer and surer comes first.
var shapes = []shape{
	{Secret, regexp.MustCompile(`-----BEGIN (?:[A-Z]+ ){0,4}PRIVATE KEY-----[\s\S]*?(?:-----END (?:[A-Z]+ ){0,4}PRIVATE KEY-----|$)`), []string{"private key"}, nil},
	{Secret, regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3}`), []string{"eyj"}, nil},
	{Secret, regexp.MustCompile(`\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|[sr]k_live_[A-Za-z0-9]{16,}|AIza[A-Za-z0-9_-]{35}|npm_[A-Za-z0-9]{36}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})`),
		[]string{"akia", "asia", "gh", "glpat", "xox", "_live_", "aiza", "npm_", "sg."}, nil},
	{Secret, regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:@/?#]{0,64}:([^\s@/]{1,256})@`), []string{"://"}, nil},
	{Secret, regexp.MustCompile(`(?i)\b(?:basic|bearer|negotiate|digest)(?:\s|%20|\+)+([A-Za-z0-9+/=_.~-]{8,})`), []string{"basic", "bearer", "negotiate", "digest"}, random},
	{Secret, regexp.MustCompile(`(?i)\b` + cookieLabel + `(?:["'])?\s{0,3}[:=]\s{0,3}(?:"([^"]+)"|'([^']+)'|([^\s"'][^\r\n"]*))`), []string{"cookie"}, unmarked},
	{Secret, regexp.MustCompile(`(?i)\b[a-z_-]{0,32}?` + secretLabel + equals + `(?:\\"([^"\\]+)\\"|"([^"]+)"|'([^']+)'|(\[tutela:[a-z]+\][^\s"'&;,]*|[^\s"'&;,<>()]+))`),
		[]string{"pass", "pwd", "secret", "key", "token", "sess", "connect.sid", "assertion", "otp", "pin"}, secret},
	{Email, regexp.MustCompile(`[A-Za-z0-9._+-]{1,64}(?:@|%40)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.){1,8}[A-Za-z]{2,24}\b`), []string{"@", "%40"}, nil},
	{SSN, regexp.MustCompile(`\b(\d{3}-\d{2}-\d{4})\b`), []string{"-"}, ssn},
	{SSN, regexp.MustCompile(`(?i)\b` + ssnLabel + `(?:` + equals + `|\s{1,3})` + opens + `(\d{3}[ -]?\d{2}[ -]?\d{4})\b`), []string{"ssn", "social"}, nil},
	{Card, regexp.MustCompile(`\b(\d(?:[ -]?\d){12,18})\b`), nil, card},
	{Birth, regexp.MustCompile(`(?i)\b` + birthLabel + `(?:` + equals + `|\s{1,3})` + opens + `(?:[a-z]{2})?(` + date + `)`), []string{"dob", "d.o.b", "birth", "geburt"}, nil},
	{Birth, regexp.MustCompile(`(?i)\bborn(?: on)? (` + date + `)`), []string{"born"}, nil},
	{Record, regexp.MustCompile(`(?i)\b` + recordLabel + `(?:\\?["'])?(?:\s{0,3}(?:[:=#]|%3[AaDd]|is)\s{0,3}|\s{1,3})#?` + opens + `([A-Za-z0-9][A-Za-z0-9./-]{2,31})`), []string{"mrn", "record", "patient", "chart", "number", "member", "subscriber", "insurance", "nhs", "hicn", "mbi", "medic", "versichert"}, numbered},
	{Phone, regexp.MustCompile(`(?i)\b` + phoneLabel + equals + opens + `(\+?(?:%2[Bb])?[\d(][\d ()./+-]{5,20}\d)`), []string{"phone", "tel", "fax", "mobile"}, phone},
	{Phone, regexp.MustCompile(`(?:^|[^\w.+-])(\+[1-9]\d{0,2}[ .-]?\(?\d{1,4}\)?(?:[ .-]?\d{2,4}){2,4})\b`), []string{"+"}, phone},
	{Phone, regexp.MustCompile(`(?:^|[^\w.+/-])(\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?:[^\w.-]|$|\.(?:\s|$))`), nil, nil},
	{Address, regexp.MustCompile(`\b\d{1,5}[A-Za-z]?(?: |\+|%20)(?:[NSEW]\.?(?: |\+|%20))?(?:[A-Z][\w'.-]{0,24}(?: |\+|%20)){1,4}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Terrace|Parkway|Pkwy|Circle|Square)\b\.?(?:,? (?:Apt|Suite|Unit|#)\.? ?\w{1,6})?`),
		[]string{"st", "ave", "road", "rd", "boulevard", "blvd", "lane", "ln", "dr", "court", "ct", "pl", "terrace", "parkway", "pkwy", "circle", "square"}, nil},
	{Address, regexp.MustCompile(`\b\p{Lu}\p{L}{1,24}(?:straße|strasse|str\.|weg|platz|allee|gasse)(?: |\+|%20)\d{1,4}[a-z]?\b`), []string{"straße", "strasse", "str.", "weg", "platz", "allee", "gasse"}, nil},
	{Address, regexp.MustCompile(`(?i)\b` + addressLabel + equals + `(?:"([^"]+)"|'([^']+)'|([^\s"'&;,]+))`), []string{"address", "street"}, place},
	{Name, regexp.MustCompile(`(?i)\b` + nameLabel + equals + opens + `(` + word + `(?:` + next + `){0,4})`), []string{"name", "given", "family", "kin", "patient", "guarantor", "beneficiary"}, named},
	{Name, regexp.MustCompile(`\b(?:[Ff]or|[Oo]f|[Aa]bout|[Nn]ew|[Aa]dmit(?:ted)?|[Dd]ischarged?) [Pp]atient (\p{Lu}[\p{L}'’-]+(?:,? \p{Lu}[\p{L}.'’-]*){1,3})`), []string{"patient"}, unmarked},
	{Name, regexp.MustCompile(`\b(?:Mr|Mrs|Ms|Miss|Frau|Herr|Mme|Sig)\.? (\p{Lu}[\p{Ll}'’-]+(?: \p{Lu}[\p{L}'’-]+){0,2})`), []string{"mr", "ms", "miss", "frau", "herr", "mme", "sig"}, unmarked},
}

// label is a field whose whole value is taken out.
type label struct {
	kind  Kind
	field *regexp.Regexp
	fits  func(string) bool
}

func field(label string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[._-]|[a-z]_)` + label + `(?:\.\d+|\.(?:text|value|line\.\d+))?$`)
}

var labelled = []label{
	{Secret, field(secretLabel), secret},
	{Secret, field(`(?:` + cookieLabel + `|authorization)`), some},
	{SSN, field(ssnLabel), some},
	{Record, field(recordLabel), numbered},
	{Birth, field(birthLabel), some},
	{Phone, field(phoneLabel), phone},
	{Address, field(addressLabel), place},
	{Name, field(nameLabel), named},
}
