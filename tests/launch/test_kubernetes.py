"""What is handed to Kubernetes: compared with files to read, and with the published schemas of its objects.

`python -m tests.launch.test_kubernetes` writes the files anew.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli_w
import yaml
from kubeflow_trainer_api import models
from typer.testing import CliRunner

from configs.errors import UserError
from launch.backends import kubernetes
from launch.cli import app
from launch.jobs import Job, Stage, pipeline
from launch.machines import Kubernetes, machine_of

GOLDEN = Path(__file__).parent / "golden"
FOLDER = Path("/shared/runs/base/submit/1")
IMAGE = "registry.example.org/electra-pretraining:0.1.0"
GPUS: dict[str, Any] = {
    "backend": "kubernetes",
    "nodes": 8,
    "gpus": 8,
    "cpus": 64,
    "memory": "512Gi",
    "image": IMAGE,
    "volumes": {"/shared": "shared"},
}
# A queue, a namespace, a context, chosen nodes, another maker's GPUs, two volumes, a variable.
QUEUE: dict[str, Any] = GPUS | {
    "queue": "training",
    "namespace": "nlp",
    "context": "big",
    "gpu": "amd.com/gpu",
    "node_selector": {"pool": "mi300"},
    "volumes": {"/shared/text": "text", "/shared/runs": "runs"},
    "environment": {"NCCL_DEBUG": "WARN"},
    "warning": 600,
}
CASES: dict[str, tuple[dict[str, Any], tuple[Stage, ...]]] = {
    "gpus": (GPUS, tuple(Stage)),
    "queue": (QUEUE, (Stage.prepare, Stage.pretrain)),
    "cores": (GPUS | {"gpus": 0, "cpus": 16, "memory": "64Gi"}, (Stage.pretrain,)),
}
SCHEMAS = {
    "Job": models.IoK8sApiBatchV1Job,
    "TrainJob": models.TrainerV1alpha1TrainJob,
    "TrainingRuntime": models.TrainerV1alpha1TrainingRuntime,
}


def machine(**changes: Any) -> Kubernetes:
    made = machine_of(GPUS | changes, "machines.toml", "lab")
    assert isinstance(made, Kubernetes)
    return made


def job(stage: Stage, machine: Kubernetes, *overrides: str) -> Job:
    recipe, run, corpus = str(FOLDER / "recipe.toml"), FOLDER.parent.parent, Path("/shared/text/corpus")
    return pipeline([stage], (recipe, *overrides), corpus, run, nodes=4, processes=machine.processes)[0]


def rendered() -> dict[str, str]:
    """name of the golden file -> text"""
    texts: dict[str, str] = {}
    for name, (table, stages) in CASES.items():
        for stage in stages:
            chosen = machine(**table)
            for file, text in kubernetes.render(job(stage, chosen), chosen, FOLDER).items():
                texts[f"kubernetes_{name}_{file}"] = text
    return texts


def objects(text: str) -> dict[str, dict[str, Any]]:
    return {each["kind"]: each for each in yaml.safe_load_all(text)}


def schema(kind: str) -> dict[str, Any]:
    """As Kubernetes 1.36 and Kubeflow Trainer 2.3 publish it, in the package that is generated from it; closed."""
    published = SCHEMAS[kind].model_json_schema()
    # The package has a class for a quantity: the API has a string or a number.
    published["$defs"]["IoK8sApimachineryPkgApiResourceQuantity"] = {"type": ["string", "number"]}
    _close(published)
    return published


def _close(node: Any) -> None:
    """No key but those that are known, as an API server has it with strict validation."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _close(child)
    if isinstance(node, dict) and isinstance(node.get("properties"), dict) and node.get("type") == "object":
        node.setdefault("additionalProperties", False)


@pytest.mark.parametrize("name", rendered())
def test_a_manifest_is_what_it_was(name: str) -> None:
    assert rendered()[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_nothing_is_golden_that_is_not_rendered() -> None:
    assert {path.name for path in GOLDEN.glob("kubernetes_*")} == set(rendered())


@pytest.mark.parametrize("name", rendered())
def test_a_manifest_is_valid(name: str) -> None:
    for kind, manifest in objects(rendered()[name]).items():
        jsonschema.validate(manifest, schema(kind))


@pytest.mark.parametrize("place", [("spec", "podFailurePolicy"), ("spec", "template", "spec", "containers", 0)])
def test_the_schema_refuses_what_is_not_in_it(place: tuple[Any, ...]) -> None:
    manifest = objects(rendered()["kubernetes_gpus_prepare.yaml"])["Job"]
    part: Any = manifest
    for key in place:
        part = part[key]
    part["invented"] = 1
    with pytest.raises(jsonschema.ValidationError, match="invented"):
        jsonschema.validate(manifest, schema("Job"))


def test_the_shares_of_a_preparation() -> None:
    spec = objects(rendered()["kubernetes_gpus_prepare.yaml"])["Job"]["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 4, 4)
    assert spec["template"]["spec"]["containers"][0]["command"][-4:] == [
        *("--task", "$(JOB_COMPLETION_INDEX)/4", "--workers", "64"),
    ]


def test_what_a_failure_costs() -> None:
    """2 ends the job, 75 and a drained node cost nothing, anything else one of the attempts: five for each node."""
    runtime = objects(rendered()["kubernetes_gpus_pretrain.yaml"])["TrainingRuntime"]
    spec = runtime["spec"]["template"]["spec"]["replicatedJobs"][0]["template"]["spec"]
    rules = [(rule["action"], rule.get("onExitCodes", {}).get("values")) for rule in spec["podFailurePolicy"]["rules"]]
    assert rules == [("FailJob", [2]), ("Ignore", [75]), ("Ignore", None)]
    assert spec["backoffLimit"] == 20
    assert spec["template"]["spec"]["restartPolicy"] == "Never"  # the API refuses the policy with another
    # Longer than torchrun waits for its processes, which is what they have to save in.
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 330


def test_a_variable_of_the_users_is_not_expanded_by_kubernetes() -> None:
    chosen = machine()
    text = kubernetes.render(job(Stage.pretrain, chosen, "about=$(HOME)"), chosen, FOLDER)["pretrain.yaml"]
    assert "about=$$(HOME)" in objects(text)["TrainJob"]["spec"]["trainer"]["command"]


def test_names_are_labels_of_dns_and_differ() -> None:
    runs = ("Größe.of_the_LAB--" * 5, "x")
    names = set()
    for run in runs:
        for number in "12":
            named = Job(Stage.pretrain, (), Path("/shared") / run, Path("/shared/corpus"))
            names.add(kubernetes.name_of(named, Path("/shared") / run / "submit" / number))
    assert len(names) == 4
    for name in names:
        assert len(f"{name}-node-0-0") <= 63 and name == name.lower() and not name.endswith("-") and name.isascii()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ({}, "waiting"),
        ({"conditions": [{"type": "Suspended", "status": "True", "message": "no quota"}]}, "waiting"),
        ({"conditions": [{"type": "Suspended", "status": "False"}], "active": 2}, "running"),
        ({"jobsStatus": [{"name": "node", "active": 1}]}, "running"),
        ({"conditions": [{"type": "Complete", "status": "True"}]}, "done"),
        (
            {"conditions": [{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}]},
            "done",
        ),
        ({"conditions": [{"type": "Failed", "status": "True", "message": "exit code 2"}]}, "failed"),
    ],
)
def test_states(status: dict[str, Any], kind: str) -> None:
    assert kubernetes.state_of({"status": status}).kind == kind


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"memory": "64GB"}, "machines.toml: lab.memory: '64GB' is no amount of memory; write 64Gi"),
        ({"volumes": {}}, "machines.toml: lab.volumes: empty; write"),
        ({"volumes": {"shared": "x"}}, "machines.toml: lab.volumes: 'shared' is no absolute path"),
        ({"imagee": "x"}, "lab.imagee: unknown key; did you mean lab.image?"),
    ],
)
def test_a_wrong_table(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        machine(**changes)
    assert sentence in str(refused.value)


def test_a_folder_in_no_volume_is_refused() -> None:
    chosen = machine(volumes={"/data": "data"})
    with pytest.raises(UserError, match=r"^/shared/runs/base: is in none of the machine's volumes \(/data\)"):
        kubernetes.render(job(Stage.pretrain, chosen), chosen, FOLDER)


def test_an_order_of_jobs_is_refused() -> None:
    chosen = machine()
    first, second = pipeline(
        [Stage.prepare, Stage.pretrain], ("base",), Path("/shared/c"), Path("/shared/r"), nodes=1, processes=8
    )
    assert kubernetes.render(first, chosen, FOLDER)
    with pytest.raises(
        UserError, match="--stage pretrain: comes after prepare, and this machine begins jobs in no order"
    ):
        kubernetes.render(second, chosen, FOLDER)


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """There is no cluster: a program of that name that keeps its arguments and says what a file holds."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport json, pathlib, sys\nhere = pathlib.Path({str(tmp_path)!r})\n"
        "with open(here / 'asked', 'a') as file:\n    print(json.dumps(sys.argv[1:]), file=file)\n"
        "print((here / 'answer').read_text())\n"
    )
    program.chmod(0o755)
    (tmp_path / "answer").write_text("")
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def test_what_kubectl_is_asked(kubectl: Path) -> None:
    chosen = machine(context="big", namespace="nlp")
    id = kubernetes.submit(job(Stage.pretrain, chosen), chosen, FOLDER, {})
    name = id.removeprefix("trainjob/")
    (kubectl / "answer").write_text(json.dumps({"status": {"jobsStatus": [{"active": 1}]}}))
    assert kubernetes.state(chosen, id).kind == "running"
    flags = ["--context=big", "--namespace=nlp"]
    asked = [json.loads(line) for line in (kubectl / "asked").read_text().splitlines()]
    assert asked == [[*flags, "create", "-f", f"{FOLDER}/pretrain.yaml"], [*flags, "get", id, "--output=json"]]
    assert kubernetes.cancel(chosen, id) == ["kubectl", *flags, "delete", id, f"trainingruntime/{name}"]
    assert name in objects((GOLDEN / "kubernetes_gpus_pretrain.yaml").read_text())["TrainJob"]["metadata"]["name"]


def test_the_command(kubectl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From machines.toml to what is kept, and what is said of it."""
    monkeypatch.chdir(kubectl)
    table = GPUS | {"volumes": {str(kubectl): "shared"}}
    Path("machines.toml").write_text(tomli_w.dumps({"lab": table}))
    order = ["submit", "tiny", "--on", "lab", "--nodes", "2", "--stage", "prepare", "--corpus", "corpus"]
    submitted = CliRunner().invoke(app, [*order, f"data.sources={kubectl / 'text'}"])
    assert submitted.exit_code == 0, submitted.stderr
    kept = kubectl / "corpus/submit/1"
    assert {path.name for path in kept.iterdir()} >= {"prepare.yaml", "recipe.toml", "jobs.json"}
    assert str(kept / "recipe.toml") in (kept / "prepare.yaml").read_text()
    failed = {"conditions": [{"type": "Failed", "status": "True", "message": "exit code 2"}]}
    (kubectl / "answer").write_text(json.dumps({"status": failed}))
    assert "Failed (exit code 2)" in CliRunner().invoke(app, ["status", "corpus"]).stdout
    assert "kubectl --namespace=default logs" in CliRunner().invoke(app, ["logs", "corpus"]).stdout
    outside = CliRunner().invoke(app, [*order[:-1], "/elsewhere/corpus"])
    assert outside.exit_code == 2 and "/elsewhere/corpus: is in none of the machine's volumes" in outside.stderr


def test_without_kubectl_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="there is no kubectl here"):
        kubernetes.submit(job(Stage.prepare, machine()), machine(), FOLDER, {})
    assert kubernetes.state(machine(), "job/x").kind == "unknown"


if __name__ == "__main__":
    for file, text in rendered().items():
        (GOLDEN / file).write_text(text, encoding="utf-8")
