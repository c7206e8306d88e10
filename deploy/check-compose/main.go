// check-compose loads a compose file as `docker compose` would and says what is wrong with it, without an engine:
// schema, interpolation, references; every port on loopback; every service of ours gated on health; images pinned.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: check-compose COMPOSE_FILE ENV_FILE")
		os.Exit(2)
	}
	project, err := load(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	faults := check(project)
	for _, fault := range faults {
		fmt.Fprintln(os.Stderr, fault)
	}
	if len(faults) > 0 {
		os.Exit(1)
	}
	fmt.Printf("%s: %d services\n", os.Args[1], len(project.Services))
}

func load(file, env string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithEnvFiles(env), cli.WithDotEnv, cli.WithProfiles([]string{"*"}))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}

func check(project *types.Project) []string {
	var faults []string
	say := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for name, service := range project.Services {
		tag := service.Image[strings.LastIndex(service.Image, "/")+1:]
		if !strings.Contains(tag, ":") || strings.HasSuffix(tag, ":latest") {
			say("%s: image %q is not pinned", name, service.Image)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				say("%s: port %s is published beyond loopback", name, port.Published)
			}
		}
		for other, dependency := range service.DependsOn {
			target := project.Services[other]
			if dependency.Condition == types.ServiceConditionHealthy && target.HealthCheck == nil {
				say("%s: waits for the health of %s, which has no check", name, other)
			}
		}
		if service.Build != nil && service.HealthCheck == nil {
			say("%s: has no health check", name)
		}
		for _, volume := range service.Volumes {
			if volume.Type == types.VolumeTypeBind {
				if _, err := os.Stat(volume.Source); err != nil {
					say("%s: %v", name, err)
				}
			}
		}
	}
	return faults
}
