package queue

import (
	"container/list"

	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
)

// flightLog keeps the events that came while pods were in flight: those since the earliest pod still in flight was popped.
type flightLog struct {
	events []flightEvent
	base   int64
	order  *list.List // of flightPod, in the order popped, so that the front has the smallest since
	pods   map[types.UID]*list.Element
}

type flightEvent struct {
	event    fwk.ClusterEvent
	old, new any
}

type flightPod struct {
	uid   types.UID
	since int64
}

func (f *flightLog) init() {
	f.order = list.New()
	f.pods = map[types.UID]*list.Element{}
}

func (f *flightLog) end() int64 { return f.base + int64(len(f.events)) }

func (f *flightLog) start(uid types.UID) {
	f.pods[uid] = f.order.PushBack(flightPod{uid: uid, since: f.end()})
}

// record keeps an event if any pod in flight may be asked about it.
func (f *flightLog) record(event fwk.ClusterEvent, old, new any) {
	if len(f.pods) > 0 {
		f.events = append(f.events, flightEvent{event, old, new})
	}
}

// finish ends the flight of a pod and returns the events that came during it.
func (f *flightLog) finish(uid types.UID) []flightEvent {
	element, ok := f.pods[uid]
	if !ok {
		return nil
	}
	delete(f.pods, uid)
	since := f.order.Remove(element).(flightPod).since
	seen := f.events[since-f.base:]
	front := f.order.Front()
	if front == nil {
		f.base += int64(len(f.events))
		f.events = nil
		return seen
	}
	if drop := front.Value.(flightPod).since - f.base; drop > 0 {
		f.base += drop
		// Reslicing keeps what was handed out intact; append moves to a new array in time and frees the front.
		f.events = f.events[drop:]
	}
	return seen
}
