package simulate

import "github.com/tutela-health/tutela"

// sessions are who is signed in where.
type sessions struct{ open map[seat]*signedIn }

type seat struct {
	who     int32
	address uint32
	client  string
}

type signedIn struct {
	name string
	last int64
}

// idle is how long a session lives without being used.
const idle = 50 * minute

func newSessions() sessions { return sessions{make(map[seat]*signedIn)} }

// mistyped is the share of logins before which a password was wrong. Invented.
const mistyped = 0.04

// signIn gives a day's drafts their sessions, and adds the logins that those need.
func (w *world) signIn(drafts []draft, d int) []draft {
	inOrder(drafts)
	var logins []draft
	for i := range drafts {
		f := &drafts[i]
		at := seat{f.who, f.address, f.job.client}
		s := w.sessions.open[at]
		if s == nil || f.at-s.last > idle {
			s = &signedIn{name: w.ids.session()}
			w.sessions.open[at] = s
			logins = append(logins, w.logins(f, s.name, w.midnight(d))...)
		}
		s.last, f.session = f.at, s.name
	}
	for at, s := range w.sessions.open {
		if s.last < w.midnight(d+1)-idle {
			delete(w.sessions.open, at)
		}
	}
	return append(drafts, logins...)
}

// logins drafts the login before a draft, and at times a wrong password before that. The login of somebody who
// is not whom the account belongs to is misuse as well.
func (w *world) logins(f *draft, session string, midnight int64) []draft {
	r, scheme := w.ids, int32(0)
	if f.scheme != 0 && w.schemes[f.scheme-1].kind.stranger {
		scheme = f.scheme
	}
	at := max(midnight+int64(r.IntN(int(3*second))), f.at-5*second-int64(r.ExpFloat64()*float64(20*second)))
	login := draft{id: r.id(), at: at, who: f.who, patient: none, action: tutela.ActionAuthenticate, job: f.job, status: 200, address: f.address,
		session: session, listed: f.listed, scheme: scheme}
	list := []draft{login}
	for range w.guesses(r, f) {
		wrong := login
		wrong.id, wrong.session, wrong.status = r.id(), "", 401
		at = max(midnight, at-4*second-int64(r.IntN(int(15*second))))
		wrong.at = at
		list = append(list, wrong)
	}
	return list
}

// guesses is how many wrong passwords come before a login.
func (w *world) guesses(r dice, f *draft) int {
	switch {
	case f.scheme != 0 && w.schemes[f.scheme-1].kind.guesses && r.chance(0.5):
		return r.between(2, 6)
	case r.chance(mistyped):
		return 1 + r.IntN(2)
	}
	return 0
}
