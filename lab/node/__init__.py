"""The node of a lab: a real kubelet on a real containerd, in process and mount namespaces of its own.

Its first process ends when the lab is stopped or killed, and the kernel then ends all others and drops every mount
with them: shims, containers, their network namespaces and file systems. What is left to take away by hand is the
bridge and the cgroups, and these carry the lab's id.
"""

from lab.node.machine import Node, find_missing_for_node

__all__ = ["Node", "find_missing_for_node"]
