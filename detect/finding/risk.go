package finding

import "math"

// worth is what a level stands for: how likely its rules are right when they cannot tell, and how bad
// it is if they are and no patient is touched.
func (l Level) worth() (likelihood, impact float64) {
	switch l {
	case Critical:
		return 0.8, 1
	case High:
		return 0.6, 0.75
	case Medium:
		return 0.4, 0.5
	case Low:
		return 0.2, 0.25
	}
	return 0.1, 0.1
}

// sensitiveWeight is as how many patients one counts whose chart is sensitive or of public interest.
const sensitiveWeight = 4

// Risk ranks from 0 to 100: likelihood times impact. The impact begins with the level's and grows with
// the logarithm of the number of patients, until it is full at a thousand; a patient whose chart is
// sensitive or of public interest counts five times.
func Risk(l Level, likelihood float64, patients, sensitive int) int {
	_, impact := l.worth()
	reach := math.Min(1, math.Log10(1+float64(patients+sensitiveWeight*sensitive))/3)
	impact += (1 - impact) * reach
	return int(math.Round(100 * math.Max(0, math.Min(1, likelihood)) * impact))
}

// likelihood is what a hit says of itself, or what its level is worth.
func (h Hit) likelihood() float64 {
	if h.Likelihood > 0 {
		return math.Min(h.Likelihood, 1)
	}
	worth, _ := h.Level.worth()
	return worth
}

// repeated raises the likelihood of the strongest hit when there are more like it: by a twentieth of
// what is missing for each doubling, and by half of it at most. Alike hits are no independent witnesses.
func repeated(strongest float64, hits int) float64 {
	if hits < 2 {
		return strongest
	}
	return strongest + (1-strongest)*math.Min(0.5, math.Log2(float64(hits))/20)
}
