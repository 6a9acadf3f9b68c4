// Package facts keeps what other systems tell of staff, relations and charts, in the order in which it came, and gives
// it to detection as a stream.
//
// Invariant: what Take returned for is durable and is given once, at a place that stays.
package facts
