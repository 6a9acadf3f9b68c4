package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
)

//go:embed assets
var assetFiles embed.FS

// assets are the files that pages load, by name, with their types.
func assets() map[string]string {
	return map[string]string{
		"pages.css":  "text/css; charset=utf-8",
		"passkey.js": "text/javascript; charset=utf-8",
		"mark.svg":   "image/svg+xml",
	}
}

// readAssets makes the handlers of all assets, by name.
func readAssets() (map[string]http.Handler, error) {
	all := map[string]http.Handler{}
	for name, mediaType := range assets() {
		data, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			return nil, fmt.Errorf("read asset: %w", err)
		}
		all[name] = asset(data, mediaType)
	}
	return all, nil
}

// asset serves a file that is the same for everybody; browsers ask each time whether it still is.
func asset(data []byte, mediaType string) http.Handler {
	sum := sha256.Sum256(data)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", mediaType)
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(data) // the peer may be gone
	})
}
