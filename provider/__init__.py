"""The resource plugin `imagepull`."""

__all__ = ["main"]


def main() -> None:
    """Serve the plugin until the engine ends this process: `main()` is all that a plugin folder's program says."""
    import sys

    from .servicer import main as serve

    serve(sys.argv[1:])
