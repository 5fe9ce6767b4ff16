package etcdstore

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apiserver/pkg/storage/storagebackend"
)

// slowDial is a network where stores answer when the test says.
type slowDial struct {
	mu     sync.Mutex
	dialed map[string]int
	answer map[string]chan error
}

func (d *slowDial) dial(c clientv3.Config) (*clientv3.Client, error) {
	d.mu.Lock()
	d.dialed[c.Endpoints[0]]++
	answer := d.answer[c.Endpoints[0]]
	d.mu.Unlock()
	if answer != nil {
		if err := <-answer; err != nil {
			return nil, err
		}
	}
	client := clientv3.NewCtxClient(c.Context)
	return client, nil
}

func TestStoreThatDoesNotAnswerDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &slowDial{dialed: map[string]int{}, answer: map[string]chan error{"http://dead": make(chan error)}}
		c := NewConnections(false)
		c.dial = func(config clientv3.Config) (*clientv3.Client, error) {
			config.Context = t.Context()
			return network.dial(config)
		}
		at := func(address string) storagebackend.TransportConfig {
			return storagebackend.TransportConfig{ServerList: []string{address}}
		}
		gaveUp := errors.New("no answer")
		var waiting sync.WaitGroup
		for range 2 {
			waiting.Go(func() {
				if _, err := c.Open(at("http://dead"), 0); !errors.Is(err, gaveUp) || !strings.Contains(err.Error(), "http://dead") {
					t.Errorf("opening a store that does not answer: %v", err)
				}
			})
		}
		synctest.Wait()
		first, err := c.Open(at("http://alive"), 0)
		if err != nil {
			t.Fatal(err)
		}
		second, err := c.Open(at("http://alive"), 0)
		if err != nil {
			t.Fatal(err)
		}
		network.answer["http://dead"] <- gaveUp
		waiting.Wait()
		if network.dialed["http://dead"] != 1 || network.dialed["http://alive"] != 1 {
			t.Errorf("connections made: %v, want one for each store", network.dialed)
		}
		// A store that answers later can be opened then.
		delete(network.answer, "http://dead")
		late, err := c.Open(at("http://dead"), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, client := range []*Client{first, second, late, late} {
			client.Release()
		}
		if len(c.open) != 0 {
			t.Errorf("%d connections are still open", len(c.open))
		}
	})
}

func TestClientMetricsAreThoseOfTheHealthChecks(t *testing.T) {
	if clientMetrics() == nil {
		t.Error("the requests to etcd are not counted: what is registered under grpc_client is of another type")
	}
}
