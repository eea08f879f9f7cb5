"""What is handed to Kubernetes and to SkyPilot in common cases, kept in `tests/launch/golden`.

`python -m tests.launch.rendered` writes it anew; look at the difference before you commit it.
"""

from __future__ import annotations

from pathlib import Path

from launch.backends import backend_of
from launch.jobs import Job, Stage, pipeline
from launch.machines import Machine, machine_of

GOLDEN = Path(__file__).parent / "golden"
FOLDER = Path("/shared/runs/base/submit/1")

_IMAGE = "registry.example.org/electra-pretraining:0.1.0"
_GPUS = {"nodes": 8, "gpus": 8, "cpus": 64, "image": _IMAGE, "volumes": {"/shared": "shared"}}
KUBERNETES = {"backend": "kubernetes", "memory": "512Gi", **_GPUS}
SKYPILOT = {"backend": "skypilot", "accelerator": "H100", **_GPUS}
_CORES = {"gpus": 0, "cpus": 16}

MACHINES = {
    "kubernetes": KUBERNETES,
    # a queue, a namespace, a context, chosen nodes, another maker's GPUs, two volumes, a variable
    "kubernetes-queue": KUBERNETES
    | {
        "queue": "training",
        "namespace": "nlp",
        "context": "big",
        "gpu": "amd.com/gpu",
        "node_selector": {"pool": "mi300"},
        "volumes": {"/shared/text": "text", "/shared/runs": "runs"},
        "environment": {"NCCL_DEBUG": "WARN"},
    },
    "kubernetes-cpu": KUBERNETES | _CORES | {"memory": "64Gi"},
    "skypilot": SKYPILOT,
    "skypilot-spot": SKYPILOT
    | {
        "infra": "aws/us-east-1",
        "use_spot": True,
        "environment": {"NCCL_DEBUG": "WARN"},
        "resources": {"disk_size": 512, "network_tier": "best"},
    },
    "skypilot-setup": {
        "backend": "skypilot",
        "nodes": 4,
        "cpus": 16,
        "gpus": 0,
        "infra": "k8s/lab",
        "volumes": {"/shared": "shared"},
        "python": "/shared/venv/bin/python",
        "setup": "python3 -m venv /shared/venv\n/shared/venv/bin/pip install /shared/electra-pretraining\n",
    },
}


def machine(name: str) -> Machine:
    return machine_of(dict(MACHINES[name]), "machines.toml", name)


def job(stage: Stage, machine: Machine, *overrides: str, nodes: int = 4) -> Job:
    recipe, run = str(FOLDER / "recipe.toml"), Path("/shared/runs/base")
    corpus = Path("/shared/text/corpus")
    return pipeline([stage], (recipe, *overrides), corpus, run, nodes=nodes, processes=machine.processes)[0]


def rendered() -> dict[str, str]:
    """name in `golden` -> text."""
    texts: dict[str, str] = {}
    for name in MACHINES:
        chosen = machine(name)
        for stage in Stage:
            for file, text in backend_of(chosen).render(job(stage, chosen), chosen, FOLDER).items():
                texts[f"{name}-{file}"] = text
    return texts


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, text in rendered().items():
        (GOLDEN / name).write_text(text)
