"""ServiceAccountImagePullSecrets: our names in ServiceAccounts' lists."""
