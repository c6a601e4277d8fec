"""Every error that imagepull raises on purpose.

    ImagePullError
    ├── InvalidReference      an image reference that Kubernetes would not take
    ├── InvalidDockerConfig   a dockerconfigjson document that the kubelet would not take
    ├── InvalidInput          one or more wrong inputs, each with its path
    ├── CredentialError       a registry's credential could not be had (AWS refused, was down, ...)
    └── ClusterError          the cluster could not be reached, or refused what was asked of it

A message says what is wrong, where, and what to write instead; it never holds a token or password.
"""


class ImagePullError(Exception):
    """Base of all of them: catch this one to catch what imagepull raises on purpose."""
