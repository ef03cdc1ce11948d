// Package events carries events from their writers to the members, over a JetStream
// stream (clauses ENG-7 to ENG-13).
//
// Ensure sets the stream up, with a durable consumer for each member. A Publisher
// puts events into it; a Consumer, which is a transport.Source, hands them to its
// member, which acknowledges each once it is certified. An event that all members
// have acknowledged leaves the stream. A full stream refuses new events rather than
// lose old ones: so slow members hold publishers back.
//
// A writer signs its events with the key that the roster gives its node; the
// signature travels beside the event, as 128 hex digits in a header,
//
//	Omega-Signature: Ed25519 over "omega/event/v1\0" | chain[32] | event
//
// An event without one is handed over marked so; one with a wrong one is not.
package events

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// SignatureHeader is the header in which an event's signature travels (ENG-11).
const SignatureHeader = "Omega-Signature"

const eventTag = "omega/event/v1\x00"

// SignedMessage is what the signature of an event is over (ENG-11).
func SignedMessage(chain cert.Hash, event []byte) []byte {
	b := make([]byte, 0, len(eventTag)+len(chain)+len(event))
	b = append(b, eventTag...)
	b = append(b, chain[:]...)
	return append(b, event...)
}

// The ways in which a message is no event of the chain (ENG-12). Match with errors.Is.
var (
	ErrMalformed = errors.New("not an event")
	ErrSubject   = errors.New("the event is of another node or stream than its subject")
	ErrSignature = errors.New("the event's signature does not verify")
)

// newMessage makes the message of an event; signature nil: unsigned. The error wraps
// ErrMalformed or ErrTooLarge.
func newMessage(chain subject.Chain, e []byte, signature *cert.Signature) (*nats.Msg, error) {
	if len(e) > transport.MaxMessage {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", transport.ErrTooLarge, len(e), transport.MaxMessage)
	}
	v, err := event.Parse(e)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	m := nats.NewMsg(chain.Event(v.Key().Node(), v.Key().Stream()))
	m.Data = e
	id := sha256.New()
	id.Write(e)
	if signature != nil {
		m.Header.Set(SignatureHeader, hex.EncodeToString(signature[:]))
		id.Write(signature[:])
	}
	m.Header.Set(jetstream.MsgIDHeader, hex.EncodeToString(id.Sum(nil)))
	return m, nil
}

// Keys returns the public keys under which a node's writer may have signed: the one
// that the roster gives it, and after a rotation the one before. None: no member
// writes this node.
type Keys func(node uint32) []cert.PublicKey

// judge finds out whether a message is an event, and whether its writer signed it.
// The error wraps ErrMalformed, ErrSubject or ErrSignature.
func judge(chain cert.Hash, keys Keys, subj string, header nats.Header, data []byte) (signature cert.Signature, signed bool, err error) {
	v, err := event.Parse(data)
	if err != nil {
		return signature, false, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if want := subject.Of(chain).Event(v.Key().Node(), v.Key().Stream()); subj != want {
		return signature, false, fmt.Errorf("%w: got %s, want %s", ErrSubject, subj, want)
	}
	values := header.Values(SignatureHeader)
	public := keys(v.Key().Node())
	if len(values) == 0 || len(public) == 0 {
		return signature, false, nil
	}
	decoded, err := hex.DecodeString(values[0])
	if err != nil || len(values) > 1 || len(decoded) != len(signature) {
		return signature, false, fmt.Errorf("%w: want one header of %d hex digits", ErrSignature, 2*len(signature))
	}
	message := SignedMessage(chain, data)
	for _, k := range public {
		if ed25519.Verify(k[:], message, decoded) {
			return cert.Signature(decoded), true, nil
		}
	}
	return signature, false, fmt.Errorf("%w: key %v", ErrSignature, v.Key())
}
