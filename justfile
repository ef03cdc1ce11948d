# Short names for what contributors run; nothing depends on them.

# real logs to one certified chain
demo *ARGS:
    go run ./cmd/omega-check demo {{ARGS}}

# every check of this repository
verify *ARGS:
    go run ./cmd/omega-check verify {{ARGS}}

# all tests, those that have passed before from Go's cache
test *ARGS:
    go test -race ./... {{ARGS}}

# speed, as ratios with their bounds
bench *ARGS:
    go run ./conformance/bench {{ARGS}}

# format all Go files
fmt:
    go fmt ./...

# judge the code without running it
lint:
    go run ./cmd/omega-check verify --only static
