package console

// notice is what a page says after a deed: the address names it and holds no text itself, so that no link can
// put words into our mouth.
func notice(done string) string {
	return map[string]string{
		"acknowledged":  "You have acknowledged this version.",
		"passed":        "You have passed.",
		"answered":      "Your answers are right. The lab is still to be mended.",
		"judged":        "Your verdict is kept. The finding is closed.",
		"opened":        "It is open. What you write here may name patients: it is sealed.",
		"moved":         "Its state is another now.",
		"noted":         "It is in the timeline.",
		"undone":        "It is taken back, on every node.",
		"seen":          "You have seen it: nobody further is told.",
		"breach-opened": "The case is open. Until somebody assesses it, it is presumed to be a breach.",
		"breach-closed": "The case is closed.",
		"assessed":      "Your assessment holds; those before are kept.",
		"tracked":       "It is written down.",
		"attested":      "Your word is kept, and what it rests on is in the ledger.",
		"withdrawn":     "The word is withdrawn. It stays in the history.",
	}[done]
}
