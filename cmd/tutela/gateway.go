package main

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/server"
)

// gateway is the part of tutela.yaml that holds callers to limits before anything else looks at
// them. What is left out is the default.
type gateway struct {
	// Proxies are the networks (CIDR) whose X-Forwarded-For counts: those of the proxies that stand in
	// front, and no others, since whoever is believed there can call from any address.
	Proxies []string `yaml:"proxies,omitempty"`
	// Concurrent is how many requests are served at once; more are answered 503. 1,024 when left out.
	Concurrent int `yaml:"concurrent,omitempty"`
	// Rate says how fast callers may call.
	Rate struct {
		// Address is a network's, for requests without a token.
		Address rate `yaml:"address,omitempty"`
		// Caller is everybody's with a token, whose client and roles have none of their own.
		Caller  rate            `yaml:"caller,omitempty"`
		Clients map[string]rate `yaml:"clients,omitempty"`
		Roles   map[string]rate `yaml:"roles,omitempty"`
	} `yaml:"rate,omitempty"`
	// Allow says from which networks (CIDR) a client, or whoever has a role, may call at all.
	Allow struct {
		Clients map[string][]string `yaml:"clients,omitempty"`
		Roles   map[string][]string `yaml:"roles,omitempty"`
	} `yaml:"allow,omitempty"`
}

// rate is a token bucket: burst requests at once, and per_second of them over time.
type rate struct {
	PerSecond float64 `yaml:"per_second,omitempty"`
	Burst     float64 `yaml:"burst,omitempty"`
	Unlimited bool    `yaml:"unlimited,omitempty"`
}

// tryOutGateway lets those go unhindered as whom a try-out system is loaded and measured.
func tryOutGateway() gateway {
	var g gateway
	g.Rate.Clients = map[string]rate{"loader": {Unlimited: true}}
	g.Rate.Roles = map[string]rate{string(access.RolePhysician): {Unlimited: true}}
	return g
}

// build reads the networks and rates; what cannot be meant is an error that names its key.
func (g gateway) build() (server.Gateway, error) {
	out := server.Gateway{Concurrent: g.Concurrent}
	if g.Concurrent < 0 {
		return out, fmt.Errorf("gateway.concurrent is a number of requests")
	}
	var err error
	if out.Proxies, err = networks("gateway.proxies", g.Proxies); err != nil {
		return out, err
	}
	if out.Networks.Clients, err = networksBy("gateway.allow.clients", g.Allow.Clients); err != nil {
		return out, err
	}
	if out.Networks.Roles, err = networksBy("gateway.allow.roles", g.Allow.Roles); err != nil {
		return out, err
	}
	return out, g.rates(&out.Rates)
}

func (g gateway) rates(out *server.Rates) error {
	var err error
	if out.Address, err = g.Rate.Address.build("gateway.rate.address"); err != nil {
		return err
	}
	if out.Caller, err = g.Rate.Caller.build("gateway.rate.caller"); err != nil {
		return err
	}
	if out.Clients, err = ratesBy("gateway.rate.clients", g.Rate.Clients); err != nil {
		return err
	}
	out.Roles, err = ratesBy("gateway.rate.roles", g.Rate.Roles)
	if err != nil {
		return err
	}
	for _, named := range [][]string{slices.Collect(maps.Keys(g.Rate.Roles)), slices.Collect(maps.Keys(g.Allow.Roles))} {
		for _, role := range named {
			if !slices.Contains(access.Roles(), access.Role(role)) {
				return fmt.Errorf("gateway: there is no role %q", role)
			}
		}
	}
	return nil
}

// build is a rate that is whole: both numbers, or none, or unlimited.
func (r rate) build(key string) (server.Rate, error) {
	whole := r.PerSecond > 0 && r.Burst >= 1
	if r != (rate{}) && r != (rate{Unlimited: true}) && (!whole || r.Unlimited) {
		return server.Rate{}, fmt.Errorf("%s wants per_second and burst, both above zero, or unlimited: true", key)
	}
	return server.Rate(r), nil
}

func ratesBy(key string, named map[string]rate) (map[string]server.Rate, error) {
	out := map[string]server.Rate{}
	for name, r := range named {
		var err error
		if out[name], err = r.build(key + "." + name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func networks(key string, list []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(list))
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is no network, as in 10.1.0.0/16", key, text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func networksBy(key string, named map[string][]string) (map[string][]netip.Prefix, error) {
	out := map[string][]netip.Prefix{}
	for name, list := range named {
		var err error
		if out[name], err = networks(key+"."+name, list); err != nil {
			return nil, err
		}
	}
	return out, nil
}
