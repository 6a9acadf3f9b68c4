package state

import "time"

// Codec writes fields or reads them, so that one function says what a state consists of, and the
// two directions cannot part.
type Codec struct {
	w *Writer
	r *Reader
}

// Writing gives a codec that writes.
func Writing(w *Writer) Codec { return Codec{w: w} }

// Reading gives a codec that reads.
func Reading(r *Reader) Codec { return Codec{r: r} }

// Float passes a number.
func (c Codec) Float(f *float64) {
	if c.w != nil {
		c.w.Float(*f)
		return
	}
	*f = c.r.Float()
}

// Floats passes numbers whose count both sides know.
func (c Codec) Floats(list []float64) {
	for i := range list {
		c.Float(&list[i])
	}
}

// Text passes a text.
func (c Codec) Text(t *string) {
	if c.w != nil {
		c.w.Text(*t)
		return
	}
	*t = c.r.Text()
}

// Bool passes a yes or a no.
func (c Codec) Bool(b *bool) {
	if c.w != nil {
		c.w.Bool(*b)
		return
	}
	*b = c.r.Bool()
}

// Err tells what went wrong first in reading; writing tells it by Close.
func (c Codec) Err() error {
	if c.r != nil {
		return c.r.Err()
	}
	return c.w.err
}

// Reads tells whether the codec reads.
func (c Codec) Reads() bool { return c.r != nil }

// Integer passes a whole number of any type.
func Integer[T ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32](c Codec, n *T) {
	if c.w != nil {
		c.w.Int(int64(*n))
		return
	}
	*n = T(c.r.Int())
}

// Hash passes a number of 64 bits.
func Hash(c Codec, n *uint64) {
	if c.w != nil {
		c.w.Uint(*n)
		return
	}
	*n = c.r.Uint()
}

// List passes a list of at most limit, one by one.
func List[T any](c Codec, list *[]T, limit int, one func(*T)) {
	if c.w != nil {
		c.w.Uint(uint64(len(*list)))
		for i := range *list {
			one(&(*list)[i])
		}
		return
	}
	n := c.r.Count(limit)
	*list = make([]T, 0, min(n, 1024))
	for range n {
		var item T
		if one(&item); c.r.Err() != nil {
			return
		}
		*list = append(*list, item)
	}
}

// Time passes a time, to the second.
func Time(c Codec, t *time.Time) {
	at := t.Unix()
	Integer(c, &at)
	*t = time.Unix(at, 0).UTC()
}
