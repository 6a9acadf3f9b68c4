package fhir_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/rig"
)

// statuses sends calls at once and counts how they ended.
func statuses(t *testing.T, r *rig.Rig, n int, call func(i int) rig.Call) map[int]int {
	t.Helper()
	r.Token(t, rig.Loader)
	var mu sync.Mutex
	count := map[int]int{}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			c := call(i)
			c.As = rig.Loader
			a := r.Do(t, c)
			mu.Lock()
			defer mu.Unlock()
			count[a.Status]++
		})
	}
	all.Wait()
	return count
}

const racers = 64

func TestConditionalCreatesRaceToOneResource(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		got := statuses(t, r, racers, func(i int) rig.Call {
			body := fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":"http://x.test","value":"one"}],"multipleBirthInteger":%d}`, i)
			return post("Patient", body, "If-None-Exist", "identifier=http://x.test|one")
		})
		if diff := cmp.Diff(map[int]int{201: 1, 200: racers - 1}, got); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
		if n := len(r.Get(t, rig.Loader, "Patient?identifier=http://x.test|one").Bundle(t).Entry); n != 1 {
			t.Errorf("%d patients were created", n)
		}
		r.Verify(t)
	})
}

func TestConditionalCreatesInTransactionsRaceToOneResource(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		got := statuses(t, r, racers/2, func(int) rig.Call {
			return post("", `{"resourceType":"Bundle","type":"transaction","entry":[
				{"fullUrl":"urn:uuid:4e8ed886-fd5f-40bb-8feb-f339b04d853a","resource":{"resourceType":"Organization","identifier":[{"value":"one"}]},"request":{"method":"POST","url":"Organization","ifNoneExist":"identifier=one"}},
				{"resource":{"resourceType":"Location","managingOrganization":{"reference":"urn:uuid:4e8ed886-fd5f-40bb-8feb-f339b04d853a"}},"request":{"method":"POST","url":"Location"}}]}`)
		})
		if diff := cmp.Diff(map[int]int{200: racers / 2}, got); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
		found := r.Get(t, rig.Loader, "Organization?identifier=one&_revinclude=Location:organization&_count=1000").Bundle(t).Entry
		if len(found) != 1+racers/2 {
			t.Errorf("%d resources, want one organisation and %d locations that name it", len(found), racers/2)
		}
		r.Verify(t)
	})
}

func TestUpdatesOnOneVersionRaceToOneWinner(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, patient("p", "Start"))
		for version := 1; version <= 3; version++ {
			got := statuses(t, r, racers, func(i int) rig.Call {
				return put("Patient/p", patient("p", fmt.Sprint("V", version, "-", i)), "If-Match", fmt.Sprintf(`W/"%d"`, version))
			})
			if diff := cmp.Diff(map[int]int{200: 1, 412: racers - 1}, got); diff != "" {
				t.Errorf("version %d: statuses (-want +got):\n%s", version, diff)
			}
		}
		r.Verify(t)
	})
}

func TestUnconditionalUpdatesAllHappen(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, patient("p", "Start"))
		got := statuses(t, r, racers, func(i int) rig.Call { return put("Patient/p", patient("p", fmt.Sprint("N", i))) })
		if diff := cmp.Diff(map[int]int{200: racers}, got); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
		if got := r.Get(t, rig.Loader, "Patient/p").Header.Get("ETag"); got != fmt.Sprintf(`W/"%d"`, racers+1) {
			t.Errorf("the version is %s after %d updates", got, racers)
		}
	})
}

func TestFirstResourcesOfANewPatientRace(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		got := statuses(t, r, racers, func(i int) rig.Call {
			if i == 0 {
				return put("Patient/new", patient("new", "X"))
			}
			return post("Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/new"}}`)
		})
		if diff := cmp.Diff(map[int]int{201: racers}, got); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
		if n := len(r.Get(t, rig.Loader, "Observation?subject=new&_count=100").Bundle(t).Entry); n != racers-1 {
			t.Errorf("%d observations are found, want %d", n, racers-1)
		}
		r.Verify(t)
	})
}

func TestConditionsAreChecked(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	r.Put(t, patient("a", "Twin"))
	r.Put(t, patient("b", "Twin"))
	r.Treat(t, "a", "physician")
	body := `{"resourceType":"Patient"}`
	play(t, r, []step{
		{"several match", post("Patient", body, "If-None-Exist", "family=Twin"), 412, nil, "conflict"},
		{"one matches", post("Patient", body, "If-None-Exist", "_id=a"), 200, map[string]string{"ETag": `W/"1"`, "Location": rig.Base + "/Patient/a/_history/1"}, `"Twin"`},
		{"no parameter", post("Patient", body, "If-None-Exist", "_count=1"), 400, nil, "invalid"},
		{"no such parameter", post("Patient", body, "If-None-Exist", "famly=X"), 400, nil, "not-supported"},
		{"a person may not ask", asking("physician", post("Patient", body, "If-None-Exist", "family=Nobody")), 403, nil, "forbidden"},
		{"a person may not choose ids", asking("physician", put("Patient/chosen", patient("chosen", "X"))), 404, nil, "not-found"},
		{"a person updates what is there", asking("physician", put("Patient/a", patient("a", "X"))), 200, nil, `"X"`},
	})
	if got := r.Get(t, rig.Loader, "Patient?_summary=count").Bundle(t).Total; got == nil || *got != 2 {
		t.Errorf("%v patients, want 2", got)
	}
}

func asking(as string, c rig.Call) rig.Call {
	c.As = as
	return c
}
