module github.com/tutela-health/tutela

go 1.26.0
