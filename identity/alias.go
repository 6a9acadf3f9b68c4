package identity

// Alias is the keyed hash that stands for a user or a session in other planes' tables. what keeps
// aliases of one kind from being taken for another's.
func (s *Service) Alias(what, id string) int64 {
	return s.names.Sum64([]byte("alias"), []byte(what), []byte(id))
}
