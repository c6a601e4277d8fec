"""Will every image be pulled at the next start of its container, and until when: `imagepull status`."""
