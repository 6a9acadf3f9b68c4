package console

import (
	"embed"
	"fmt"
	"net/http"

	"github.com/tutela-health/tutela/identity/pages"
)

//go:embed assets
var assetFiles embed.FS

// assets are the files that pages load beside those of people's pages, by name, with their types.
func assets() map[string]string {
	return map[string]string{"console.css": "text/css; charset=utf-8", "ledger.js": "text/javascript; charset=utf-8"}
}

// readAssets makes the handlers of all assets, by name.
func readAssets() (map[string]http.Handler, error) {
	all := map[string]http.Handler{}
	for name, mediaType := range assets() {
		data, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			return nil, fmt.Errorf("read asset: %w", err)
		}
		all[name] = pages.Asset(data, mediaType)
	}
	return all, nil
}

// assetPrefix is where they are.
const assetPrefix = "/console/assets/"

// Public names the routes that answer a caller whom nobody has proved: the files that pages load.
func Public() []string {
	var list []string
	for name := range assets() {
		list = append(list, "GET "+assetPrefix+name)
	}
	return list
}
