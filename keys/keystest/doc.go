// Package keystest is the contract of keys.Provider as tests. Every provider runs it:
//
//	func TestConformance(t *testing.T) {
//		keystest.Provider(t, func(t *testing.T) keys.Provider { … a new, empty one … })
//	}
package keystest
