package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// privileged are accounts that no directory reaches.
func (n *node) privileged() map[string]identity.User {
	n.t.Helper()
	n.admin()
	root, err := n.identity.User(n.t.Context(), "root")
	must(n.t, err)
	service, err := n.identity.User(n.t.Context(), "directory")
	must(n.t, err)
	return map[string]identity.User{
		"an administrator": root, "an auditor": n.person("argus", "auditor"), "a privacy officer": n.person("vera", "privacy"),
		"an auditor who nurses": n.person("both", "auditor", "nurse"), "a role that is not mapped": n.person("bill", "billing"),
		"the directory's own account": service,
	}
}

// What a directory does not reach is not there for it, and stays as it was.
func TestPrivilegedAccountsAreNotThere(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ward := n.group("Ward 2")
		mine := n.add(`{"userName":"mine"}`)
		for who, u := range n.privileged() {
			at := "/Users/" + string(u.ID)
			off := patch(`{"op":"replace","path":"active","value":false}`)
			n.do(http.MethodGet, at, "").want(t, who+": read", http.StatusNotFound)
			n.do(http.MethodPut, at, `{"userName":"mallory","active":false}`).want(t, who+": put", http.StatusNotFound)
			n.do(http.MethodPatch, at, off).want(t, who+": patch", http.StatusNotFound)
			n.do(http.MethodDelete, at, "").want(t, who+": delete", http.StatusNotFound)
			n.do(http.MethodPost, "/Users", `{"userName":"`+strings.ToUpper(u.Username)+`"}`).want(t, who+": the same name", http.StatusConflict, "uniqueness")
			n.do(http.MethodPatch, "/Users/"+mine, patch(`{"op":"replace","path":"userName","value":"`+u.Username+`"}`)).want(t, who+": taking the name", http.StatusConflict, "uniqueness")
			n.do(http.MethodPatch, "/Groups/"+ward, patch(`{"op":"add","path":"members","value":`+member(string(u.ID))+`}`)).want(t, who+": as a member", http.StatusBadRequest, "invalidValue")
			n.do(http.MethodPut, "/Groups/"+ward, `{"displayName":"Ward 2","members":`+member(string(u.ID), mine)+`}`).want(t, who+": among members", http.StatusBadRequest, "invalidValue")
			r := n.do(http.MethodGet, "/Users?filter="+url.QueryEscape(`id eq "`+string(u.ID)+`" or userName eq "`+u.Username+`"`), "")
			if r.body["totalResults"] != 0.0 {
				t.Errorf("%s is listed", who)
			}
			if diff := cmp.Diff(u, n.user(string(u.ID))); diff != "" {
				t.Errorf("%s changed: %s", who, diff)
			}
		}
		if roles := n.user(mine).Roles; len(roles) > 0 {
			t.Errorf("a refused group change gave %v", roles)
		}
	})
}

// Every way in which a directory might make somebody an administrator, or let somebody in.
func TestDirectoryMakesNoAdministrator(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		id := n.add(ann)
		ward := n.group("Ward 2")
		change := func(ops string) func() reply {
			return func() reply { return n.do(http.MethodPatch, "/Users/"+id, patch(ops)) }
		}
		regroup := func(ops string) func() reply {
			return func() reply { return n.do(http.MethodPatch, "/Groups/"+ward, patch(ops)) }
		}
		post := func(path, body string) func() reply {
			return func() reply { return n.do(http.MethodPost, path, body) }
		}
		put := func(path, body string) func() reply {
			return func() reply { return n.do(http.MethodPut, path, body) }
		}
		for name, c := range map[string]struct {
			try    func() reply
			status int // 0: it may succeed, and changes nothing that matters
		}{
			"roles in a new user":         {post("/Users", `{"userName":"m1","roles":[{"value":"admin"}],"groups":[{"value":"admin","display":"admin"}],"role":"admin"}`), 201},
			"our own words in a new user": {post("/Users", `{"userName":"m2","Roles":["admin"],"kind":"service","scopes":["system/*.cruds"],"held":false,"provisioner":"x","verifier":{"hash":"x"},"totp":"x"}`), 201},
			"an id of one's choice":       {post("/Users", `{"userName":"m3","id":"root","meta":{"resourceType":"Admin"}}`), 201},
			"a password":                  {post("/Users", `{"userName":"m4","password":"seven violet tractors hum"}`), 201},
			"roles by patch":              {change(`{"op":"add","path":"roles","value":[{"value":"admin"}]}`), 400},
			"roles by another case":       {change(`{"op":"ADD","path":"RoLeS","value":["admin"]}`), 400},
			"roles in full":               {change(`{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User:roles","value":["admin"]}`), 400},
			"roles by a filter":           {change(`{"op":"replace","path":"roles[value eq \"nurse\"].value","value":"admin"}`), 400},
			"roles without a path":        {change(`{"op":"replace","value":{"roles":["admin"],"entitlements":["admin"]}}`), 400},
			"entitlements":                {change(`{"op":"add","path":"entitlements","value":["admin"]}`), 400},
			"a password by patch":         {change(`{"op":"replace","path":"password","value":"seven violet tractors hum"}`), 400},
			"a certificate":               {change(`{"op":"add","path":"x509Certificates","value":[{"value":"MIIB"}]}`), 400},
			"groups of a user":            {change(`{"op":"add","path":"groups","value":[{"value":"` + n.group("Doctors") + `","display":"Doctors"}]}`), 400},
			"groups through the back":     {change(`{"op":"replace","value":{"groups":[{"display":"admin"}]}}`), 400},
			"another id":                  {change(`{"op":"replace","path":"id","value":"root"}`), 400},
			"what the server says":        {change(`{"op":"replace","path":"meta.resourceType","value":"Admin"}`), 400},
			"an attribute of ours":        {change(`{"op":"add","path":"provisioner","value":"x"}`), 400},
			"one name in two cases":       {post("/Users", `{"userName":"m5","USERNAME":"root"}`), 400},
			"one name twice":              {post("/Users", `{"userName":"m6","userName":"root"}`), 400},
			"one name in full and short":  {post("/Users", `{"userName":"m7","urn:ietf:params:scim:schemas:core:2.0:User:userName":"root"}`), 400},
			"an operation of two verbs":   {change(`{"op":"remove","OP":"add","path":"active"}`), 400},
			"half of a patch":             {change(`{"op":"replace","path":"displayName","value":"half"},{"op":"add","path":"roles","value":["admin"]}`), 400},
			"a group named admin":         {post("/Groups", `{"displayName":"admin","members":`+member(id)+`}`), 403},
			"a group named Ward 2 again":  {post("/Groups", `{"displayName":"WARD 2","members":`+member(id)+`}`), 409},
			"the group's name":            {regroup(`{"op":"replace","path":"displayName","value":"admin"}`), 400},
			"the group's name, no path":   {regroup(`{"op":"replace","value":{"displayName":"admin"}}`), 400},
			"the group's name by put":     {put("/Groups/"+ward, `{"displayName":"admin","members":[]}`), 400},
			"the group's id":              {regroup(`{"op":"replace","value":{"id":"admin"}}`), 400},
			"the group's role":            {regroup(`{"op":"add","path":"role","value":"admin"}`), 400},
			"a group as a member":         {regroup(`{"op":"add","path":"members","value":[{"value":"` + id + `","type":"Group"}]}`), 400},
			"a member by a filter":        {regroup(`{"op":"add","path":"members[value eq \"root\"]","value":{"display":"x"}}`), 400},
			"a group by its name as id":   {put("/Groups/admin", `{"displayName":"admin","members":`+member(id)+`}`), 404},
			"schemas of another resource": {put("/Users/"+ward, `{"userName":"x"}`), 404},
			"a user at the group's door":  {put("/Groups/"+id, `{"displayName":"Ward 2"}`), 404},
		} {
			c.try().want(t, name, c.status)
		}
		people, err := n.identity.Users(t.Context())
		must(t, err)
		for _, u := range people {
			may := u.Username == "root" && len(u.Roles) == 1 || u.Username == "directory" || len(u.Roles) == 0
			if !may || u.Username != "root" && u.Enrolled {
				t.Errorf("%s has roles %v, factors: %v", u.Username, u.Roles, u.Enrolled)
			}
			_, err := n.identity.BeginLogin(t.Context(), identity.LoginRequest{Username: u.Username, Password: "seven violet tractors hum", Address: "192.0.2." + fmt.Sprint(len(u.Username))})
			if err == nil {
				t.Errorf("%s logs in with a password that a directory sent", u.Username)
			}
		}
		if u := n.user(id); u.Name.Display != "Ann Lee" {
			t.Errorf("half of a refused patch was done: %q", u.Name.Display)
		}
	})
}

// Only a directory's own tokens open SCIM.
func TestForeignTokensAreRefused(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		id := n.add(ann)
		lab := directory(t, "lab-feed")
		lab.Scopes = []string{"system/*.cruds"}
		service, _, err := n.identity.RegisterClient(t.Context(), n.admin(), lab)
		must(t, err)
		root, err := n.identity.User(t.Context(), "root")
		must(t, err)
		personal := func(u identity.User, scopes ...string) string {
			i, err := n.identity.IssueFor(t.Context(), identity.IssueRequest{User: u.ID, Client: "directory", Scopes: scopes, Assurance: identity.ACRTwoFactors})
			must(t, err)
			return i.Token
		}
		own, err := n.identity.Client(t.Context(), "directory")
		must(t, err)
		more, err := n.identity.IssueService(t.Context(), own, []string{identity.ScopeSCIM, "system/*.cruds"})
		must(t, err)
		none, err := n.identity.IssueService(t.Context(), own, nil)
		must(t, err)
		n.register("second", mapped()...)
		second, err := n.identity.Client(t.Context(), "second")
		must(t, err)
		twin, err := n.identity.IssueFor(t.Context(), identity.IssueRequest{User: second.Account, Client: "directory", Scopes: []string{identity.ScopeSCIM}})
		must(t, err)
		posing, err := n.identity.IssueFor(t.Context(), identity.IssueRequest{User: service.Account, Client: "directory", Scopes: []string{identity.ScopeSCIM}})
		must(t, err)
		for who, c := range map[string]struct {
			token  string
			status int
		}{
			"nobody": {"", 401}, "a token of chance": {"tut_" + strings.Repeat("x", 43), 401},
			"a nurse with the scope":                    {personal(n.person("nora", "nurse"), identity.ScopeSCIM), 403},
			"an administrator":                          {personal(root, identity.ScopeSCIM), 403},
			"another service":                           {n.issue(service), 403},
			"another service's account as the client":   {posing.Token, 403},
			"another directory's account as the client": {twin.Token, 403},
			"scopes beside scim":                        {more.Token, 403},
			"no scope":                                  {none.Token, 403},
		} {
			for _, try := range []struct{ method, path, body string }{
				{http.MethodGet, "/Users", ""},
				{http.MethodGet, "/Users/" + id, ""},
				{http.MethodPost, "/Users", `{"userName":"eve"}`},
				{http.MethodPut, "/Users/" + id, ann},
				{http.MethodPatch, "/Groups/" + n.group("Ward 2"), patch(`{"op":"add","path":"members","value":` + member(id) + `}`)},
				{http.MethodDelete, "/Users/" + id, ""},
				{http.MethodGet, "/Schemas", ""},
				{http.MethodGet, "/nothing", ""},
			} {
				n.do(try.method, try.path, try.body, as(c.token)).want(t, who+": "+try.method+" "+try.path, c.status)
			}
		}
		if u := n.user(id); u.Disabled || len(u.Roles) > 0 {
			t.Errorf("somebody else changed %+v", u)
		}
	})
}

// One directory does not reach the people of another, until that one is gone.
func TestDirectoriesDoNotReachOneAnothersPeople(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		id := n.add(ann)
		other := n.register("second", mapped()...)
		n.do(http.MethodGet, "/Users/"+id, "", as(other)).want(t, "read", http.StatusNotFound)
		n.do(http.MethodDelete, "/Users/"+id, "", as(other)).want(t, "delete", http.StatusNotFound)
		n.do(http.MethodPost, "/Users", ann, as(other)).want(t, "the same name", http.StatusConflict, "uniqueness")
		must(t, n.identity.DeleteClient(t.Context(), n.admin(), "directory"))
		n.do(http.MethodGet, "/Users", "").want(t, "the removed directory", http.StatusUnauthorized)
		n.do(http.MethodPut, "/Users/"+id, ann, as(other)).want(t, "taking over", http.StatusOK)
	})
}

// What an administrator takes from a directory counts at once, also for a token that lives.
func TestMappingIsTheAdministrators(t *testing.T) {
	n := one(t)
	id := n.add(ann)
	doctors := n.group("Doctors")
	join := patch(`{"op":"add","path":"members","value":` + member(id) + `}`)
	c, err := n.identity.Client(t.Context(), "directory")
	must(t, err)
	for name, groups := range map[string][]identity.GroupRole{
		"the administrator's": {{Group: "Chiefs", Role: "admin"}}, "the auditor's": {{Group: "auditor", Role: "auditor"}},
		"a service's": {{Group: "x", Role: "service"}}, "a directory's": {{Group: "x", Role: "provisioner"}},
		"none that there is": {{Group: "x", Role: "Nurse"}}, "an empty one": {{Group: "x"}}, "of no group": {{Role: "nurse"}},
		"two of one group": {{Group: "x", Role: "nurse"}, {Group: "X", Role: "physician"}}, "a hidden one": {{Group: "x\u202e", Role: "nurse"}},
	} {
		c.Groups = groups
		_, err := n.identity.UpdateClient(t.Context(), n.admin(), c)
		if !errs.Is(err, errs.Unprocessable) {
			t.Errorf("a mapping to a role, %s: %v", name, err)
		}
	}
	c.Groups = []identity.GroupRole{{Group: "Ward 2", Role: "nurse"}}
	c, err = n.identity.UpdateClient(t.Context(), n.admin(), c)
	must(t, err)
	n.do(http.MethodPatch, "/Groups/"+doctors, join).want(t, "the old token", http.StatusUnauthorized)
	n.token = n.issue(c)
	n.do(http.MethodPatch, "/Groups/"+doctors, join).want(t, "a group that was taken away", http.StatusNotFound)
	for name, change := range map[string]func(*identity.Client){
		"other scopes beside scim": func(c *identity.Client) { c.Scopes = []string{"scim", "system/*.rs"} },
		"another kind":             func(c *identity.Client) { c.Scopes, c.Groups = []string{"system/*.rs"}, nil },
		"groups without scim":      func(c *identity.Client) { c.ID, c.Scopes = "other", []string{"system/*.rs"} },
	} {
		changed := c
		change(&changed)
		if _, err := n.identity.UpdateClient(t.Context(), n.admin(), changed); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	person := identity.Client{ID: "web", Name: "Web", RedirectURIs: []string{"https://a.example/"}, GrantTypes: []string{identity.GrantCode}, Scopes: []string{"scim"}}
	if _, _, err := n.identity.RegisterClient(t.Context(), n.admin(), person); !errs.Is(err, errs.Unprocessable) {
		t.Errorf("an application of people with the scope scim: %v", err)
	}
}

// A directory does not let in again whom an administrator put out.
func TestDirectoryDoesNotUndoAnAdministrator(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		u := n.person("nora", "nurse")
		at := "/Users/" + string(u.ID)
		must(t, n.identity.Disable(t.Context(), n.admin(), u.ID))
		on := patch(`{"op":"replace","path":"active","value":true}`)
		n.do(http.MethodPatch, at, on).want(t, "patch", http.StatusForbidden)
		n.do(http.MethodPut, at, `{"userName":"nora","active":"true"}`).want(t, "put", http.StatusForbidden)
		n.do(http.MethodPatch, at, patch(`{"op":"replace","path":"displayName","value":"Nora"}`)).want(t, "a name", http.StatusOK)
		if u := n.user(string(u.ID)); !u.Disabled || u.Name.Display != "Nora" {
			t.Errorf("%+v", u)
		}
		must(t, n.identity.Enable(t.Context(), n.admin(), u.ID))
		n.do(http.MethodPatch, at, patch(`{"op":"replace","path":"active","value":false}`)).want(t, "off", http.StatusOK)
		n.do(http.MethodPatch, at, on).want(t, "on again", http.StatusOK)
	})
}

func TestHostileFiltersAreRefused(t *testing.T) {
	n := one(t)
	n.add(ann)
	deep := strings.Repeat("(", 500) + "active pr" + strings.Repeat(")", 500)
	for name, filter := range map[string]string{
		"too long": `userName eq "` + strings.Repeat("x", 5000) + `"`, "too deep": deep,
		"not, too deep": strings.Repeat("not (", 300) + "active pr" + strings.Repeat(")", 300),
		"too many":      strings.Repeat("id pr or ", 60) + "id pr", "an open string": `userName eq "ann`, "an open bracket": "emails[value pr",
		"a bracket within": `emails[emails[value pr]]`, "SQL": `userName eq "ann" OR 1=1 --`, "SQL in quotes": `userName eq 'ann'`,
		"no operator": "userName", "no value": "userName eq", "an unknown operator": `userName like "a"`, "an unknown name": `password pr`,
		"what is kept and not shown": `verifier.hash pr`, "a role": `roles eq "admin"`, "an object": `userName eq {"a":1}`, "a list": `userName eq [1]`,
		"a number": "userName eq 7", "a truth of text": "userName eq true", "text of a truth": `active eq "perhaps"`, "order of truths": "active gt true",
		"no time": `meta.created gt "yesterday"`, "a whole": `name eq "x"`, "two in a row": "id pr id pr", "nothing in brackets": "emails[]",
		"only not": "not id pr", "empty parentheses": "()", "an escape at the end": `userName eq "\`, "half a pair": `userName eq "\ud800"`,
		"not UTF-8": "userName eq \"\xff\"", "a path with a control": "userName\x00 pr",
	} {
		n.do(http.MethodGet, "/Users?filter="+url.QueryEscape(filter), "").want(t, name, http.StatusBadRequest, "invalidFilter")
	}
	quoted := `userName eq "ann\" or active eq \"true"`
	if r := n.do(http.MethodGet, "/Users?filter="+url.QueryEscape(quoted), "").want(t, "quotes in a value", http.StatusOK); r.body["totalResults"] != 0.0 {
		t.Error("a value ended early")
	}
}

func TestHostileBodiesAreRefused(t *testing.T) {
	n := one(t)
	id := n.add(ann)
	many := make([]string, 1001)
	for i := range many {
		many[i] = `{"op":"remove","path":"title"}`
	}
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		word               string
	}{
		"a huge one":           {http.MethodPost, "/Users", `{"userName":"` + strings.Repeat("x", 2<<20) + `"}`, 413, ""},
		"a long name":          {http.MethodPost, "/Users", `{"userName":"` + strings.Repeat("x", 2000) + `"}`, 400, "invalidValue"},
		"a long display":       {http.MethodPost, "/Users", `{"userName":"eve","displayName":"` + strings.Repeat("x", 2000) + `"}`, 400, "invalidValue"},
		"a hidden display":     {http.MethodPost, "/Users", `{"userName":"eve","displayName":"a\u202eb"}`, 400, "invalidValue"},
		"deep":                 {http.MethodPost, "/Users", `{"userName":"eve","x":` + strings.Repeat(`{"x":`, 5000) + "1" + strings.Repeat("}", 5000) + "}", 400, "invalidSyntax"},
		"deep lists":           {http.MethodPost, "/Users", strings.Repeat("[", 100_000), 400, "invalidSyntax"},
		"two objects":          {http.MethodPost, "/Users", `{"userName":"eve"}{}`, 400, "invalidSyntax"},
		"a list":               {http.MethodPost, "/Users", `[]`, 400, "invalidSyntax"},
		"null":                 {http.MethodPost, "/Users", `null`, 400, "invalidSyntax"},
		"not UTF-8":            {http.MethodPost, "/Users", "{\"userName\":\"\xff\"}", 400, "invalidSyntax"},
		"a name of a number":   {http.MethodPost, "/Users", `{"userName":7}`, 400, "invalidValue"},
		"a name of a list":     {http.MethodPost, "/Users", `{"userName":["eve"]}`, 400, "invalidValue"},
		"an active word":       {http.MethodPost, "/Users", `{"userName":"eve","active":"perhaps"}`, 400, "invalidValue"},
		"active one":           {http.MethodPost, "/Users", `{"userName":"eve","active":1}`, 400, "invalidValue"},
		"no name":              {http.MethodPost, "/Users", `{"active":true}`, 400, "invalidValue"},
		"an empty body":        {http.MethodPost, "/Users", ` `, 400, "invalidSyntax"},
		"a patch of none":      {http.MethodPatch, "/Users/" + id, patch(""), 400, "invalidSyntax"},
		"a patch of many":      {http.MethodPatch, "/Users/" + id, patch(strings.Join(many, ",")), 400, "invalidSyntax"},
		"a patch that is none": {http.MethodPatch, "/Users/" + id, `{"Operations":[{"op":"remove","path":"title"}]}`, 400, "invalidSyntax"},
		"a verb of its own":    {http.MethodPatch, "/Users/" + id, patch(`{"op":"move","path":"title"}`), 400, "invalidSyntax"},
		"removing nothing":     {http.MethodPatch, "/Users/" + id, patch(`{"op":"remove"}`), 400, "noTarget"},
		"a value of no form":   {http.MethodPatch, "/Users/" + id, patch(`{"op":"replace","value":"x"}`), 400, "noTarget"},
		"a path of nothing":    {http.MethodPatch, "/Users/" + id, patch(`{"op":"replace","path":"emails[type eq \"x\"","value":"x"}`), 400, "invalidPath"},
		"a path of a number":   {http.MethodPatch, "/Users/" + id, patch(`{"op":"replace","path":7,"value":"x"}`), 400, "invalidPath"},
		"a deep path":          {http.MethodPatch, "/Users/" + id, patch(`{"op":"remove","path":"emails[` + strings.Repeat("(", 800) + `value pr` + strings.Repeat(")", 800) + `]"}`), 400, "invalidPath"},
		"no value to change":   {http.MethodPatch, "/Users/" + id, patch(`{"op":"replace","path":"emails[value sw \"zz\"].value","value":"x"}`), 400, "noTarget"},
		"the name goes":        {http.MethodPatch, "/Users/" + id, patch(`{"op":"remove","path":"userName"}`), 400, "invalidValue"},
	} {
		n.do(c.method, c.path, c.body).want(t, name, c.status, c.word)
	}
	n.do(http.MethodPost, "/Users", `{"userName":"eve"}`, with("Content-Type", "text/plain")).want(t, "plain text", http.StatusUnsupportedMediaType)
	n.do(http.MethodPost, "/Users", `{"userName":"eve"}`, with("Content-Type", "application/json; charset=utf-8")).want(t, "plain JSON", http.StatusCreated)
	if u := n.user(id); u.Username != "ann" || u.Disabled {
		t.Errorf("a refused request changed %+v", u)
	}
}

// Nothing that a body holds comes back in an error, and nothing of it goes into the ledger's words.
func TestErrorsHoldNoValues(t *testing.T) {
	n := one(t)
	id := n.add(ann)
	secret := "zebra-in-the-snow"
	for _, body := range []string{
		`{"userName":"` + secret + `  "x"}`, `{"userName":"` + secret + ` space"}`, `{"userName":{"` + secret + `":1}}`,
		`{"userName":"ann","externalId":"` + secret + strings.Repeat("x", 300) + `"}`,
	} {
		if r := n.do(http.MethodPost, "/Users", body).want(t, "a bad body", http.StatusBadRequest); strings.Contains(r.raw, secret) {
			t.Errorf("the answer repeats the body: %s", r.raw)
		}
	}
	for _, path := range []string{secret, `emails[` + secret + ` eq \"x\"]`, `userName.` + secret} {
		r := n.do(http.MethodPatch, "/Users/"+id, patch(`{"op":"replace","path":"`+path+`","value":"x"}`)).want(t, path, http.StatusBadRequest, "invalidPath")
		if strings.Contains(r.raw, secret) {
			t.Errorf("the answer repeats the path: %s", r.raw)
		}
	}
	n.do(http.MethodPatch, "/Users/"+id, patch(`{"op":"replace","path":"displayName","value":"`+secret+`"}`)).want(t, "a name", http.StatusOK)
	for _, action := range []tutela.Action{tutela.ActionUserUpdate, tutela.ActionUserCreate} {
		text, err := json.Marshal(n.entries(action))
		must(t, err)
		if strings.Contains(string(text), secret) || strings.Contains(string(text), "ann@clinic.test") {
			t.Errorf("the ledger holds a value: %s", text)
		}
	}
}
