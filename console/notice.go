package console

// notice is what a page says after a deed: the address names it and holds no text itself, so that no link can
// put words into our mouth.
func notice(done string) string {
	return map[string]string{
		"acknowledged": "You have acknowledged this version.",
		"passed":       "You have passed.",
		"answered":     "Your answers are right. The lab is still to be mended.",
		"attested":     "Your word is kept, and what it rests on is in the ledger.",
		"withdrawn":    "The word is withdrawn. It stays in the history.",
	}[done]
}
