package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/omega-sheaf-os/omega/impl/ceremony"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// ConfigName is the file with its settings that Try puts into each member's folder.
const ConfigName = "node.toml"

// Trial is a cluster on one machine.
type Trial struct {
	Chain   cert.Hash
	Configs []string // the members' configuration files; the first runs the engine
	Made    bool     // it was not there before
}

// TryOptions say what a cluster on one machine is to be.
type TryOptions struct {
	Members int
	Listen  string // of the engine, for clients
	HTTP    string // of the first member; the others have the ports behind it, or free ones for port 0
}

// Try makes a cluster on one machine in the folder dir, absent or empty: all members'
// ceremony in one go (package ceremony), a folder member-I for each, of which the first
// runs the engine for all, open to whoever comes over the loopback. A cluster that is
// there is taken as it is.
func Try(dir string, o TryOptions) (*Trial, error) {
	if t, err := tried(dir); t != nil || err != nil {
		return t, err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty, and no cluster to try: it has %q: %w", dir, entries[0].Name(), fs.ErrExist)
	}
	t := &Trial{Made: true}
	var parties []*Party
	var parts []*ceremony.Member
	for i := range o.Members {
		name := fmt.Sprintf("member-%d", i+1)
		p, err := NewParty(filepath.Join(dir, name), PartyOptions{Member: cert.Member{Name: name, Nodes: []uint32{uint32(i + 1)}}})
		if err != nil {
			return nil, err
		}
		parties, parts = append(parties, p), append(parts, p.Part)
	}
	genesis, err := foundAt(parties, parts)
	if err != nil {
		return nil, err
	}
	t.Chain = genesis.Envelope.Hash()
	for i, p := range parties {
		folder := filepath.Join(dir, p.Part.Name)
		text, err := trialConfig(i, o)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(folder, ConfigName)
		if err := durable.WriteFile(durable.OS{}, path, text, 0o644); err != nil {
			return nil, err
		}
		if err := Settle(folder, genesis, parts); err != nil {
			return nil, err
		}
		t.Configs = append(t.Configs, path)
	}
	return t, nil
}

// foundAt has all parties sign the genesis.
func foundAt(parties []*Party, parts []*ceremony.Member) (*cert.Certificate, error) {
	proposal, err := ceremony.Gather(parts)
	if err != nil {
		return nil, err
	}
	var signatures []*ceremony.Signature
	for _, p := range parties {
		s, err := proposal.Sign(p.Part, p.Key)
		if err != nil {
			return nil, err
		}
		signatures = append(signatures, s)
	}
	return proposal.Assemble(signatures)
}

// trialConfig writes the settings of member i, from 0.
func trialConfig(i int, o TryOptions) ([]byte, error) {
	http, err := behind(o.HTTP, i)
	if err != nil {
		return nil, err
	}
	b := fmt.Appendf(nil, "data = %q\nhttp = %q\n", ".", http)
	if i == 0 {
		return fmt.Appendf(b, "listen = %q\nguests = [\"*\"]\n", o.Listen), nil
	}
	return fmt.Appendf(b, "nats = [%q]\n", "nats://"+o.Listen), nil
}

// behind returns the address whose port is n behind; port 0 and no address stay.
func behind(address string, n int) (string, error) {
	if address == "" {
		return "", nil
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return address, err
	}
	return net.JoinHostPort(host, strconv.FormatUint(port+uint64(n), 10)), nil
}

// tried finds a cluster that Try has made, nil where there is none.
func tried(dir string) (*Trial, error) {
	t := &Trial{}
	for i := 1; ; i++ {
		folder := filepath.Join(dir, fmt.Sprintf("member-%d", i))
		path := filepath.Join(folder, ConfigName)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return nil, err
		}
		records, err := certlog.Read(certlog.Path(folder))
		if err != nil {
			return nil, err
		}
		if len(records) > 0 {
			t.Chain = records[0].Certificate.Envelope.Hash()
		}
		t.Configs = append(t.Configs, path)
	}
	if len(t.Configs) == 0 {
		return nil, nil
	}
	return t, nil
}
