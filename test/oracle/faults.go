package oracle

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
)

// fault is what goes wrong between an API server and its store.
type fault struct {
	// method is the end of the gRPC methods that are concerned, such as "KV/Range"; empty are all.
	method string
	// holding restricts it to requests that hold these bytes, such as a key.
	holding string
	// delay comes before the request is sent on, or refused.
	delay time.Duration
	// refuse is the answer; nil lets the request pass.
	refuse error
	// times is how often; zero is always.
	times int
}

// faulty is a door to a store that does as it is told. What passes is not understood, only copied.
type faulty struct {
	listener net.Listener
	server   *grpc.Server
	store    *grpc.ClientConn

	mu     sync.Mutex
	fault  *fault
	struck int
	seen   map[string]int
}

// newFaulty opens a door to the store at an address, until the test ends.
func newFaulty(t *testing.T, store string) *faulty {
	t.Helper()
	u, err := url.Parse(store)
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{seen: map[string]int{}}
	if f.store, err = grpc.NewClient("passthrough:///"+u.Host, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(verbatim{}), grpc.MaxCallRecvMsgSize(1<<30))); err != nil {
		t.Fatal(err)
	}
	if f.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	f.server = grpc.NewServer(grpc.ForceServerCodec(verbatim{}), grpc.UnknownServiceHandler(f.pass), grpc.MaxRecvMsgSize(1<<30),
		// As etcd has it: its clients look often whether it lives.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}))
	go func() { _ = f.server.Serve(f.listener) }()
	t.Cleanup(func() {
		f.server.Stop()
		_ = f.store.Close()
	})
	return f
}

func (f *faulty) url() string { return "http://" + f.listener.Addr().String() }

// set makes things go wrong from now on; nil ends that.
func (f *faulty) set(wrong *fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.struck = wrong, 0
}

// calls is how many requests of a method have come.
func (f *faulty) calls(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[method]
}

// strikes tells what goes wrong with a message.
func (f *faulty) strikes(method string, message []byte) *fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := f.fault
	if w == nil || !strings.HasSuffix(method, w.method) || !strings.Contains(string(message), w.holding) || w.times > 0 && f.struck >= w.times {
		return nil
	}
	f.struck++
	return w
}

func (f *faulty) pass(_ any, in grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(in)
	f.mu.Lock()
	f.seen[method[strings.LastIndex(method, ".")+1:]]++
	f.mu.Unlock()
	md, _ := metadata.FromIncomingContext(in.Context())
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(in.Context(), md.Copy()))
	defer cancel()
	out, err := f.store.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	ended := make(chan error, 2)
	go func() {
		for {
			var m []byte
			if err := in.RecvMsg(&m); err != nil {
				if err == io.EOF {
					_ = out.CloseSend()
					return
				}
				ended <- err
				return
			}
			if w := f.strikes(method, m); w != nil {
				select {
				case <-time.After(w.delay):
				case <-ctx.Done():
				}
				if w.refuse != nil {
					ended <- w.refuse
					return
				}
			}
			if err := out.SendMsg(&m); err != nil {
				return // what is wrong is told to the reader of answers
			}
		}
	}()
	go func() {
		header, err := out.Header()
		if err == nil {
			err = in.SendHeader(header)
		}
		for err == nil {
			var m []byte
			if err = out.RecvMsg(&m); err == nil {
				err = in.SendMsg(&m)
			}
		}
		in.SetTrailer(out.Trailer())
		if err == io.EOF {
			err = nil
		}
		ended <- err
	}()
	return <-ended
}

// verbatim leaves messages as they are.
type verbatim struct{}

func (verbatim) Name() string { return "proto" }

func (verbatim) Marshal(v any) ([]byte, error) {
	b, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("%T is no bytes", v)
	}
	return *b, nil
}

func (verbatim) Unmarshal(data []byte, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("%T is no bytes", v)
	}
	*b = append([]byte(nil), data...)
	return nil
}
