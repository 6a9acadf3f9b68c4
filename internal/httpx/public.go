package httpx

import (
	"errors"
	"net/netip"
	"syscall"
)

var errPrivate = errors.New("the address is not a public one")

// PublicOnly is a net.Dialer's Control that refuses to connect to this machine, private networks and whatever is not unicast.
func PublicOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errPrivate
	}
	ip := at.Addr().Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || sharedOrReserved(ip) {
		return errPrivate
	}
	return nil
}

// sharedOrReserved tells what IsPrivate does not (RFC 6890): carrier NAT, protocol and
// documentation blocks, NAT64, 6to4.
func sharedOrReserved(ip netip.Addr) bool {
	for _, block := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	} {
		if netip.MustParsePrefix(block).Contains(ip) {
			return true
		}
	}
	return false
}
