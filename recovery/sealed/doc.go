// Package sealed seals a stream to the public keys of those who may open it: a backup, which the
// service that writes it cannot read again.
//
// Invariant: what a Reader has given out is what a Writer took in, at this place in this stream; one
// changed, missing, moved or added byte ends in a Damage that names the part.
//
// Nouns. A Recipient is a public key on P-256, an Opener its private half. A Place says which stream it is:
// tenant, name and number in its series. The layout, of which every length is fixed or prefixed:
//
//	magic          "tutela-sealed-1\n"
//	place          uvarint length ‖ tenant, uvarint length ‖ name, 8 bytes sequence
//	recipients     1 byte n, then n times: 8 bytes id ‖ 65 bytes ephemeral point ‖ 60 bytes file key
//	header's seal  28 bytes: AES-256-GCM of nothing
//	chunks         64 KiB of plaintext each but the last: nonce 12 ‖ ciphertext ‖ tag 16
//
// A file key is 32 random bytes. For each recipient it is sealed under HKDF-SHA-256 (RFC 5869) of the
// ECDH secret (NIST SP 800-56A, 6.1.2.2) of an ephemeral key with the recipient's; both points are the
// salt. The header's seal and each chunk bind the SHA-256 of all before the seal, which holds the place;
// a chunk binds its number and whether it is the last, too.
package sealed
