package oracle

import (
	"encoding/binary"
	"fmt"
	"io"
)

// webSocket reads the frames of a server to the end: what came on each channel, which is the first byte of a message, and how
// the connection was closed. How the text was cut into frames is chance.
func webSocket(r io.Reader) map[string]any {
	channels := map[string]any{}
	out := map[string]any{"protocol": "websocket", "channels": channels}
	for {
		var head [2]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			out["end"] = "cut"
			return out
		}
		length := uint64(head[1] & 0x7f)
		var err error
		switch length {
		case 126:
			var n uint16
			err = binary.Read(r, binary.BigEndian, &n)
			length = uint64(n)
		case 127:
			err = binary.Read(r, binary.BigEndian, &length)
		}
		if err != nil || length > 1<<20 {
			out["end"] = "broken"
			return out
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(r, payload); err != nil {
			out["end"] = "broken"
			return out
		}
		switch kind := head[0] & 0x0f; {
		case kind == 8 && len(payload) >= 2:
			out["end"] = fmt.Sprintf("closed %d %s", binary.BigEndian.Uint16(payload), payload[2:])
			return out
		case kind == 8:
			out["end"] = "closed"
			return out
		case (kind == 1 || kind == 2 || kind == 0) && len(payload) > 0:
			key := fmt.Sprintf("%d", payload[0])
			before, _ := channels[key].(string)
			channels[key] = before + string(payload[1:])
		}
	}
}
