package records

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/r4"
)

// draws is how many random cases a property is held against.
const draws = 50_000

func shares(a, b []node) bool {
	return slices.ContainsFunc(a, func(n node) bool { return slices.Contains(b, n) })
}

// randomTime is on or near a boundary of the calendar half of the time, and may lie beyond the clamp.
func randomTime(rng *rand.Rand) time.Time {
	year := pick(rng, []int{1, 1700, 1898, 1899, 1900, 1901, 1969, 1970, 1999, 2000, 2019, 2020, 2059, 2060, 2061, 2062, 2300, 9999})
	t := time.Date(year, time.Month(1+rng.IntN(12)), 1+rng.IntN(28), 0, 0, 0, 0, time.UTC)
	switch rng.IntN(6) {
	case 0:
		t = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	case 1:
		t = time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	case 2:
		t = t.Add(time.Duration(rng.Int64N(int64(24 * time.Hour))))
	case 3:
		t = t.Add(-time.Nanosecond)
	}
	return t.In(time.FixedZone("", (rng.IntN(27)-13)*3600))
}

// randomSpan is [low, high), of any length, rarely open.
func randomSpan(rng *rand.Rand) (low, high time.Time) {
	low = randomTime(rng)
	switch rng.IntN(7) {
	case 0:
		high = low.Add(time.Nanosecond)
	case 1:
		high = low.AddDate(0, 0, 1)
	case 2:
		high = low.AddDate(0, 1, 0)
	case 3:
		high = low.AddDate(1, 0, 0)
	case 4:
		high = low.Add(time.Duration(1 + rng.Int64N(int64(800*24*time.Hour))))
	default:
		if high = randomTime(rng); !high.After(low) {
			low, high = high, low.Add(time.Second)
		}
	}
	switch rng.IntN(12) {
	case 0:
		low = time.Time{}
	case 1:
		high = time.Time{}
	}
	return low, high
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

func TestTouchingTimesShareANode(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	touching := 0
	for range draws {
		low, high := randomSpan(rng)
		from, to := randomSpan(rng)
		touch := (low.IsZero() || to.IsZero() || low.Before(to)) && (high.IsZero() || from.IsZero() || high.After(from))
		if !touch {
			continue
		}
		touching++
		if !shares(dateNodes(low, high), dateCover(from, to)) {
			t.Fatalf("[%v, %v) touches [%v, %v) and shares no node with its cover", low, high, from, to)
		}
	}
	if touching < draws/10 {
		t.Errorf("only %d of %d draws touched", touching, draws)
	}
}

// TestCoversStaySmall: a cover narrows, and fits into a statement.
func TestCoversStaySmall(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range draws {
		if low, high := randomSpan(rng); len(dateCover(low, high)) > 300 {
			t.Fatalf("[%v, %v) takes %d nodes", low, high, len(dateCover(low, high)))
		}
		if n := len(numberCover(randomNumber(rng), math.Inf(1))); n > 300 {
			t.Fatalf("%d nodes", n)
		}
	}
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	cover := dateCover(day(2020, 5, 4), day(2020, 5, 5))
	for _, other := range []time.Time{day(2020, 5, 3), day(2020, 5, 5), day(2020, 6, 4), day(2021, 5, 4)} {
		if shares(dateNodes(other, other.AddDate(0, 0, 1)), cover) {
			t.Errorf("the day %v is among the candidates of another", other)
		}
	}
}

func randomNumber(rng *rand.Rand) float64 {
	v := math.Pow(10, rng.Float64()*100-50)
	switch rng.IntN(8) {
	case 0:
		return 0
	case 1:
		v = math.Pow10(rng.IntN(80) - 40)
	case 2:
		v = float64(rng.IntN(2000)) / 10
	case 3:
		v = math.Nextafter(math.Pow10(rng.IntN(20)-10), 0)
	}
	if rng.IntN(3) == 0 {
		v = -v
	}
	return v
}

func randomRange(rng *rand.Rand) (low, high float64) {
	low, high = randomNumber(rng), randomNumber(rng)
	switch rng.IntN(8) {
	case 0, 1, 2:
		high = low
	case 3:
		high = low + math.Abs(low)/100
	}
	if low > high {
		low, high = high, low
	}
	switch rng.IntN(12) {
	case 0:
		low = math.Inf(-1)
	case 1:
		high = math.Inf(1)
	}
	return low, high
}

func TestTouchingNumbersShareANode(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	touching := 0
	for range draws {
		low, high := randomRange(rng)
		from, to := randomRange(rng)
		if low > to || high < from {
			continue
		}
		touching++
		if !shares(numberNodes(low, high), numberCover(from, to)) {
			t.Fatalf("[%g, %g] touches [%g, %g] and shares no node with its cover", low, high, from, to)
		}
	}
	if touching < draws/10 {
		t.Errorf("only %d of %d draws touched", touching, draws)
	}
}

func TestCellsKeepTheOrderOfNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range draws {
		a, b := randomNumber(rng), randomNumber(rng)
		if a > b {
			a, b = b, a
		}
		if cellOf(a) > cellOf(b) {
			t.Fatalf("%g ≤ %g, and their cells are %d and %d", a, b, cellOf(a), cellOf(b))
		}
	}
}

// TestEveryMatchIsNarrowedIn: whatever r4 matches carries one of the tokens that the search asks
// the index for. Prefixes, precisions, zones and comparators are random.
func TestEveryMatchIsNarrowedIn(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	s := blind{&Store{}, keys.NewMAC(make([]byte, keys.Size))}
	matched := 0
	for range draws / 5 {
		res, err := r4.Parse([]byte(randomObservation(rng)))
		if err != nil {
			t.Fatal(err)
		}
		tokens := s.tokens(res)
		name, value := randomSearch(rng)
		q, err := r4.ParseQuery("Observation", [][2]string{{name, value}})
		if err != nil {
			t.Fatalf("%s=%s: %v", name, value, err)
		}
		q.Now = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		if !q.Match(res) {
			continue
		}
		matched++
		n := s.narrow(q, &q.Terms[0])
		if !n.useless() && !slices.ContainsFunc(n.tokens, func(x int64) bool { return slices.Contains(tokens, x) }) {
			t.Fatalf("%s=%s matches and is not among the candidates: %s", name, value, res.JSON())
		}
	}
	if matched < draws/50 {
		t.Errorf("only %d of %d matched", matched, draws/5)
	}
}

func randomDate(rng *rand.Rand) string {
	at := randomTime(rng).AddDate(0, rng.IntN(3), 0)
	switch {
	case at.Year() < 2:
		at = at.AddDate(20, 0, 0)
	case at.Year() > 9998:
		at = at.AddDate(-20, 0, 0)
	}
	return at.Format(pick(rng, []string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.000000Z07:00"}))
}

func randomObservation(rng *rand.Rand) string {
	when := fmt.Sprintf(`"effectiveDateTime":%q`, randomDate(rng))
	switch rng.IntN(4) {
	case 0:
		when = fmt.Sprintf(`"effectivePeriod":{"start":%q,"end":%q}`, randomDate(rng), randomDate(rng)) // also backwards
	case 1:
		when = fmt.Sprintf(`"effectivePeriod":{%q:%q}`, pick(rng, []string{"start", "end"}), randomDate(rng))
	case 2:
		when = fmt.Sprintf(`"effectiveTiming":{"event":[%q,%q]}`, randomDate(rng), randomDate(rng))
	}
	comparator := pick(rng, []string{"", "", `"comparator":"<",`, `"comparator":">=",`})
	return fmt.Sprintf(`{"resourceType":"Observation","id":"x","status":"final","code":{"text":"x"},%s,"valueQuantity":{%s"value":%s}}`,
		when, comparator, randomDecimal(rng))
}

func randomDecimal(rng *rand.Rand) string {
	switch rng.IntN(3) {
	case 0:
		return fmt.Sprint(rng.IntN(200))
	case 1:
		return fmt.Sprintf("%.*f", rng.IntN(5), rng.Float64()*2000-1000)
	default:
		return fmt.Sprintf("%.3e", randomNumber(rng))
	}
}

func randomSearch(rng *rand.Rand) (name, value string) {
	prefix := pick(rng, []string{"", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})
	if rng.IntN(2) == 0 {
		return "date", prefix + randomDate(rng)
	}
	return "value-quantity", prefix + randomDecimal(rng)
}
