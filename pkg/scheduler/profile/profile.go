package profile

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	clientset "k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"tiphys.dev/tiphys/pkg/scheduler/cache"
	"tiphys.dev/tiphys/pkg/scheduler/metrics"
)

// Factory makes a plugin from its arguments. It is the signature out-of-tree plugins have.
type Factory func(ctx context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error)

// Registry names the plugins that can be enabled.
type Registry map[string]Factory

// Local is implemented by plugins whose verdicts depend on one node and the signature alone; see the package comment.
type Local interface{ NodeLocal() }

// Config is what profiles of one scheduler share, and the one profile's own part.
type Config struct {
	// Profile with all defaults filled in: MultiPoint holds the plugins in effect.
	Profile  configv1.KubeSchedulerProfile
	Registry Registry

	Client       clientset.Interface
	RESTConfig   *restclient.Config
	Informers    informers.SharedInformerFactory
	Recorder     events.EventRecorderLogger
	Snapshot     *cache.Snapshot
	Nominator    fwk.PodNominator
	Activator    fwk.PodActivator
	Waiting      *Waiting
	Extenders    []fwk.Extender
	Parallelizer Parallelizer
	DRAManager   fwk.SharedDRAManager
	CSIManager   fwk.CSIManager
	Metrics      *metrics.Metrics
	Clock        clock.WithDelayedExecution
}

// Profile is one profile ready to run. It is the Handle of its plugins.
type Profile struct {
	fwk.PodNominator
	fwk.PodActivator

	cfg  Config
	name string

	preEnqueue []fwk.PreEnqueuePlugin
	queueSort  fwk.QueueSortPlugin
	preFilter  []fwk.PreFilterPlugin
	filter     []fwk.FilterPlugin
	postFilter []fwk.PostFilterPlugin
	preScore   []fwk.PreScorePlugin
	score      []fwk.ScorePlugin
	reserve    []fwk.ReservePlugin
	permit     []fwk.PermitPlugin
	preBind    []fwk.PreBindPlugin
	bind       []fwk.BindPlugin
	postBind   []fwk.PostBindPlugin

	weights  map[string]int64
	enqueue  []fwk.EnqueueExtensions
	unhinted []fwk.Plugin
	signers  []fwk.SignPlugin
	// signable is false when a deciding plugin cannot sign; batching is off for all pods then.
	signable      bool
	localSignable bool
	local         map[string]bool
	all           map[string]fwk.Plugin
}

var _ fwk.Handle = &Profile{}

// New makes the plugins of a profile and arranges them by extension point.
func New(ctx context.Context, cfg Config) (*Profile, error) {
	if cfg.Profile.SchedulerName == nil || *cfg.Profile.SchedulerName == "" {
		return nil, fmt.Errorf("a profile needs a scheduler name")
	}
	p := &Profile{
		PodNominator: cfg.Nominator, PodActivator: cfg.Activator, cfg: cfg, name: *cfg.Profile.SchedulerName,
		weights: map[string]int64{}, local: map[string]bool{}, all: map[string]fwk.Plugin{},
	}
	args := map[string]runtime.Object{}
	for i := range cfg.Profile.PluginConfig {
		entry := &cfg.Profile.PluginConfig[i]
		if _, twice := args[entry.Name]; twice {
			return nil, fmt.Errorf("profile %s: repeated config for plugin %s", p.name, entry.Name)
		}
		args[entry.Name] = entry.Args.Object
		if entry.Args.Object == nil && len(entry.Args.Raw) > 0 {
			args[entry.Name] = &runtime.Unknown{Raw: entry.Args.Raw, ContentType: runtime.ContentTypeJSON}
		}
	}
	plugins := cfg.Profile.Plugins
	if plugins == nil {
		plugins = &configv1.Plugins{}
	}
	if err := p.instantiate(ctx, plugins, args); err != nil {
		return nil, err
	}
	if err := p.arrange(plugins); err != nil {
		return nil, err
	}
	p.collectSigners()
	return p, nil
}

func (p *Profile) instantiate(ctx context.Context, plugins *configv1.Plugins, args map[string]runtime.Object) error {
	for _, name := range enabledNames(plugins) {
		factory, ok := p.cfg.Registry[name]
		if !ok {
			return fmt.Errorf("profile %s: plugin %q does not exist", p.name, name)
		}
		plugin, err := factory(ctx, args[name], p)
		if err != nil {
			return fmt.Errorf("profile %s: making plugin %s: %w", p.name, name, err)
		}
		p.all[name] = plugin
		if _, ok := plugin.(Local); ok {
			p.local[name] = true
		}
		switch extension := plugin.(type) {
		case fwk.EnqueueExtensions:
			p.enqueue = append(p.enqueue, extension)
		case fwk.PreEnqueuePlugin, fwk.PreFilterPlugin, fwk.FilterPlugin, fwk.ReservePlugin, fwk.PermitPlugin:
			p.unhinted = append(p.unhinted, plugin)
		}
	}
	return nil
}

// enabledNames lists every plugin enabled anywhere once, MultiPoint first.
func enabledNames(plugins *configv1.Plugins) []string {
	var names []string
	seen := map[string]bool{}
	for _, set := range append([]*configv1.PluginSet{&plugins.MultiPoint}, pointSets(plugins)...) {
		for i := range set.Enabled {
			if name := set.Enabled[i].Name; !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

func pointSets(plugins *configv1.Plugins) []*configv1.PluginSet {
	return []*configv1.PluginSet{
		&plugins.PreEnqueue, &plugins.QueueSort, &plugins.PreFilter, &plugins.Filter, &plugins.PostFilter, &plugins.PreScore,
		&plugins.Score, &plugins.Reserve, &plugins.Permit, &plugins.PreBind, &plugins.Bind, &plugins.PostBind,
	}
}

// arrange fills the lists of the extension points.
func (p *Profile) arrange(plugins *configv1.Plugins) error {
	for i := range plugins.MultiPoint.Enabled {
		p.setWeight(&plugins.MultiPoint.Enabled[i])
	}
	for i := range plugins.Score.Enabled {
		p.setWeight(&plugins.Score.Enabled[i])
	}
	var sorters []fwk.QueueSortPlugin
	var err error
	join := func(e error) {
		if err == nil {
			err = e
		}
	}
	join(fill(p, "PreEnqueue", plugins.MultiPoint, plugins.PreEnqueue, &p.preEnqueue))
	join(fill(p, "QueueSort", plugins.MultiPoint, plugins.QueueSort, &sorters))
	join(fill(p, "PreFilter", plugins.MultiPoint, plugins.PreFilter, &p.preFilter))
	join(fill(p, "Filter", plugins.MultiPoint, plugins.Filter, &p.filter))
	join(fill(p, "PostFilter", plugins.MultiPoint, plugins.PostFilter, &p.postFilter))
	join(fill(p, "PreScore", plugins.MultiPoint, plugins.PreScore, &p.preScore))
	join(fill(p, "Score", plugins.MultiPoint, plugins.Score, &p.score))
	join(fill(p, "Reserve", plugins.MultiPoint, plugins.Reserve, &p.reserve))
	join(fill(p, "Permit", plugins.MultiPoint, plugins.Permit, &p.permit))
	join(fill(p, "PreBind", plugins.MultiPoint, plugins.PreBind, &p.preBind))
	join(fill(p, "Bind", plugins.MultiPoint, plugins.Bind, &p.bind))
	join(fill(p, "PostBind", plugins.MultiPoint, plugins.PostBind, &p.postBind))
	if err != nil {
		return err
	}
	if len(sorters) != 1 {
		return fmt.Errorf("profile %s: exactly one queue sort plugin must be enabled, not %d", p.name, len(sorters))
	}
	p.queueSort = sorters[0]
	if len(p.bind) == 0 {
		return fmt.Errorf("profile %s: at least one bind plugin is needed", p.name)
	}
	return nil
}

func (p *Profile) setWeight(plugin *configv1.Plugin) {
	weight := int64(1)
	if plugin.Weight != nil && *plugin.Weight != 0 {
		weight = int64(*plugin.Weight)
	}
	p.weights[plugin.Name] = weight
}

// fill puts the plugins of one extension point into list: first those that the point names to override MultiPoint, then the
// others MultiPoint brings, then the rest the point names.
func fill[T fwk.Plugin](p *Profile, point string, multi, own configv1.PluginSet, list *[]T) error {
	named := map[string]bool{}
	disabled := map[string]bool{}
	fromMulti := map[string]bool{}
	for i := range own.Enabled {
		if named[own.Enabled[i].Name] {
			return fmt.Errorf("profile %s: plugin %s is enabled twice at %s", p.name, own.Enabled[i].Name, point)
		}
		named[own.Enabled[i].Name] = true
		if _, ok := p.all[own.Enabled[i].Name].(T); !ok {
			return fmt.Errorf("profile %s: plugin %s does not extend %s", p.name, own.Enabled[i].Name, point)
		}
	}
	for i := range own.Disabled {
		disabled[own.Disabled[i].Name] = true
	}
	for i := range multi.Enabled {
		fromMulti[multi.Enabled[i].Name] = true
	}
	take := func(name string) { *list = append(*list, p.all[name].(T)) }
	for i := range own.Enabled {
		if fromMulti[own.Enabled[i].Name] {
			take(own.Enabled[i].Name)
		}
	}
	for i := range multi.Enabled {
		name := multi.Enabled[i].Name
		if _, ok := p.all[name].(T); ok && !named[name] && !disabled[name] && !disabled["*"] {
			take(name)
		}
	}
	for i := range own.Enabled {
		if !fromMulti[own.Enabled[i].Name] {
			take(own.Enabled[i].Name)
		}
	}
	return nil
}

// ProfileName is the scheduler name pods ask for.
func (p *Profile) ProfileName() string { return p.name }

// EnqueueExtensions are the plugins that say which events may help pods they rejected; Unhinted those that reject but do not.
func (p *Profile) EnqueueExtensions() []fwk.EnqueueExtensions { return p.enqueue }
func (p *Profile) Unhinted() []fwk.Plugin                     { return p.unhinted }

// PreEnqueuePlugins and QueueSortPlugin serve the queue, the other lists the cycle.
func (p *Profile) PreEnqueuePlugins() []fwk.PreEnqueuePlugin { return p.preEnqueue }
func (p *Profile) QueueSortPlugin() fwk.QueueSortPlugin      { return p.queueSort }
func (p *Profile) FilterPlugins() []fwk.FilterPlugin         { return p.filter }
func (p *Profile) ScorePlugins() []fwk.ScorePlugin           { return p.score }
func (p *Profile) PreFilterPlugins() []fwk.PreFilterPlugin   { return p.preFilter }
func (p *Profile) HasPostFilter() bool                       { return len(p.postFilter) > 0 }

// IsLocal tells whether a plugin is Local.
func (p *Profile) IsLocal(name string) bool { return p.local[name] }

// Split returns the filter and score plugins that are Local, then the others, each in order.
func (p *Profile) Split() (localFilters, otherFilters []fwk.FilterPlugin, localScores, otherScores []fwk.ScorePlugin) {
	for _, plugin := range p.filter {
		if p.local[plugin.Name()] {
			localFilters = append(localFilters, plugin)
		} else {
			otherFilters = append(otherFilters, plugin)
		}
	}
	for _, plugin := range p.score {
		if p.local[plugin.Name()] {
			localScores = append(localScores, plugin)
		} else {
			otherScores = append(otherScores, plugin)
		}
	}
	return localFilters, otherFilters, localScores, otherScores
}

// Weight is what a plugin's scores are multiplied by.
func (p *Profile) Weight(name string) int64 {
	if weight, ok := p.weights[name]; ok {
		return weight
	}
	return 1
}

// PercentageOfNodesToScore is the profile's own setting, or nil.
func (p *Profile) PercentageOfNodesToScore() *int32 { return p.cfg.Profile.PercentageOfNodesToScore }

// Snapshot is the one the current cycle decides on.
func (p *Profile) Snapshot() *cache.Snapshot { return p.cfg.Snapshot }

// PodScheduledFor tells whether the pod asks for this profile.
func (p *Profile) PodScheduledFor(pod *v1.Pod) bool { return pod.Spec.SchedulerName == p.name }

// PreBindCount is the number of PreBind plugins.
func (p *Profile) PreBindCount() int { return len(p.preBind) }
