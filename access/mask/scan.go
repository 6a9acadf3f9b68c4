package mask

import "bytes"

// These functions read valid compact JSON: r4 has parsed it.

// stringEnd gives the place after the string that starts at i.
func stringEnd(in []byte, i int) int {
	for i++; ; i++ {
		n := bytes.IndexByte(in[i:], '"')
		i += n
		if in[i-1] != '\\' || !escaped(in, i) {
			return i + 1
		}
	}
}

// escaped reports whether the quote at i is part of its string: an odd number of backslashes precedes it.
func escaped(in []byte, i int) bool {
	n := 0
	for in[i-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// valueEnd gives the place after the value that starts at i.
func valueEnd(in []byte, i int) int {
	depth := 0
	for {
		switch in[i] {
		case '"':
			i = stringEnd(in, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',', ':':
		default:
			i = wordEnd(in, i) - 1
		}
		i++
		if depth == 0 {
			return i
		}
	}
}

// wordEnd gives the place after the number or literal that starts at i.
func wordEnd(in []byte, i int) int {
	for i < len(in) && in[i] != ',' && in[i] != '}' && in[i] != ']' {
		i++
	}
	return i
}

// typeOf gives the resourceType of the object that starts at i, "" where it is no resource.
func typeOf(in []byte, i int) string {
	for i++; in[i] != '}'; {
		if in[i] == ',' {
			i++
		}
		end := stringEnd(in, i)
		stop := valueEnd(in, end+1)
		if string(in[i:end]) == `"resourceType"` {
			return string(in[end+2 : stop-1])
		}
		i = stop
	}
	return ""
}
