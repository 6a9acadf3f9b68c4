package breach

import "context"

// KeyState is what is known of where the keys are that wrap all others.
type KeyState struct {
	Provider string // as it calls itself
	Apart    bool   // the keys are another machine's, which answers only who proves himself
}

// Harbour says whether the data was secured: unusable, unreadable or indecipherable to who has it (45 CFR 164.402,
// and the Secretary's guidance, FR Doc. E9-9512). Its zero value is unsecured.
type Harbour struct {
	Holds    bool     `json:"holds"`
	Evidence []string `json:"evidence"`
}

// harbour looks at the evidence. Whoever reached data through the system had it in the clear, whatever it lies under.
func (s *Service) harbour(ctx context.Context, storage bool) (Harbour, error) {
	if !storage {
		return Harbour{Evidence: []string{"the data was reached through the system, which opened it: it was not secured against who asked"}}, nil
	}
	k, err := s.cfg.Keys(ctx)
	if err != nil {
		return Harbour{}, err
	}
	h := Harbour{Evidence: []string{"every row is sealed by AES-256-GCM under keys that the provider " + k.Provider + " wraps"}}
	if !k.Apart {
		h.Evidence = append(h.Evidence, "the provider may keep its keys on the same machine (a folder, or a token that is software): that they did not get away with the data is not shown")
		return h, nil
	}
	h.Holds = true
	h.Evidence = append(h.Evidence, "the provider keeps its keys on another machine, and answers only who proves himself to it")
	return h, nil
}
