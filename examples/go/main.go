// Workloads with private images, declared in Go.
package main

import (
	"example.com/pulumi-imagepull/sdk/go/imagepull"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		settings := config.New(ctx, "")
		host, namespace := settings.Require("host"), settings.Require("namespace")
		namespaces := pulumi.ToStringArray([]string{namespace})

		// Both registries in one Secret; Pods of the ServiceAccount `default` get it, too.
		access, err := imagepull.NewRegistryAccess(ctx, "private", &imagepull.RegistryAccessArgs{
			Registries: imagepull.RegistryArray{
				imagepull.RegistryArgs{Host: pulumi.String(host)},
				imagepull.RegistryArgs{
					Host:     pulumi.String("ghcr.io"),
					Username: pulumi.String("robot"),
					Password: settings.RequireSecret("robotToken"),
				},
			},
			Namespaces: namespaces,
			Renewal:    imagepull.RenewalPulumi,
		})
		if err != nil {
			return err
		}

		web, err := imagepull.NewDeployment(ctx, "web", &imagepull.DeploymentArgs{
			Image:            pulumi.String(host + "/shop/web:1.0"),
			Namespace:        pulumi.String(namespace),
			Port:             pulumi.Int(8080),
			Rules: &imagepull.ImageRulesArgs{
				ForbidLatest:      pulumi.BoolRef(true),
				AllowedRegistries: []string{"*.amazonaws.com"},
			},
			ImagePullSecrets: access.ImagePullSecrets,
		})
		if err != nil {
			return err
		}

		if _, err := imagepull.NewCronJob(ctx, "nightly", &imagepull.CronJobArgs{
			Image:            pulumi.String(host + "/shop/api:2.0"),
			ImagePullPolicy:  imagepull.PullPolicyAlways,
			Namespace:        pulumi.String(namespace),
			Schedule:         pulumi.String("0 3 * * *"),
			ImagePullSecrets: access.ImagePullSecrets,
		}); err != nil {
			return err
		}

		// The same by hand: a Secret, and ServiceAccounts that list it.
		tools, err := imagepull.NewRegistrySecret(ctx, "tools", &imagepull.RegistrySecretArgs{
			Name:       pulumi.String("tools"),
			Namespaces: namespaces,
			Registries: imagepull.RegistryArray{
				imagepull.RegistryArgs{Host: pulumi.String(settings.Require("toolsHost"))},
			},
		})
		if err != nil {
			return err
		}
		if _, err := imagepull.NewServiceAccountImagePullSecrets(ctx, "tools", &imagepull.ServiceAccountImagePullSecretsArgs{
			SecretNames: pulumi.ToStringArray([]string{"tools"}),
			Namespaces:  namespaces,
		}, pulumi.DependsOn([]pulumi.Resource{tools})); err != nil {
			return err
		}

		ctx.Export("hosts", access.Hosts)
		ctx.Export("images", web.ResolvedImages)
		return nil
	})
}
