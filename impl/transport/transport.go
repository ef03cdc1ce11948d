// Package transport carries messages between the members of a chain.
//
// A Bus is trusted for liveness alone, never for safety: it may lose messages,
// repeat them, reorder them and make them up, and what it hands over is bytes
// that the receiver has to verify. Members are named by their index in the
// roster. Memory is a Bus within one process, with faults that follow from a seed;
// package natsbus has one over NATS. What every Bus does is the suite of package
// bustest.
//
// A Source hands over events that clients have published; package events has one
// over a JetStream stream.
package transport

import "errors"

// MaxMessage is the largest message in bytes that every engine carries (ENG-4): the
// 1 MiB that NATS servers take by default, less room for headers. Memory, which
// hands over slices, has no limit.
const MaxMessage = 1_000_000

// Bus connects members.
type Bus interface {
	// Join connects a member that is not connected. The bus hands each message for
	// it to receive, one after the other. The bytes must not be changed.
	Join(member int, receive func(b []byte)) (Endpoint, error)
}

// Endpoint is one member's end of a Bus. The bytes handed to it must not be
// changed afterwards. No error means that a message is under way, not that it arrives.
type Endpoint interface {
	// Send sends b to one other member. It does not wait for it.
	Send(to int, b []byte) error
	// Broadcast sends b to all other members.
	Broadcast(b []byte) error
	// Close disconnects the member. What is under way to it is lost: once Close has
	// returned, receive is not called. It may join again. A receive function does not
	// close its own endpoint.
	Close() error
}

// The errors of a Bus, one a cause.
var (
	ErrUnknownMember = errors.New("unknown member")
	ErrSelf          = errors.New("a member sends nothing to itself")
	ErrJoined        = errors.New("the member is connected already")
	ErrClosed        = errors.New("the endpoint is closed")
	ErrTooLarge      = errors.New("the message is too large")
)
