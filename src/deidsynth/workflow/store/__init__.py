"""The artifact store: presence means complete, and every byte can be verified."""

from deidsynth.workflow.store.manifest import InputRecord, Manifest, artifact_key
from deidsynth.workflow.store.store import Artifact, Store, Work

__all__ = [
    "Artifact",
    "InputRecord",
    "Manifest",
    "Store",
    "Work",
    "artifact_key",
]
