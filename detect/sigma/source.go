package sigma

import (
	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela/detect/event"
)

// logsource says which events a rule is about (specification, "Log source").
type logsource struct {
	log     bool   // lines of logs; otherwise entries of the ledger and of other systems' access logs
	foreign bool   // not the ledger
	own     bool   // the ledger alone
	app     string // of this application only
}

// readSource reads category, product and service. What is ours: product "tutela" with service "ledger" is the
// ledger; category "ehr_access" is the ledger and every other access log; product "ehr" only those. Any other
// source is a log's line: category and product are kept for the reader, service names the application where it is
// given.
func readSource(n *yaml.Node) (logsource, error) {
	var category, product, service string
	err := eachMember(n, func(key string, v *yaml.Node) error {
		switch key {
		case "category":
			return scalar(v, &category)
		case "product":
			return scalar(v, &product)
		case "service":
			return scalar(v, &service)
		case "definition":
			return nil
		}
		return flaw(v, "logsource has category, product, service and definition, and no %q", key)
	})
	switch {
	case err != nil:
		return logsource{}, err
	case category == "" && product == "" && service == "":
		return logsource{}, flaw(n, "logsource names nothing: give a category, a product or a service")
	case product == "tutela":
		if service != "ledger" && service != "" {
			return logsource{}, flaw(n, "tutela has one service, ledger, and no %q", service)
		}
		return logsource{own: true}, nil
	case product == "ehr":
		return logsource{foreign: true}, nil
	case category == "ehr_access":
		return logsource{}, nil
	}
	return logsource{log: true, app: service}, nil
}

// takes reports whether an event is of the source.
func (s logsource) takes(e *event.Event) bool {
	switch {
	case s.log:
		return e.Log != nil && (s.app == "" || s.app == e.Log.App)
	case e.Log != nil:
		return false
	case s.own:
		return e.Source == ""
	case s.foreign:
		return e.Source != ""
	}
	return true
}

// field finds a field of the source's events.
func (s logsource) field(name string) (getter, bool) {
	if s.log {
		return logField(name), true
	}
	return ledgerField(name)
}
