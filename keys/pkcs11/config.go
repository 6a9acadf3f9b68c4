package pkcs11

// Config says which token to use.
type Config struct {
	Module string // path of the token's PKCS#11 library
	Token  string // label of the token
	Label  string // tells this system's keys from others' on the same token
	PIN    []byte // of the normal user
}
