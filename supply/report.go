package supply

import "time"

// Report is what a scan came to.
type Report struct {
	Target     string      `json:"target"`
	Tool       string      `json:"tool"` // "tutela VERSION"
	Began      time.Time   `json:"began"`
	Took       float64     `json:"tookSeconds"`
	Files      int         `json:"files"`                   // in the tree
	Cached     int         `json:"cached"`                  // of them unchanged since the last scan
	LeftOut    []string    `json:"leftOut,omitempty"`       // on purpose, and why
	Failed     []string    `json:"couldNotCheck,omitempty"` // what no scanner could look into, and why
	Findings   []Finding   `json:"findings"`
	Components []Component `json:"components,omitempty"`
	Checked    []Checked   `json:"checked"`
	Data       []Data      `json:"data,omitempty"`
}

// Checked says what one class looked at, and what it could not.
type Checked struct {
	Class  Class    `json:"class"`
	Files  int      `json:"files"` // that it looked into
	Detail string   `json:"detail,omitempty"`
	Failed []string `json:"couldNotCheck,omitempty"` // what was there and could not be checked, and why
	// Blind says that nothing could be checked at all, and what to do about it. A scan with it ends with exit code 2.
	Blind string `json:"blind,omitempty"`
}

// Data is a collection that a scan relied on, and how old it is.
type Data struct {
	Name    string    `json:"name"`
	Entries int       `json:"entries"`
	Newest  time.Time `json:"newest"` // the newest entry's change
}

// Blind lists what could not be checked at all.
func (r *Report) Blind() []Checked {
	var list []Checked
	for _, c := range r.Checked {
		if c.Blind != "" {
			list = append(list, c)
		}
	}
	return list
}

// Counting lists the findings that nobody excused.
func (r *Report) Counting() []Finding {
	var list []Finding
	for _, f := range r.Findings {
		if f.Counts() {
			list = append(list, f)
		}
	}
	return list
}
