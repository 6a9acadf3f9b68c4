# Everything builds without cgo against the certified Go Cryptographic Module, in FIPS 140-3 mode.
export CGO_ENABLED := 0
export GOFIPS140 := certified

ADDR ?= localhost:8443
DATA ?= tutela-data

.PHONY: build run test torture oracle worlds bench fuzz lint deps clean

build: ## bin/tutela
	go build -trimpath -o bin/tutela ./cmd/tutela

run: build ## a whole try-out system with sample patients
	bin/tutela dev --data $(DATA) --addr $(ADDR)

deps: ## what the tests need, from Debian's packages, npm and the Go proxy, when absent
	@scripts/deps.sh
	@scripts/node.sh >/dev/null
	@scripts/minio.sh >/dev/null

test: deps ## all tests; TUTELA_TESTDATA names a folder with more data
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt would change:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	go test -timeout 60m ./...
	CGO_ENABLED=1 go vet -tags pkcs11 ./keys/pkcs11
	CGO_ENABLED=1 go test -tags pkcs11 ./keys/pkcs11

torture: deps ## kill -9 under load, fifty rounds on each engine
	TUTELA_ROUNDS=50 go test -count=1 -timeout 30m -run TestKillLosesNothingThatWasAnswered ./e2e

oracle: deps ## random searches over up to sixty charts of TUTELA_TESTDATA, on each engine
	TUTELA_CHARTS=60 go test -count=1 -timeout 60m -v -run TestSearchAgreesWithOracle ./fhir

worlds: deps ## a thousand pairs of worlds that differ in what a caller may not read, on each engine
	go test -count=1 -timeout 60m -v -run AreToldAlike ./fhir -rapid.checks=1000

bench: deps ## benchmarks beside their floors; see docs/performance.md
	go run ./bench

fuzz: ## each fuzz target for a minute
	@scripts/fuzz.sh 60s

lint: ## golangci-lint with .golangci.yml
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run

clean:
	rm -rf bin .cache
