"""RegistrySecret: one named pull Secret in a set of namespaces."""
