package rules_test

import (
	"fmt"

	"github.com/tutela-health/tutela/detect/event"
)

// The table of events beside the rules of logs.
func logCases() []scenario {
	get := func(format string) func(i int) *event.Event {
		return func(i int) *event.Event {
			return log(fmt.Sprintf(`192.0.2.7 - - [22/Nov/2026:09:30:00 +0000] "GET `+format+` HTTP/1.1" 200 512`, i))
		}
	}
	return []scenario{
		{"Somebody asks for one record number after the other", many(20, get("/api/patients/%d")), append(many(19, get("/api/patients/%d")), append(
			many(50, get("/list?page=%d")), many(50, func(i int) *event.Event { return get("/api/patients/%d")(i * i * 7) })...)...)},
	}
}
