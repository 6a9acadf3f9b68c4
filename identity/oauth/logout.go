package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

const logoutPath = "/oauth2/logout"

const sealLogout = "logout"

// logout is a request to end a session, on its way (OpenID Connect RP-Initiated Logout 1.0).
type logout struct {
	Client  string    `json:"client,omitempty"`
	Return  string    `json:"return,omitempty"`
	State   string    `json:"state,omitempty"`
	Session string    `json:"session"`
	Asked   time.Time `json:"asked"`
}

// logoutGet takes an application's request to end the session.
func (s *Server) logoutGet(w http.ResponseWriter, r *http.Request) {
	p, err := queryOf(r)
	s.logout(w, r, p, err)
}

func (s *Server) logoutPost(w http.ResponseWriter, r *http.Request) {
	p, err := formParams(w, r)
	s.logout(w, r, p, err)
}

// logout ends the session at once when the application shows an id_token of it; else it asks,
// since any site can send a browser here.
func (s *Server) logout(w http.ResponseWriter, r *http.Request, p params, err error) {
	var q logout
	var hint idClaims
	var c identity.Client
	if err == nil {
		q, hint, c, err = s.readLogout(r.Context(), p)
	}
	var v visitor
	known := false
	if err == nil {
		v, known, err = s.visitor(r)
	}
	switch {
	case err != nil:
		s.showError(w, r, err)
	case !known:
		s.finishAbsent(w, r, q, hint)
	case hint.Session != "" && hint.Session == v.session.ID && hint.Subject == v.user.ID:
		s.finish(w, r, q, v)
	default:
		s.askLogout(w, r, q, c, v)
	}
}

// readLogout settles for which application a logout is, and where it may lead.
func (s *Server) readLogout(ctx context.Context, p params) (q logout, hint idClaims, c identity.Client, err error) {
	q = logout{Client: p["client_id"], Return: p["post_logout_redirect_uri"], State: p["state"], Asked: s.cfg.Clock()}
	if text := p["id_token_hint"]; text != "" {
		if hint, err = s.readIDToken(ctx, text); err != nil {
			return q, hint, c, err
		}
		if q.Client != "" && q.Client != hint.Audience {
			return q, hint, c, errs.New(errs.Invalid, "client_id is not the client of id_token_hint")
		}
		q.Client = hint.Audience
	}
	if q.Client != "" {
		if c, err = s.identity.Client(ctx, q.Client); err != nil {
			return q, hint, c, err
		}
	}
	if len(q.State) > maxState || q.Return != "" && !c.AllowsPostLogout(q.Return) {
		return q, hint, c, errs.New(errs.Invalid, "post_logout_redirect_uri is not one that the application registered")
	}
	return q, hint, c, nil
}

func (s *Server) askLogout(w http.ResponseWriter, r *http.Request, q logout, c identity.Client, v visitor) {
	q.Session = v.session.ID
	sealed, err := s.seal(r.Context(), sealLogout, q)
	if err != nil {
		s.showError(w, r, err)
		return
	}
	view := LogoutView{Form: Form{Action: logoutPath + "/decision", Request: sealed}, Client: ClientView{ID: c.ID, Name: c.Name}}
	if q.Return != "" {
		view.FormTarget = formTarget(q.Return)
	}
	s.cfg.Pages.Logout(w, r, view)
}

// logoutDecision takes the person's answer.
func (s *Server) logoutDecision(w http.ResponseWriter, r *http.Request) {
	stale := &oauthError{Status: http.StatusForbidden, Code: codeAccessDenied, Text: "this form is not valid any more"}
	p, err := formParams(w, r)
	var q logout
	if err == nil {
		q, err = s.reopenLogout(r.Context(), p["request"])
	}
	var v visitor
	known := false
	if err == nil {
		v, known, err = s.visitor(r)
	}
	switch {
	case err == nil && !known:
		s.loggedOut(w, r, q)
	case err == nil && (!s.sameOrigin(r) || v.session.ID != q.Session):
		s.showError(w, r, stale)
	case err != nil:
		s.showError(w, r, err)
	case p["decision"] != "allow":
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	default:
		s.finish(w, r, q, v)
	}
}

func (s *Server) reopenLogout(ctx context.Context, text string) (logout, error) {
	var q logout
	plain, err := s.identity.OpenText(ctx, sealLogout, text)
	if err == nil {
		err = json.Unmarshal(plain, &q)
	}
	if err == nil && s.cfg.Clock().Sub(q.Asked) > requestLife {
		err = errs.New(errs.Invalid, "the request is too old")
	}
	return q, err
}

// finish ends the session and says so to whom it concerns.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, q logout, v visitor) {
	p := s.identity.Principal(v.session, v.user)
	p.Address = httpx.Peer(r)
	if err := s.identity.EndSession(r.Context(), p, v.session.ID); err != nil {
		s.showError(w, r, err)
		return
	}
	s.loggedOut(w, r, q)
}

// finishAbsent ends the session of an id_token whose browser shows it no more, as after it was
// idle: what was given in it may still live.
func (s *Server) finishAbsent(w http.ResponseWriter, r *http.Request, q logout, hint idClaims) {
	session, u, err := s.identity.Session(r.Context(), hint.Session)
	switch {
	case isNobody(err) || err == nil && u.ID != hint.Subject:
		s.loggedOut(w, r, q)
	case err != nil:
		s.showError(w, r, err)
	default:
		s.finish(w, r, q, visitor{session, u})
	}
}

// loggedOut leads back to the application, or tells the person.
func (s *Server) loggedOut(w http.ResponseWriter, r *http.Request, q logout) {
	if q.Return == "" {
		s.cfg.Pages.LoggedOut(w, r)
		return
	}
	values := url.Values{}
	if q.State != "" {
		values.Set("state", q.State)
	}
	address := q.Return
	if len(values) > 0 {
		address = withQuery(address, values)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
}
