"""Private container images, pulled: credentials and pull policies for Kubernetes workloads."""

__all__ = ["PLUGIN_DOWNLOAD_URL", "USER_AGENT", "__version__"]

__version__ = "0.1.0"
"""The one place of the version: the wheel, the plugin, its schema, `--version` and requests take it from here."""
USER_AGENT = f"imagepull/{__version__}"
"""Names us in requests to AWS (CloudTrail) and to Kubernetes (audit log)."""
PLUGIN_DOWNLOAD_URL = "github://api.github.com/example/imagepull"
"""Where Pulumi finds the plugin's archives by default: the releases of the repository.

Change the owner to that of your own repository; `.github/workflows/release.yml` refuses another.
"""
