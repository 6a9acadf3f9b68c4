package records

import (
	"encoding/binary"
	"time"
)

// A date in FHIR is an interval. It is indexed as nodes of a calendar tree: the day, month
// and year of its first and of its last moment, and, when those days differ, one span node
// at the smallest level that holds both. A range is found by the nodes that tile it and by
// the spans that may enclose it. Years outside the clamp share one node on each side.

// calendar levels; the value is part of the token.
const (
	levelDay       = 'd'
	levelMonth     = 'm'
	levelYear      = 'y'
	levelSpanMonth = 'M' // several days of one month
	levelSpanYear  = 'Y' // several months of one year
	levelSpanLong  = 'L' // several years, or open-ended
)

const (
	firstYear = 1900 // earlier years are indexed as firstYear-1
	lastYear  = 2060 // later years are indexed as lastYear+1
)

// node is one cell of a tree of intervals.
type node struct {
	level byte
	value int32
}

func (n node) bytes() []byte {
	return binary.BigEndian.AppendUint32([]byte{n.level}, uint32(n.value))
}

func clampYear(t time.Time) int32 {
	return int32(min(max(t.Year(), firstYear-1), lastYear+1))
}

func inClamp(t time.Time) bool { return t.Year() >= firstYear && t.Year() <= lastYear }

func monthOf(t time.Time) int32 { return int32(t.Year())*12 + int32(t.Month()) - 1 }

func floorDay(t time.Time) int32 {
	d := t.Unix() / 86400
	if t.Unix()%86400 < 0 {
		d--
	}
	return int32(d)
}

// dateNodes are the index nodes of the interval [low, high). A zero low or high is open.
func dateNodes(low, high time.Time) []node {
	if low.IsZero() && high.IsZero() {
		return []node{{levelSpanLong, 0}}
	}
	last := high.Add(-time.Nanosecond)
	switch {
	case low.IsZero():
		return append(momentNodes(last.UTC()), node{levelSpanLong, 0})
	case high.IsZero():
		return append(momentNodes(low.UTC()), node{levelSpanLong, 0})
	}
	a, b := low.UTC(), last.UTC()
	nodes := momentNodes(a)
	if clampYear(a) == clampYear(b) && (!inClamp(a) || floorDay(a) == floorDay(b)) {
		return nodes
	}
	for _, n := range momentNodes(b) {
		nodes = appendNew(nodes, n)
	}
	switch {
	case clampYear(a) != clampYear(b):
		return append(nodes, node{levelSpanLong, 0})
	case monthOf(a) != monthOf(b):
		return append(nodes, node{levelSpanYear, clampYear(a)})
	default:
		return append(nodes, node{levelSpanMonth, monthOf(a)})
	}
}

// momentNodes are the day, month and year of one moment.
func momentNodes(t time.Time) []node {
	if !inClamp(t) {
		return []node{{levelYear, clampYear(t)}}
	}
	return []node{{levelDay, floorDay(t)}, {levelMonth, monthOf(t)}, {levelYear, clampYear(t)}}
}

// dateCover are the nodes under which every interval that touches [low, high) is indexed.
// A zero low or high is open.
func dateCover(low, high time.Time) []node {
	a := time.Date(firstYear-1, 1, 1, 0, 0, 0, 0, time.UTC)
	b := time.Date(lastYear+2, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Nanosecond)
	spans := []node{{levelSpanLong, 0}}
	if !low.IsZero() {
		a = maxTime(a, low.UTC())
	}
	if !high.IsZero() {
		b = minTime(b, high.UTC().Add(-time.Nanosecond))
	}
	if b.Before(a) { // all of it before or after the clamp
		return append(spans, node{levelYear, firstYear - 1}, node{levelYear, lastYear + 1})
	}
	spans = append(spans, node{levelSpanYear, clampYear(a)}, node{levelSpanMonth, monthOf(a)})
	spans = appendNew(spans, node{levelSpanYear, clampYear(b)})
	spans = appendNew(spans, node{levelSpanMonth, monthOf(b)})
	return append(spans, tile(a, b)...)
}

// tile covers the days from a to b, both included, with as few whole years, months and days
// as do; the years at the clamp are taken whole.
func tile(a, b time.Time) []node {
	var nodes []node
	day := time.Date(a.Year(), a.Month(), a.Day(), 0, 0, 0, 0, time.UTC)
	for !day.After(b) {
		yearEnd := time.Date(day.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
		monthEnd := time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		switch {
		case !inClamp(day):
			nodes = append(nodes, node{levelYear, clampYear(day)})
			day = yearEnd
		case day.YearDay() == 1 && !yearEnd.Add(-time.Nanosecond).After(b):
			nodes = append(nodes, node{levelYear, clampYear(day)})
			day = yearEnd
		case day.Day() == 1 && !monthEnd.Add(-time.Nanosecond).After(b):
			nodes = append(nodes, node{levelMonth, monthOf(day)})
			day = monthEnd
		default:
			nodes = append(nodes, node{levelDay, floorDay(day)})
			day = day.AddDate(0, 0, 1)
		}
	}
	return nodes
}

func appendNew(nodes []node, n node) []node {
	for _, have := range nodes {
		if have == n {
			return nodes
		}
	}
	return append(nodes, n)
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
