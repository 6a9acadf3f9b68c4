// Package distro reads what distributions write down about their packages: os-release, and the
// databases of apk, dpkg and rpm. The files come from images that nobody vouches for.
package distro
