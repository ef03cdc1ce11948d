package bustest_test

import (
	"testing"

	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/bustest"
)

func TestMemoryIsABus(t *testing.T) {
	bustest.Run(t, func(_ *testing.T, members int) bustest.Made {
		bus := transport.NewMemory(members, transport.Faults{})
		return bustest.Made{
			Bus: func(int) transport.Bus { return bus }, Serial: true,
			Deliver: func() {
				for bus.Deliver() {
				}
			},
		}
	})
}
