"""Image references, their pull policy, and the rules of an environment."""
