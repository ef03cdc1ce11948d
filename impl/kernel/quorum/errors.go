package quorum

import "errors"

// The reasons for which Step refuses a message, one a cause (QRM-22). The error
// that is returned wraps one of them and says what was got and what is wanted.
// A refused message has changed nothing and has no effect.
var (
	ErrNotStarted    = errors.New("the member has not started")
	ErrStarted       = errors.New("the member has started already")
	ErrHalted        = errors.New("the member has halted")
	ErrWrongChain    = errors.New("wrong chain")
	ErrWrongRoster   = errors.New("the config's roster is not the chain's")
	ErrWrongHeight   = errors.New("wrong height")
	ErrUnknownMember = errors.New("unknown member")
	ErrNotAddressee  = errors.New("the reply is for another member")
	ErrSignature     = errors.New("the signature does not verify")
	ErrNonce         = errors.New("the reply answers another start")
	ErrProof         = errors.New("malformed proof")
	ErrStaleAttempt  = errors.New("stale attempt")
	ErrWrongAttempt  = errors.New("wrong attempt")
	ErrPrepared      = errors.New("the member has prepared in this attempt already")
	ErrNotPrepared   = errors.New("the member has not prepared in this attempt")
	ErrNotReady      = errors.New("not ready: peers have not answered since the start")
	ErrCandidate     = errors.New("the candidate does not follow the chain")
	ErrUnwanted      = errors.New("unwanted candidate: another digest is to be prepared")
	ErrJoining       = errors.New("not the signatures of those who join")
	ErrCertificate   = errors.New("the certificate does not verify")
	ErrDisk          = errors.New("the disk's state does not verify")
	ErrDiskAhead     = errors.New("the disk's state is ahead of the certificate log")
	ErrEncoding      = errors.New("malformed bytes")
)
