// Package subject names the subjects that a chain's members and clients use on an
// engine of NATS, and says who may use which (clauses ENG-2 and ENG-3).
//
// CHAIN is the first 16 hex digits of the chain's name (CRT-6), I and J are
// members' indexes in the roster:
//
//	omega.CHAIN.from.I.to.J              a message of member I for member J
//	omega.CHAIN.events.NODE.STREAM       an event, of the node and stream in its key
//	omega.CHAIN.truth.KIND               prepare, commit, certificate, obstruction
//	omega.CHAIN.inbox.I.>                answers of the engine to member I
//
// All events are in one JetStream stream, OMEGA-EVENTS-CHAIN, in which every
// member has a durable consumer under its roster name.
package subject

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// chainDigits is how much of a chain's name is in a subject, in hex digits.
const chainDigits = 16

// Chain names the subjects of one chain. The zero Chain names none.
type Chain struct{ digits string }

// Of returns the subjects of the chain of this name (ENG-2).
func Of(chain cert.Hash) Chain { return Chain{chain.String()[:chainDigits]} }

// String returns the digits of the chain's name.
func (c Chain) String() string { return c.digits }

func (c Chain) at(rest string) string { return "omega." + c.digits + "." + rest }

// Send is the subject of messages from one member to another.
func (c Chain) Send(from, to int) string {
	return c.at("from." + strconv.Itoa(from) + ".to." + strconv.Itoa(to))
}

// Receive matches the subjects of all messages to a member.
func (c Chain) Receive(to int) string { return c.at("from.*.to." + strconv.Itoa(to)) }

// Inbox is what the subjects of the engine's answers to a member begin with.
func (c Chain) Inbox(member int) string { return c.at("inbox." + strconv.Itoa(member)) }

// Event is the subject of the events of one node's stream (ENG-7).
func (c Chain) Event(node uint32, stream uint16) string {
	return c.at(fmt.Sprintf("events.%d.%d", node, stream))
}

// Events matches the subjects of all events.
func (c Chain) Events() string { return c.at("events.*.*") }

// Stream is the name of the JetStream stream of all events (ENG-8).
func (c Chain) Stream() string { return "OMEGA-EVENTS-" + c.digits }

// Consumer is the name of a member's durable consumer. A dot, which such names
// cannot have, is written =, which no roster name has.
func Consumer(member string) string { return strings.ReplaceAll(member, ".", "=") }

// Kind is a kind of truth that members tell everybody (ENG-14).
type Kind string

// The kinds of truth.
const (
	Prepare     Kind = "prepare"
	Commit      Kind = "commit"
	Certificate Kind = "certificate"
	Obstruction Kind = "obstruction"
)

// Truth is the subject of one kind of truth.
func (c Chain) Truth(k Kind) string { return c.at("truth." + string(k)) }

// Permissions are the subjects that somebody may use, with the wildcards of NATS.
// An empty list allows nothing.
type Permissions struct{ Publish, Subscribe []string }

// Member returns what a member may do: speak as itself, tell truth, publish events
// of its own nodes, and read the events through its own consumer (ENG-3).
func (c Chain) Member(index int, m *cert.Member) Permissions {
	stream, consumer := c.Stream(), Consumer(m.Name)
	return Permissions{
		Publish: append(c.nodes(m.Nodes),
			c.at("from."+strconv.Itoa(index)+".to.*"),
			c.at("truth.*"),
			"$JS.API.CONSUMER.INFO."+stream+"."+consumer,
			"$JS.API.CONSUMER.MSG.NEXT."+stream+"."+consumer,
			"$JS.ACK."+stream+"."+consumer+".>",
		),
		Subscribe: []string{c.Receive(index), c.at("truth.*"), c.Inbox(index) + ".>"},
	}
}

// Client returns what somebody who is no member may do: publish events of these
// nodes and hear the truth (ENG-3).
func (c Chain) Client(nodes ...uint32) Permissions {
	return Permissions{Publish: c.nodes(nodes), Subscribe: []string{c.at("truth.*"), "_INBOX.>"}}
}

func (c Chain) nodes(nodes []uint32) []string {
	var subjects []string
	for _, n := range nodes {
		subjects = append(subjects, c.at(fmt.Sprintf("events.%d.*", n)))
	}
	return subjects
}
