package pages

// notice is what a page says after a deed: the address names it and holds no text itself, so that
// no link can put words into our mouth.
func notice(done string) string {
	return map[string]string{
		"roles":     "The roles are saved. All sessions and tokens of the account have ended.",
		"labels":    "What the account is no longer cleared for is gone. What is new waits for the privacy officer.",
		"disable":   "The account is disabled. All its sessions and tokens have ended.",
		"enable":    "The account is enabled.",
		"ended":     "All sessions of the account have ended.",
		"session":   "The session has ended.",
		"passkey":   "The passkey was added.",
		"removed":   "The passkey was removed.",
		"password":  "The password was changed. Your other sessions have ended.",
		"totp":      "The authenticator app was set up.",
		"untotp":    "The authenticator app was taken off your account.",
		"app":       "The application's access has ended.",
		"withdrawn": "The invitation was withdrawn. Its link opens nothing any more.",
		"saved":     "The application was saved.",
		"dropped":   "The application was removed.",
		"linked":    "Your account is linked.",
		"unlinked":  "The link was taken off. Other sessions and all tokens have ended.",
		"provider":  "The provider was saved.",
		"answers":   "The provider answers, and what it says of itself is good.",
		"gone":      "The provider was removed, and every account's link to it.",
		"broken":    "The chart is open to you. The privacy officer will review it.",
		"reported":  "Thank you. It is with those who look into it.",
		"unbroken":  "The access has ended. Its review stays open.",
		"revoked":   "The access has ended.",
		"reviewed":  "The review is closed.",
		"asked":     "Your request was taken in. You see here what comes of it.",
	}[done]
}
