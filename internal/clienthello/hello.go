package clienthello

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
)

// Hello is what a client offers: one version, and the suites and groups that go with it.
type Hello struct {
	Version    uint16 // tls.VersionTLS10 to tls.VersionTLS13
	ServerName string // left out where it is empty or an address
	Suites     []uint16
	Groups     []tls.CurveID
}

// The types of records and messages (RFC 8446, B).
const (
	recordAlert     = 21
	recordHandshake = 22
	clientHello     = 1
	serverHello     = 2
)

// The extensions that a Hello carries (IANA, TLS ExtensionType Values).
const (
	extServerName       = 0
	extGroups           = 10
	extPointFormats     = 11
	extSignatures       = 13
	extMasterSecret     = 23
	extVersions         = 43
	extKeyShare         = 51
	extRenegotiation    = 0xff01
	pointUncompressed   = 0 // of extPointFormats
	renegotiationLength = 0 // this is the first handshake
)

// record gives the handshake message in a record of its own.
func (h Hello) record() ([]byte, error) {
	body := binary.BigEndian.AppendUint16(nil, min(h.Version, tls.VersionTLS12))
	body = append(body, randomBytes(32)...)
	body = append(body, 0) // no session
	body = append(body, prefixed16(uint16s(h.Suites))...)
	body = append(body, 1, 0) // no compression
	extensions, err := h.extensions()
	if err != nil {
		return nil, err
	}
	body = append(body, prefixed16(extensions)...)
	message := append([]byte{clientHello, 0}, prefixed16(body)...) // a length of 24 bits
	return append([]byte{recordHandshake, 3, 1}, prefixed16(message)...), nil
}

func (h Hello) extensions() ([]byte, error) {
	var b []byte
	add := func(id uint16, data []byte) {
		b = binary.BigEndian.AppendUint16(b, id)
		b = append(b, prefixed16(data)...)
	}
	if h.ServerName != "" && net.ParseIP(h.ServerName) == nil {
		add(extServerName, prefixed16(append([]byte{0}, prefixed16([]byte(h.ServerName))...)))
	}
	add(extGroups, prefixed16(uint16s(h.Groups)))
	if h.Version >= tls.VersionTLS12 {
		add(extSignatures, prefixed16(uint16s([]tls.SignatureScheme{
			tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.PSSWithSHA256, tls.PSSWithSHA384, tls.PKCS1WithSHA256,
		})))
	}
	if h.Version < tls.VersionTLS13 {
		add(extPointFormats, []byte{1, pointUncompressed})
		add(extMasterSecret, nil)
		add(extRenegotiation, []byte{renegotiationLength})
		return b, nil
	}
	add(extVersions, append([]byte{2}, uint16s([]uint16{h.Version})...))
	shares, err := keyShares(h.Groups)
	add(extKeyShare, prefixed16(shares))
	return b, err
}

// keyShares makes a public key in every group. Nobody keeps the private ones: the handshake ends
// with the server's first answer.
func keyShares(groups []tls.CurveID) ([]byte, error) {
	var b []byte
	for _, g := range groups {
		var public []byte
		switch g {
		case tls.CurveP256:
			k, err := ecdh.P256().GenerateKey(rand.Reader)
			if err != nil {
				return nil, fmt.Errorf("make key share: %w", err)
			}
			public = k.PublicKey().Bytes()
		case tls.X25519:
			public = randomBytes(32) // any 32 bytes are a key of this curve
		default:
			return nil, fmt.Errorf("no key share for group %s", g)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(g))
		b = append(b, prefixed16(public)...)
	}
	return b, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return b
}

func uint16s[T ~uint16](list []T) []byte {
	b := make([]byte, 0, 2*len(list))
	for _, v := range list {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return b
}

// prefixed16 puts a length of 16 bits before b.
func prefixed16(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(b)), uint16(len(b))), b...)
}
