package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// window is how much a server may send ahead: more than it will.
const window = 1 << 30

// Watches opens a watch of the path for each watcher, all on one HTTP/2 connection as one program has them, and reads until each has seen n events. It calls
// ready when the server has begun to answer one, and event at each. A server ends the watches that it cannot deliver fast enough; as any client
// would, this one then goes on after the last event it has.
//
// It reads frames and nothing more: a general client spends on an event about what the server does, on the same machine.
func (c *Client) Watches(ctx context.Context, path string, watchers []int, n int, ready func(), event func(watcher, i int)) error {
	s, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer s.conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	defer stop()
	for _, w := range watchers {
		if err := s.open(path, &watched{watcher: w}); err != nil {
			return err
		}
	}
	for left := len(watchers); left > 0; {
		f, err := s.frames.ReadFrame()
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			w := s.streams[f.StreamID]
			if status := f.PseudoValue("status"); status != "200" {
				return fmt.Errorf("watch %s: status %s", path, status)
			}
			if !w.begun {
				w.begun = true
				ready()
			}
		case *http2.DataFrame:
			w := s.streams[f.StreamID]
			w.add(f.Data(), func() {
				if w.seen < n {
					event(w.watcher, w.seen)
				}
				if w.seen++; w.seen == n {
					left--
				}
			})
			if f.StreamEnded() && w.seen < n {
				err = s.goOn(path, w)
			}
		case *http2.RSTStreamFrame:
			if w := s.streams[f.StreamID]; w.seen < n {
				err = s.goOn(path, w)
			}
		case *http2.GoAwayFrame:
			err = fmt.Errorf("the server ends the connection: %v %s", f.ErrCode, f.DebugData())
		case *http2.SettingsFrame:
			if !f.IsAck() {
				err = s.write(s.frames.WriteSettingsAck)
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				err = s.write(func() error { return s.frames.WritePing(true, f.Data) })
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// streams are the watches of a connection.
type streams struct {
	conn    net.Conn
	out     *bufio.Writer
	frames  *http2.Framer
	host    string
	next    uint32
	streams map[uint32]*watched
}

func (c *Client) dial(ctx context.Context) (*streams, error) {
	u, err := url.Parse(c.host)
	if err != nil {
		return nil, err
	}
	config := c.tls.Clone()
	config.NextProtos = []string{http2.NextProtoTLS}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	s := &streams{conn: conn, out: bufio.NewWriter(conn), host: u.Host, next: 1, streams: map[uint32]*watched{}}
	s.frames = http2.NewFramer(s.out, bufio.NewReaderSize(conn, 64<<10))
	s.frames.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	s.frames.SetReuseFrames()
	err = s.write(func() error {
		if _, err := s.out.WriteString(http2.ClientPreface); err != nil {
			return err
		}
		return errors.Join(s.frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}, http2.Setting{ID: http2.SettingEnablePush, Val: 0}),
			s.frames.WriteWindowUpdate(0, window))
	})
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *streams) write(frames func() error) error {
	if err := frames(); err != nil {
		return err
	}
	return s.out.Flush()
}

// open begins a watch.
func (s *streams) open(path string, w *watched) error {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", s.host}, {":path", path}, {"accept", protobuf + ";stream=watch"}} {
		if err := encoder.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}); err != nil {
			return err
		}
	}
	s.streams[s.next] = w
	err := s.write(func() error {
		return s.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: s.next, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
	})
	s.next += 2
	return err
}

// goOn begins a watch after the last event of one that has ended.
func (s *streams) goOn(path string, w *watched) error {
	w.part = w.part[:0]
	if len(w.last) > 0 {
		version, err := resourceVersion(w.last)
		if err != nil {
			return fmt.Errorf("event %d: %w", w.seen, err)
		}
		path = versionQuery.ReplaceAllString(path, "") + "&resourceVersion=" + version
	}
	return s.open(path, w)
}

// watched is one watch: a stream of events, each after its length.
type watched struct {
	watcher, seen int
	begun         bool
	// part is the beginning of an event that is not there yet, last the one before.
	part, last []byte
}

// add takes more of the stream, and calls whole for each event that is complete.
func (w *watched) add(data []byte, whole func()) {
	if len(w.part) > 0 {
		w.part = append(w.part, data...)
		data = w.part
	}
	for len(data) >= 4 {
		size := 4 + int(binary.BigEndian.Uint32(data))
		if len(data) < size {
			break
		}
		w.last = append(w.last[:0], data[4:size]...)
		data = data[size:]
		whole()
	}
	w.part = append(w.part[:0], data...)
}
