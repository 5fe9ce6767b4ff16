package coalesce

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipe is a connection whose other end takes what it is sent when it likes. It counts what is sent at once.
type pipe struct {
	net.Conn
	sends *[]int
}

func (p pipe) Write(b []byte) (int, error) {
	*p.sends = append(*p.sends, len(b))
	return p.Conn.Write(b)
}

func newPipe(t *testing.T) (ours *conn, theirs net.Conn, sends *[]int) {
	t.Helper()
	a, b := net.Pipe()
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	sends = new([]int)
	return newConn(pipe{a, sends}), b, sends
}

// What many small writes say while the receiver is slow goes out at once, and in order.
func TestCoalesces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs, sends := newPipe(t)
		var want []byte
		for i := range 1000 {
			p := bytes.Repeat([]byte{byte(i)}, 1+i%50)
			want = append(want, p...)
			if n, err := ours.Write(p); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
			if i == 0 {
				synctest.Wait() // the first is being sent now
			}
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(theirs, got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("it got something else: %v", err)
		}
		if len(*sends) != 2 {
			t.Errorf("sent in %d parts: %v", len(*sends), *sends)
		}
	})
}

// A writer waits when much waits already, and goes on when the receiver does.
func TestHoldsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs, _ := newPipe(t)
		const each, all = 4 << 10, 100
		written := 0
		go func() {
			for range all {
				if _, err := ours.Write(make([]byte, each)); err != nil {
					t.Error(err)
				}
				written++
			}
		}()
		synctest.Wait()
		if held := written * each; held < most || held > 2*most {
			t.Errorf("%d bytes wait or are sent, most of each is %d", held, most)
		}
		if _, err := io.ReadFull(theirs, make([]byte, all*each)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if written != all {
			t.Errorf("%d of %d written", written, all)
		}
	})
}

// A large write is sent as it is, if nothing is being sent, and after what was written before.
func TestLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs, sends := newPipe(t)
		got := make(chan []byte)
		go func() {
			b, _ := io.ReadAll(theirs)
			got <- b
		}()
		var want []byte
		sizes := []int{large, 3, large - 1, 5 * large, large}
		for i, size := range sizes {
			p := bytes.Repeat([]byte{byte('a' + i)}, size)
			want = append(want, p...)
			if _, err := ours.Write(p); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if !slices.Contains(*sends, size) {
				t.Errorf("%d bytes were not sent as they are: %v", size, *sends)
			}
		}
		if err := ours.Close(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(<-got, want) {
			t.Error("it got something else")
		}
	})
}

// Writers of every size at once: each write arrives whole.
func TestMany(t *testing.T) {
	ours, theirs, _ := newPipe(t)
	const writers, writes = 8, 300
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for range writes {
				// The length, and that many of the writer's letter.
				n := rand.IntN(3 * large)
				p := append([]byte{byte(n >> 16), byte(n >> 8), byte(n)}, bytes.Repeat([]byte{byte('a' + w)}, n)...)
				if _, err := ours.Write(p); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() {
		all.Wait()
		_ = ours.Close()
	}()
	seen := 0
	for head := make([]byte, 3); ; seen++ {
		if _, err := io.ReadFull(theirs, head); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(theirs, p); err != nil {
			t.Fatal(err)
		}
		if len(p) > 0 && len(bytes.Trim(p, string(p[:1]))) > 0 {
			t.Fatal("a write was torn")
		}
	}
	if seen != writers*writes {
		t.Errorf("%d of %d writes arrived", seen, writers*writes)
	}
}

// What could not be sent is said to the next writer, and to those who wait.
func TestErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs, _ := newPipe(t)
		var failed error
		go func() {
			for failed == nil {
				_, failed = ours.Write(make([]byte, large-1))
			}
		}()
		synctest.Wait()
		if failed != nil {
			t.Fatal(failed)
		}
		_ = theirs.Close()
		synctest.Wait()
		if !errors.Is(failed, io.ErrClosedPipe) {
			t.Errorf("the writer that waited got %v", failed)
		}
		for _, size := range []int{1, large} {
			if _, err := ours.Write(make([]byte, size)); !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("a writer of %d bytes got %v", size, err)
			}
		}
	})
}

func TestClose(t *testing.T) {
	for _, tt := range []struct {
		name  string
		reads bool
		takes time.Duration
	}{{"sends what waits", true, 0}, {"waits for nobody who does not read", false, grace}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs, _ := newPipe(t)
				for range 2 {
					if _, err := ours.Write([]byte("word")); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				began := time.Now()
				closed := make(chan error)
				go func() { closed <- ours.Close() }()
				synctest.Wait()
				if _, err := ours.Write([]byte("more")); !errors.Is(err, net.ErrClosed) {
					t.Errorf("a write after it got %v", err)
				}
				if tt.reads {
					if b, err := io.ReadAll(theirs); string(b) != "wordword" || err != nil {
						t.Errorf("got %q, %v", b, err)
					}
				}
				if err := <-closed; err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took != tt.takes {
					t.Errorf("it took %s, want %s", took, tt.takes)
				}
			})
		})
	}
}

// A deadline that has passed refuses writes, and a later one allows them again; what was written before goes out.
func TestWriteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs, _ := newPipe(t)
		write := func(s string) error { _, err := ours.Write([]byte(s)); return err }
		read := func(want string) {
			t.Helper()
			b := make([]byte, len(want))
			if _, err := io.ReadFull(theirs, b); err != nil || string(b) != want {
				t.Errorf("got %q, %v; want %q", b, err, want)
			}
			synctest.Wait()
		}
		if err := write("before"); err != nil {
			t.Fatal(err)
		}
		if err := ours.SetDeadline(time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := write("late"); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a late write got %v", err)
		}
		read("before")
		if err := write("late"); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a late write when nothing waits got %v", err)
		}
		if err := ours.SetWriteDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		if err := write("after"); err != nil {
			t.Fatal(err)
		}
		read("after")
		// One to come is for what waits, too.
		if err := write("stuck"); err != nil {
			t.Fatal(err)
		}
		if err := ours.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if err := write("late"); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a write after one that was stuck got %v", err)
		}
	})
}

// TLS that is closed says so after what was written: the client's end of file is a clean one.
func TestTLS(t *testing.T) {
	served := httptest.NewUnstartedServer(nil)
	served.StartTLS() // for its certificate
	defer served.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const size = 1 << 20
	serve := func() error {
		c, err := tls.NewListener(Listener(l), &tls.Config{Certificates: served.TLS.Certificates}).Accept()
		if err != nil {
			return err
		}
		for left := size; left > 0; {
			n := min(left, 1+rand.IntN(5000))
			if _, err := c.Write(make([]byte, n)); err != nil {
				return err
			}
			left -= n
		}
		return c.Close()
	}
	for range 20 {
		result := make(chan error, 1)
		go func() { result <- serve() }()
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(c)
		if err != nil || len(b) != size {
			t.Errorf("got %d bytes and %v", len(b), err)
		}
		if err := <-result; err != nil {
			t.Error(err)
		}
		_ = c.Close()
	}
}
