package console

import "github.com/tutela-health/tutela/identity/pages"

// Routes names every address of the console, over the API that its pages ask. It belongs to setting up, before
// the first page is served.
func (c *Console) Routes(mux pages.Mux, api API) {
	c.api = api
	for name := range assets() {
		mux.Handle("GET "+assetPrefix+name, c.assets[name])
	}
	mux.Handle("GET /console", c.page(entrance))
	mux.Handle("GET /console/{$}", c.page(overview))
	mux.Handle("GET /console/controls", c.page(controls))
	mux.Handle("GET /console/controls/{id}", c.page(oneControl))
	mux.Handle("POST /console/controls/{id}/attest", c.deed(attestControl, oneControl))
	mux.Handle("POST /console/controls/{id}/withdraw", c.deed(withdrawControl, oneControl))
	mux.Handle("GET /console/duties", c.page(duties))
	mux.Handle("GET /console/policies", c.page(policies))
	mux.Handle("GET /console/policies/{id}", c.page(onePolicy))
	mux.Handle("POST /console/policies/{id}/acknowledge", c.deed(acknowledgePolicy, onePolicy))
	mux.Handle("GET /console/training", c.page(trainings))
	mux.Handle("GET /console/training/{id}", c.page(oneModule))
	mux.Handle("GET /console/training/{id}/certificate", c.page(certificate))
	mux.Handle("POST /console/training/{id}/answers", c.deed(takeModule, oneModule))
	mux.Handle("GET /console/gaps", c.page(gaps))
	mux.Handle("GET /console/reviews", c.page(reviews))
	mux.Handle("GET /console/reviews/{sort}", c.page(oneReview))
	mux.Handle("GET /console/risks", c.page(risks))
	mux.Handle("GET /console/vendors", c.page(vendors))
	mux.Handle("GET /console/ledger", c.page(ledger))
	mux.Handle("GET /console/ledger/{id}", c.page(oneEntry))
	mux.Handle("GET /console/{path...}", c.page(func(*visit) error { return notHere() }))
}
