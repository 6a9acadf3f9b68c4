// Package pipeline checks what builds and ships a team's software: GitHub Actions, GitLab CI,
// Jenkinsfiles, Jenkins configuration as code and its list of plugins. It reads files alone; what only the
// running server knows, such as who may reach it over the network, it does not judge.
package pipeline
