package keys

import (
	"testing"

	"github.com/tutela-health/tutela"
)

func TestCacheKeepsTheMostRecentlyUsed(t *testing.T) {
	c, k := newCache(2), testKey(t, random(Size), 1)
	c.put(name{id: 1}, k)
	c.put(name{id: 2}, k)
	c.get(name{id: 1})
	c.put(name{id: 3}, k)
	wantCached(t, c, map[int64]bool{1: true, 2: false, 3: true})
}

func TestCachePutReplacesAndRefreshes(t *testing.T) {
	c, old, young := newCache(2), testKey(t, random(Size), 1), testKey(t, random(Size), 2)
	c.put(name{id: 1}, old)
	c.put(name{id: 2}, old)
	c.put(name{id: 1}, young)
	c.put(name{id: 3}, old)
	wantCached(t, c, map[int64]bool{1: true, 2: false, 3: true})
	if got, _ := c.get(name{id: 1}); got != young {
		t.Error("the older key is still there")
	}
}

func TestCacheForgetsEveryVersionOfOneKey(t *testing.T) {
	c, k := newCache(10), testKey(t, random(Size), 1)
	for v := range 3 {
		c.put(name{tutela.KeyPatient, 1, v}, k)
		c.put(name{tutela.KeyPatient, 2, v}, k)
		c.put(name{tutela.KeyDay, 1, v}, k)
	}
	c.forget(tutela.KeyPatient, 1)
	for v := range 3 {
		if _, ok := c.get(name{tutela.KeyPatient, 1, v}); ok {
			t.Errorf("version %d is still there", v)
		}
	}
	if len(c.slots) != 6 || c.order.Len() != 6 {
		t.Errorf("%d and %d keys left, want 6", len(c.slots), c.order.Len())
	}
}

func TestCacheClears(t *testing.T) {
	c := newCache(2)
	c.put(name{id: 1}, testKey(t, random(Size), 1))
	c.clear()
	wantCached(t, c, map[int64]bool{1: false})
	if c.order.Len() != 0 {
		t.Error("the list still holds keys")
	}
}

func TestCacheTakesNothingLookedUpBeforeAForget(t *testing.T) {
	for what, forget := range map[string]func(*cache){
		"forget": func(c *cache) { c.forget(tutela.KeyPatient, 1) },
		"clear":  (*cache).clear,
	} {
		c, k := newCache(2), testKey(t, random(Size), 1)
		before := c.now()
		forget(c)
		c.add(name{id: 1}, k, before)
		c.add(name{id: 2}, k, c.now())
		t.Log(what)
		wantCached(t, c, map[int64]bool{1: false, 2: true})
	}
}

func wantCached(t *testing.T, c *cache, want map[int64]bool) {
	t.Helper()
	for id, there := range want {
		if _, ok := c.slots[name{id: id}]; ok != there {
			t.Errorf("key %d cached: %v, want %v", id, ok, there)
		}
	}
}
