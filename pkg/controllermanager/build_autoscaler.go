package controllermanager

import (
	"fmt"

	resourcemetrics "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	"k8s.io/metrics/pkg/client/custom_metrics"
	"k8s.io/metrics/pkg/client/external_metrics"

	"tiphys.dev/tiphys/pkg/controller/horizontalpodautoscaler"
	"tiphys.dev/tiphys/pkg/lifecycle"
)

func buildHorizontalPodAutoscaler(d *deps) (lifecycle.Runner, error) {
	scales, err := d.scaler()
	if err != nil {
		return nil, err
	}
	disco, err := d.discovery()
	if err != nil {
		return nil, err
	}
	resources, err := resourcemetrics.NewForConfig(unlimited(d.rest))
	if err != nil {
		return nil, fmt.Errorf("client for resource metrics: %w", err)
	}
	outside, err := external_metrics.NewForConfig(unlimited(d.rest))
	if err != nil {
		return nil, fmt.Errorf("client for external metrics: %w", err)
	}
	measured := horizontalpodautoscaler.Clients{Resources: resources, Outside: outside,
		Custom: custom_metrics.NewForConfig(unlimited(d.rest), scales.mapper, custom_metrics.NewAvailableAPIsGetter(disco))}
	s := d.settings.HPAController
	return runs(horizontalpodautoscaler.New(horizontalpodautoscaler.Config{
		Settings: horizontalpodautoscaler.Settings{SyncPeriod: s.HorizontalPodAutoscalerSyncPeriod.Duration, Tolerance: s.HorizontalPodAutoscalerTolerance,
			DownscaleStabilization: s.HorizontalPodAutoscalerDownscaleStabilizationWindow.Duration, CPUInitialization: s.HorizontalPodAutoscalerCPUInitializationPeriod.Duration,
			ReadinessDelay: s.HorizontalPodAutoscalerInitialReadinessDelay.Duration},
		Client: d.client, Autoscalers: d.informers.Autoscaling().V2().HorizontalPodAutoscalers(), Pods: d.informers.Core().V1().Pods(), Scales: scales, Measured: measured,
		Events: d.events, Workers: int(s.ConcurrentHorizontalPodAutoscalerSyncs), Metrics: d.queues, Clock: d.clock}))
}
