// Package sharedlist answers equal lists from the watch cache with the same objects and the same bytes.
//
// Every list of a resource copies each object's struct, encodes it and compresses the whole: 100 clients that list 10,000 pods at once, as
// they do after a disturbance, take 100 times the memory and time of one, for the same answer. The state of a resource at a revision
// never changes, so what was made for one client is good for all others who are to see that revision:
//
//	GetList ─► which revision would the answer have?  (an empty list of the same cache: cheap, and as fresh as the request demands)
//	           ├─ that of the last equal list, or an older one ─► its objects, shared; whoever encodes them finds the bytes that are there already
//	           └─ another ─► list anew, once for all who ask at this time; keep it for Retention
//
// What a request sees does not change: consistent reads stay consistent, as the revision is asked for at the time of the request.
//
// Watches that begin with all there is (KEP-3157), as informers do, take these objects too, each encoded once as an event, before they follow the cache:
// Beginnings is around the cache itself for that.
//
// Three parts know each other: Storage wraps the storage of a resource, Serializer wraps the codecs and writes bytes that are there, and
// Handler, inside the filters, gives each list request the state that joins the two. Lists with a limit, single objects, tables and
// resources whose registry changes listed objects are left alone, and so are callers in this process, who may change what they get.
package sharedlist
