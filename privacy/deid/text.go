package deid

import (
	"regexp"
	"slices"
)

// scrubber takes out of free text what patterns recognise: addresses of mail, web and network, numbers of
// five digits and more however they are grouped, dates. It does not recognise names, places or occupations.
type scrubber struct{ patterns []*regexp.Regexp }

func newScrubber() *scrubber {
	s := &scrubber{}
	for _, p := range []string{
		`[\w.+%-]+@[\w-]+(\.[\w-]+)+`,                                              // mail
		`(?i)\b(https?|ftp|urn|www)[:.][^\s"<>]+`,                                  // web, urn
		`\b\d{1,3}(\.\d{1,3}){3}\b|\b[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){3,7}\b`,   // network
		`\b\d{4}-\d{2}(-\d{2})?(T[\d:.+Z-]*)?\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b`, // dates
		`\+?\(?\d([ ()./-]{0,2}\d){4,}`,                                            // numbers
		`\b[A-Za-z]{1,5}[-#]?\d{3,}\b`,                                             // record numbers, plates
	} {
		s.patterns = append(s.patterns, regexp.MustCompile(p))
	}
	return s
}

// clean replaces what it recognises.
func (s *scrubber) clean(text string) string {
	for _, p := range s.patterns {
		text = p.ReplaceAllString(text, "[removed]")
	}
	return text
}

// told are the elements of free text that is about care. Other strings are names, numbers and addresses.
func told(element string) bool {
	return slices.Contains([]string{"text", "display", "comment", "description", "summary", "conclusion", "valueString", "patientInstruction"}, element)
}
