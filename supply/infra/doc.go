// Package infra checks what a team's software runs on, as files say it: Dockerfiles, Compose,
// Kubernetes, Terraform and CloudFormation. What a variable holds is not known from files: it counts neither as right
// nor as wrong, while what is absent counts as the provider's default.
package infra
