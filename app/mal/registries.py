"""What rules may ask about the world outside the samples: processes, and pods of Kubernetes.

Both are interfaces. This release connects to neither, and says so when a rule asks, not when it is
loaded: files that use them for some of their metrics still load.
"""

from typing import Final, Protocol

from app.mal.values import ClosureError


class NotConfigured(ClosureError):
    """A rule asks for a connection that does not exist."""


class ProcessRegistry(Protocol):
    """``ProcessRegistry`` of closures: processes that are known by the traffic to them alone."""

    def generate_virtual_local_process(self, service: str, instance: str) -> str:
        """The id of the process inside an instance that is not monitored itself."""
        ...

    def generate_virtual_remote_process(
        self, service: str, instance: str, remote_address: str
    ) -> str:
        """The id of the process behind a remote address."""
        ...

    def generate_virtual_process(self, service: str, instance: str, process_name: str) -> str:
        """The id of a process by its name."""
        ...


class PodRegistry(Protocol):
    """The services of Kubernetes, by the pods that belong to them."""

    def service_of(self, namespace: str, pod: str) -> str:
        """``<service>.<namespace>`` of a pod; empty if no service selects it."""
        ...


class _NoProcesses:
    def generate_virtual_local_process(self, service: str, instance: str) -> str:
        raise _no_process(service, instance)

    def generate_virtual_remote_process(
        self, service: str, instance: str, remote_address: str
    ) -> str:
        raise _no_process(service, instance, remote_address)

    def generate_virtual_process(self, service: str, instance: str, process_name: str) -> str:
        raise _no_process(service, instance, process_name)


class _NoPods:
    def service_of(self, namespace: str, pod: str) -> str:
        raise NotConfigured(
            "retagByK8sMeta needs a connection to Kubernetes, which is not configured:"
            f" the service of pod {pod} in {namespace} is not known"
        )


def _no_process(*names: str) -> NotConfigured:
    return NotConfigured(
        "ProcessRegistry needs a registry of processes, which is not configured:"
        f" the process of {', '.join(names)} is not known"
    )


NOT_CONFIGURED_PROCESSES: Final[ProcessRegistry] = _NoProcesses()
NOT_CONFIGURED_PODS: Final[PodRegistry] = _NoPods()
