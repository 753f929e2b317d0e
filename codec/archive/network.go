package archive

import (
	"reflect"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// readNetwork takes what Podman's network.status says: for each network the
// interfaces with the addresses that are asked for again (Podman:
// libpod/container_internal_common.go, restore; common: libnetwork/types,
// StatusBlock). Other engines write other documents, or null.
func (r *containerReader) readNetwork() error {
	var nets any
	ok, err := readShaped(&r.faults, r.dir, networkStatus, &nets, reflect.TypeFor[statusBlocks]())
	if !ok {
		return err
	}
	if ip := findString(nets, "ipnet", 8); ip != "" {
		r.c.IP, _, _ = strings.Cut(ip, "/")
	}
	list, ok := nets.(map[string]any)
	if !ok {
		return nil
	}
	for _, name := range sortedKeys(list) {
		r.c.Orders.Networks = append(r.c.Orders.Networks, interfacesOf(name, list[name])...)
	}
	return nil
}

// statusBlocks is what Podman decodes network.status into.
type statusBlocks map[string]struct {
	Interfaces map[string]struct {
		MAC     string `json:"mac_address"`
		Subnets []struct {
			IPNet string `json:"ipnet"`
		} `json:"subnets"`
	} `json:"interfaces"`
}

// interfacesOf lists the interfaces of one network; the network alone if it has
// none.
func interfacesOf(network string, status any) []format.ContainerNetwork {
	block, _ := status.(map[string]any)
	interfaces, _ := block["interfaces"].(map[string]any)
	if len(interfaces) == 0 {
		return []format.ContainerNetwork{{Name: network}}
	}
	var list []format.ContainerNetwork
	for _, name := range sortedKeys(interfaces) {
		one, _ := interfaces[name].(map[string]any)
		mac, _ := one["mac_address"].(string)
		n := format.ContainerNetwork{Name: network, Interface: name, MAC: mac}
		subnets, _ := one["subnets"].([]any)
		for _, s := range subnets {
			if ip := findString(s, "ipnet", 2); ip != "" {
				n.Addresses = append(n.Addresses, ip)
			}
		}
		slices.Sort(n.Addresses)
		list = append(list, n)
	}
	return list
}

// findString gives the first string named key in a document, in the order of
// keys, down to a depth.
func findString(doc any, key string, depth int) string {
	if depth == 0 {
		return ""
	}
	switch v := doc.(type) {
	case map[string]any:
		if s, ok := v[key].(string); ok {
			return s
		}
		for _, k := range sortedKeys(v) {
			if s := findString(v[k], key, depth-1); s != "" {
				return s
			}
		}
	case []any:
		for _, e := range v {
			if s := findString(e, key, depth-1); s != "" {
				return s
			}
		}
	}
	return ""
}
