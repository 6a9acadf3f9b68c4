package sample
import "iter"
func Patients(n int, seed uint64) iter.Seq[[]byte] { return func(func([]byte) bool){} }
