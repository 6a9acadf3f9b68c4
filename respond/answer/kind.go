package answer

import "fmt"

// Kind is what an answer does.
type Kind string

// The kinds.
const (
	StepUp     Kind = "step-up"    // sessions count again once the second factor is shown anew
	Revoke     Kind = "revoke"     // sessions and tokens end; the account may sign in again
	Lock       Kind = "lock"       // the account may not act
	Narrow     Kind = "narrow"     // one role of the account does not count
	Quarantine Kind = "quarantine" // the client may not act
	Throttle   Kind = "throttle"   // an account, a client or an address goes slowly
	Block      Kind = "block"      // nobody may come from an address, but those who treat patients and are signed in
)

// Kinds lists them, the mildest first.
func Kinds() []Kind { return []Kind{Throttle, StepUp, Revoke, Narrow, Quarantine, Block, Lock} }

// On is what sort of thing an answer is for.
type On string

// The sorts of target.
const (
	Account On = "account"
	Client  On = "client"
	Address On = "address"
)

// Target is whom or what an answer is for.
type Target struct {
	On   On     `json:"on"`
	ID   string `json:"id"`             // of the account or client; the address or, of IPv6, its network
	Role string `json:"role,omitempty"` // that does not count
}

// String names a target for people.
func (t Target) String() string {
	if t.Role != "" {
		return fmt.Sprintf("%s %s, role %s", t.On, t.ID, t.Role)
	}
	return fmt.Sprintf("%s %s", t.On, t.ID)
}

// on says for what a kind can be; for a throttle the order says.
func (k Kind) on() On {
	switch k {
	case Quarantine:
		return Client
	case Block:
		return Address
	case StepUp, Revoke, Lock, Narrow:
		return Account
	}
	return ""
}

// bars reports whether the kind keeps its target out.
func (k Kind) bars() bool { return k == Lock || k == Quarantine || k == Block }

// harsh reports whether the kind keeps people from their work, be it for as long as signing in takes.
func (k Kind) harsh() bool { return k.bars() || k == Revoke || k == Narrow }
