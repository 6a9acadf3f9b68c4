package pack

import "encoding/hex"

// packedByV1 is what dictionary 1 made of a small Observation.
func packedByV1() []byte {
	b, _ := hex.DecodeString("012028b52ffd010001b5000010617d06c0aa77c76b79cce6beabe0c120e71b52300a" + "0000000000000000000000000000")
	return b
}
