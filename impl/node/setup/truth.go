package setup

import (
	"log/slog"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node/member"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// newsRoom is how many news wait for the engine at most.
const newsRoom = 1024

// teller publishes truth (ENG-14).
type teller interface {
	Tell(kind subject.Kind, payload []byte) error
}

// tell publishes what the member comes to know, and logs it, until the news end.
func (n *Node) tell(news *member.Subscription) {
	tell(news.C, n.place, n.log)
	if missed := news.Missed(); missed > 0 {
		n.log.Warn("truth was not told: the engine did not keep up", "missed", missed)
	}
}

// tell publishes news. A truth that the engine does not take is lost, as ENG-14 has it.
func tell(news <-chan member.News, to teller, log *slog.Logger) {
	for n := range news {
		switch n.Kind {
		case member.PrepareNews:
			tellOne(to, subject.Prepare, n.Message, log)
		case member.CommitNews:
			tellOne(to, subject.Commit, n.Message, log)
		case member.CertificateNews:
			log.Info("certificate", "height", n.Height, "type", n.Certificate.Envelope.Type.String(), "hash", n.Certificate.Envelope.Hash().String())
			tellRecord(to, subject.Certificate, n.Certificate, log)
		case member.ObstructionNews:
			log.Warn("obstruction", "height", n.Height)
			tellRecord(to, subject.Obstruction, n.Certificate, log)
		}
	}
}

func tellRecord(to teller, kind subject.Kind, c *cert.Certificate, log *slog.Logger) {
	record, err := cert.AppendRecord(nil, c)
	if err != nil {
		log.Error("a certificate has no record", "error", err)
		return
	}
	tellOne(to, kind, record, log)
}

func tellOne(to teller, kind subject.Kind, payload []byte, log *slog.Logger) {
	if err := to.Tell(kind, payload); err != nil {
		log.Debug("a truth is not told", "kind", string(kind), "error", err)
	}
}
