module imagepull/lab/toolchain/external-secrets

go 1.26.0

// Copied and built by its own go.mod: see the table.
require github.com/external-secrets/external-secrets v0.20.4
