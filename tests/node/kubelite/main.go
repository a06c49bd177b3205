// Command kubelite links every Kubernetes program that the test node runs into one binary.
//
// The components share most of their code, so one binary builds in a fraction of the time and space of nine.
// Which program it is follows from the name it is called by (a symbolic link), or from the first argument.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	// CoreDNS plug-ins register themselves; the full set would pull in every cloud provider's SDK.
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"

	// Log formats and metrics that the stock component binaries register as well.
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
)

// cobraPrograms are the components whose command line is built with cobra.
var cobraPrograms = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kube-proxy":              proxy.NewProxyCommand,
	// The kubelet installs its own signal handling; giving it a second one panics.
	"kubelet": func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	"kubectl": kubectl.NewDefaultKubectlCommand,
}

func runDNS() {
	dnsserver.Directives = []string{"bind", "errors", "kubernetes"}
	coremain.Run()
}

func main() {
	program := filepath.Base(os.Args[0])
	if program == "kubelite" && len(os.Args) > 1 {
		os.Args = os.Args[1:]
		program = os.Args[0]
	}
	switch program {
	case "etcd":
		etcdmain.Main(os.Args)
	case "coredns":
		runDNS()
	case "volume-opener":
		if len(os.Args) != 2 {
			fmt.Fprintln(os.Stderr, "usage: volume-opener FOLDER")
			os.Exit(2)
		}
		if err := openVolumes(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		build, known := cobraPrograms[program]
		if !known {
			names := []string{"coredns", "etcd", "volume-opener"}
			for name := range cobraPrograms {
				names = append(names, name)
			}
			sort.Strings(names)
			fmt.Fprintf(os.Stderr, "no program named %q in here; there are %s\n", program, strings.Join(names, ", "))
			os.Exit(2)
		}
		os.Exit(cli.Run(build()))
	}
}
