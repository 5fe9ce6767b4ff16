package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/cert"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"

	"tiphys.dev/tiphys/pkg/allinone"
	"tiphys.dev/tiphys/pkg/allinone/jointoken"
	"tiphys.dev/tiphys/pkg/allinone/sandbox"
)

// tokenOptions say which cluster is meant.
type tokenOptions struct{ kubeconfig, name string }

func tokenCommand() *cobra.Command {
	o := &tokenOptions{}
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Tokens with which machines join a cluster",
		Long: "Tokens are bootstrap tokens of Kubernetes, written with the hash of the cluster's authority, so that a\n" +
			"machine knows whom it talks to before it says anything secret. The cluster is that of the `tiphys server` of\n" +
			"this machine, or of your kubeconfig.",
	}
	cmd.PersistentFlags().StringVar(&o.kubeconfig, "kubeconfig", "", "Administrator's kubeconfig of the cluster.")
	cmd.PersistentFlags().StringVar(&o.name, "name", "", "The development cluster of this name.")
	cmd.AddCommand(tokenCreateCommand(o), tokenListCommand(o), tokenDeleteCommand(o))
	return cmd
}

// patienceWithTokens is for commands that people wait for.
const patienceWithTokens = 20 * time.Second

// client speaks to the cluster that is meant.
func (o *tokenOptions) client() (kubernetes.Interface, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	switch server := allinone.AdminKubeconfig(allinone.Default().DataDir); {
	case o.kubeconfig != "" && o.name != "":
		return nil, errors.New("--kubeconfig and --name: give one of them")
	case o.name != "":
		cluster, err := sandbox.Open(sandbox.Config{Name: o.name, Home: os.Getenv("TIPHYS_HOME")})
		if err != nil {
			return nil, err
		}
		rules.ExplicitPath = cluster.AdminKubeconfig()
	case o.kubeconfig != "":
		rules.ExplicitPath = o.kubeconfig
	case os.Getenv(clientcmd.RecommendedConfigPathEnvVar) == "":
		if _, err := os.Stat(server); err == nil {
			rules.ExplicitPath = server
		}
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("which cluster? %w; run this on the server, or give --kubeconfig", err)
	}
	return kubernetes.NewForConfig(config)
}

func tokenCreateCommand(o *tokenOptions) *cobra.Command {
	wish := jointoken.Wish{}
	printCommand := false
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "Make a token and print it",
		Example: "  tiphys token create --ttl 1h --print-join-command",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wish.TTL < 0 {
				return fmt.Errorf("--ttl %v: a token cannot have expired before it is made", wish.TTL)
			}
			client, err := o.client()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), patienceWithTokens)
			defer cancel()
			server, hash, err := whichCluster(ctx, client)
			if err != nil {
				return err
			}
			wish.Now = time.Now()
			token, err := jointoken.Create(ctx, client, hash, wish)
			if err != nil {
				return err
			}
			if printCommand {
				fmt.Fprintf(cmd.OutOrStdout(), "tiphys agent --server %s --token %s\n", server, token)
				return nil
			}
			fmt.Fprintln(cmd.OutOrStdout(), token)
			return nil
		},
	}
	f := cmd.Flags()
	f.DurationVar(&wish.TTL, "ttl", 24*time.Hour, "How long the token holds; 0 for ever.")
	f.StringVar(&wish.Description, "description", "", "What the token is for.")
	f.BoolVar(&printCommand, "print-join-command", false, "Print the whole command for the machine that joins.")
	return cmd
}

// whichCluster reads the cluster's published address and the hash of its authority.
func whichCluster(ctx context.Context, client kubernetes.Interface) (server, hash string, err error) {
	info, err := client.CoreV1().ConfigMaps(metav1.NamespacePublic).Get(ctx, bootstrapapi.ConfigMapClusterInfo, metav1.GetOptions{})
	if err != nil {
		return "", "", fmt.Errorf("reading what the cluster says of itself: %w", err)
	}
	config, err := clientcmd.Load([]byte(info.Data[bootstrapapi.KubeConfigKey]))
	if err != nil || config.Clusters[""] == nil {
		return "", "", errors.New("the ConfigMap kube-public/cluster-info is damaged: it holds no kubeconfig of the cluster")
	}
	authorities, err := cert.ParseCertsPEM(config.Clusters[""].CertificateAuthorityData)
	if err != nil {
		return "", "", fmt.Errorf("the ConfigMap kube-public/cluster-info holds no certificate authority: %w", err)
	}
	return config.Clusters[""].Server, jointoken.Hash(authorities[0]), nil
}

func tokenListCommand(o *tokenOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the cluster's tokens, without their secrets",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := o.client()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), patienceWithTokens)
			defer cancel()
			now := time.Now()
			tokens, err := jointoken.List(ctx, client, now)
			if err != nil {
				return err
			}
			out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			defer out.Flush()
			fmt.Fprintln(out, "ID\tHOLDS\tUSAGES\tDESCRIPTION\tGROUPS")
			for _, t := range tokens {
				holds := "for ever"
				switch {
				case t.Expired:
					holds = "expired"
				case !t.Expires.IsZero():
					holds = t.Expires.Sub(now).Round(time.Second).String()
				}
				fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", t.ID, holds, strings.Join(t.Usages, ","), t.Description, strings.Join(t.Groups, ","))
			}
			return nil
		},
	}
}

func tokenDeleteCommand(o *tokenOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "delete TOKEN|ID...",
		Short: "Make tokens worthless; machines that joined with them stay",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := o.client()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), patienceWithTokens)
			defer cancel()
			var errs []error
			for _, arg := range args {
				id, err := jointoken.ParseID(arg)
				if err == nil {
					err = jointoken.Delete(ctx, client, id)
				}
				if err != nil {
					errs = append(errs, err)
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "token %s deleted\n", id)
			}
			return errors.Join(errs...)
		},
	}
}
