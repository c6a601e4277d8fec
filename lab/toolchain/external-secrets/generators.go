// Package register replaces the operator's own: the lab needs these generators only.
package register

import (
	_ "github.com/external-secrets/external-secrets/pkg/generator/ecr"
	_ "github.com/external-secrets/external-secrets/pkg/generator/fake"
	_ "github.com/external-secrets/external-secrets/pkg/generator/sts"
)
