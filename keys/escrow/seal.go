package escrow

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/tutela-health/tutela/keys"
)

// sealTo seals plain to a public key: the point of an ephemeral key pair, then nonce ‖ ciphertext ‖ tag
// under a key that only the two halves give (SP 800-56A, ephemeral-static ECDH; SP 800-56C by HKDF).
func sealTo(to *ecdh.PublicKey, plain, place []byte) ([]byte, error) {
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make ephemeral key: %w", err)
	}
	point := ephemeral.PublicKey().Bytes()
	aead, err := agreed(ephemeral, to, point, to.Bytes())
	if err != nil {
		return nil, err
	}
	return aead.Seal(point, nil, plain, place), nil
}

const pointSize = 65 // of P-256, uncompressed (SEC 1, 2.3.3)

// openWith reverses sealTo. Its error says nothing of why.
func openWith(key *ecdh.PrivateKey, sealed, place []byte) ([]byte, error) {
	if len(sealed) < pointSize {
		return nil, keys.ErrSealed
	}
	point, rest := sealed[:pointSize], sealed[pointSize:]
	from, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return nil, keys.ErrSealed
	}
	aead, err := agreed(key, from, point, key.PublicKey().Bytes())
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, rest, place)
	if err != nil {
		return nil, keys.ErrSealed
	}
	return plain, nil
}

// agreed derives the AEAD of a private key and another's public one; both points are in the salt.
func agreed(own *ecdh.PrivateKey, other *ecdh.PublicKey, ephemeral, static []byte) (cipher.AEAD, error) {
	shared, err := own.ECDH(other)
	if err != nil {
		return nil, fmt.Errorf("agree on a key: %w", err)
	}
	defer clear(shared)
	key, err := hkdf.Key(sha256.New, shared, append(append([]byte(nil), ephemeral...), static...), "tutela recovery seal v1", keys.Size)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("schedule key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("build AEAD: %w", err)
	}
	return aead, nil
}

// encode joins fields so that no two lists give the same bytes.
func encode(fields ...[]byte) []byte {
	var b []byte
	for _, f := range fields {
		b = binary.AppendUvarint(b, uint64(len(f)))
		b = append(b, f...)
	}
	return b
}

func number(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
