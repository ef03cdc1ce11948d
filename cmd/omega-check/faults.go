package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/ceremony"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/identity"
	gitimport "github.com/omega-sheaf-os/omega/impl/importer/git"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/node/client"
	"github.com/omega-sheaf-os/omega/impl/node/setup"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"golang.org/x/sys/unix"
)

// kindOf gives an error a kind and a status of its own (CLI-3).
type kindOf struct {
	err    error
	kind   string
	status int
}

// kinds are in the order in which they are looked for. What is in none of the
// cases of this file is a refusal.
var kinds = []kindOf{
	{node.ErrMissingKeys, "missing-keys", statusMissing},
	{node.ErrNoChain, kindMissing, statusMissing},
	{engine.ErrListen, "in-use", statusMissing},
	{setup.ErrHTTP, "in-use", statusMissing},
	{setup.ErrNoParty, kindMissing, statusMissing},
	{setup.ErrWhichMember, kindUsage, statusUsage},
	{engine.ErrOpenRoutes, kindUsage, statusUsage},
	{client.ErrNoAnswer, kindMissing, statusMissing},
	{ceremony.ErrMissing, "missing-signatures", statusMissing},
	{credentials.ErrPermissions, "permissions", statusNo},
	{node.ErrHeight, "height", statusUsage},
	{node.ErrSectionSignature, "bad-signature", statusNo},
	{identity.ErrPermissions, "permissions", statusNo},
	{gitimport.ErrNoGit, kindMissing, statusMissing},
	{gitimport.ErrNotRepository, kindMissing, statusMissing},
	{checkout.ErrNoCheckout, kindMissing, statusMissing},
	{durable.ErrNotRegular, kindUnreadable, statusMissing},
	{unix.ENOSPC, "disk-full", statusMissing},
	{unix.EDQUOT, "disk-full", statusMissing},
	{fs.ErrPermission, kindUnreadable, statusMissing},
	{fs.ErrNotExist, kindMissing, statusMissing},
}

// asExit gives any error of a command its status, and says as far as the error
// tells it which file is concerned, and where.
func asExit(err error) *exitError {
	var e *exitError
	if errors.As(err, &e) {
		return e
	}
	if e := damage(err); e != nil {
		return e
	}
	e = &exitError{status: statusNo, Kind: kindRefused, Message: err.Error()}
	if path, cause := pathOf(err); path != "" {
		e.File, e.Message = path, cause.Error()
	}
	var setting *setup.SettingError
	var config *setup.FileError
	var tool *tools.MissingError
	var locked *certlog.LockedError
	if errors.As(err, &tool) {
		e.status, e.Kind = statusMissing, kindMissing
	} else if errors.As(err, &setting) || errors.As(err, &config) {
		e.status, e.Kind = statusUsage, kindUsage
	} else if errors.As(err, &locked) {
		e.status, e.Kind = statusMissing, "in-use"
	} else if i := slices.IndexFunc(kinds, func(k kindOf) bool { return errors.Is(err, k.err) }); i >= 0 {
		e.status, e.Kind = kinds[i].status, kinds[i].kind
	}
	return e
}

// damage tells of a file whose bytes are wrong; it is nil for other errors.
func damage(err error) *exitError {
	at := func(file, kind string, offset int64, message string) *exitError {
		return &exitError{status: statusNo, Kind: kind, File: file, Offset: &offset, Message: message}
	}
	var input *invariant.InputError
	var changed *omegalog.ChangedError
	var log *certlog.FileError
	var vote *certlog.VoteError
	var bad *frame.Error
	var record *cert.RecordError
	var trace *archive.TraceError
	switch {
	case errors.As(err, &trace) && errors.As(trace.Err, &bad):
		return at(trace.Path, string(bad.Kind), bad.Offset, bad.Message)
	case errors.As(err, &input):
		return at(input.Name, string(input.Err.Kind), input.Err.Offset, input.Err.Message)
	case errors.As(err, &changed):
		return at(changed.Path, kindChanged, changed.Offset, "the file was changed while it was read: "+changed.Message)
	case errors.As(err, &log):
		return at(log.Path, string(log.Err.Kind), log.Err.Offset, log.Err.Message)
	case errors.As(err, &vote):
		return at(vote.Path, "bad-vote", vote.Offset, vote.Message)
	case errors.As(err, &bad):
		return at("", string(bad.Kind), bad.Offset, err.Error())
	case errors.As(err, &record):
		return at("", string(record.Kind), record.Offset, err.Error())
	}
	return nil
}

// pathOf returns the path that an error names before its cause, or "". What else
// has been put before the path stays, with the path, in the message.
func pathOf(err error) (string, error) {
	var mapped *omegalog.Error
	var key *identity.Error
	var other *fs.PathError
	var trace *archive.TraceError
	var signature *node.SignatureError
	var credential *credentials.Error
	switch {
	case errors.As(err, &credential) && credential.Error() == err.Error():
		return credential.Path, credential.Err
	case errors.As(err, &trace):
		return trace.Path, trace.Err
	case errors.As(err, &signature):
		return signature.Path, fmt.Errorf("%w: %w", node.ErrSectionSignature, signature.Err)
	case errors.As(err, &mapped) && mapped.Error() == err.Error():
		return mapped.Path, mapped.Err
	case errors.As(err, &key) && key.Error() == err.Error():
		return key.Path, key.Err
	case errors.As(err, &other) && other.Error() == err.Error():
		return other.Path, other.Err
	}
	return "", err
}
