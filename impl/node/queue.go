package node

type tmpMsg struct {
	to int
	b  []byte
}
type tmpBus struct {
	n int
	q []tmpMsg
}

func (b *tmpBus) Send(from, to int, m []byte) {
	for i := range b.n {
		if i != from && (to == i || to < 0) {
			b.q = append(b.q, tmpMsg{i, m})
		}
	}
}
func (b *tmpBus) Deliver() (int, []byte, bool) {
	if len(b.q) == 0 {
		return 0, nil, false
	}
	m := b.q[0]
	b.q = b.q[1:]
	return m.to, m.b, true
}
