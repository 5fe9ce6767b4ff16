package cache

import (
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// setImages makes the node a holder of exactly the images its status lists.
func (c *Cache) setImages(entry *nodeEntry, node *v1.Node) {
	var names []string
	for i := range node.Status.Images {
		names = append(names, node.Status.Images[i].Names...)
	}
	// Nodes report status every few seconds and images seldom change.
	if slices.Equal(names, entry.imageNames) {
		return
	}
	c.dropImages(entry)
	for i := range node.Status.Images {
		image := &node.Status.Images[i]
		for _, name := range image.Names {
			summary, ok := c.images[name]
			if !ok {
				summary = &fwk.ImageStateSummary{Size: image.SizeBytes, Nodes: sets.New[string]()}
				c.images[name] = summary
			}
			summary.Nodes.Insert(node.Name)
		}
	}
	entry.imageNames = names
	c.imagesVersion++
}

func (c *Cache) dropImages(entry *nodeEntry) {
	if len(entry.imageNames) == 0 || entry.info.node == nil {
		return
	}
	for _, name := range entry.imageNames {
		if summary, ok := c.images[name]; ok {
			summary.Nodes.Delete(entry.info.node.Name)
			if summary.Nodes.Len() == 0 {
				delete(c.images, name)
			}
		}
	}
	entry.imageNames = nil
	c.imagesVersion++
}

// freezeImages gives the node a map of summaries that nobody changes any more, unless it has the present one.
func (c *Cache) freezeImages(entry *nodeEntry) {
	if entry.imagesSeen == c.imagesVersion {
		return
	}
	frozen := make(map[string]*fwk.ImageStateSummary, len(entry.imageNames))
	for _, name := range entry.imageNames {
		if summary, ok := c.images[name]; ok {
			frozen[name] = summary.Snapshot()
		}
	}
	entry.info.images = frozen
	entry.imagesSeen = c.imagesVersion
}
