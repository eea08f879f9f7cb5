"""Compare the objects for Kubernetes with their published schemas, and check what Kubernetes is asked."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli_w
import yaml
from kubeflow_trainer_api import models
from typer.testing import CliRunner

from configs.common.errors import EXIT_UNFINISHED, UserError
from launch.backends import kubernetes
from launch.backends.commands import Bundle
from launch.cli import app
from launch.jobs import Job, Stage, pipeline
from launch.machines import Kubernetes, machine_of

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
# The table has a queue, a namespace, a context, chosen nodes, another maker's GPUs, two volumes and a variable.
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
# Each case is a table of machines.toml, and lists of stages that are submitted together.
CASES: dict[str, tuple[dict[str, Any], list[list[Stage]]]] = {
    "gpus": (GPUS, [*([stage] for stage in Stage), [*Stage]]),
    "queue": (QUEUE, [[Stage.prepare], [Stage.pretrain], [Stage.pretrain, Stage.export]]),
    "cores": (GPUS | {"gpus": 0, "cpus": 16, "memory": "64Gi"}, [[Stage.pretrain]]),
}
SCHEMAS = {
    "Job": models.IoK8sApiBatchV1Job,
    "JobSet": models.JobsetV1alpha2JobSet,
    "TrainJob": models.TrainerV1alpha1TrainJob,
    "TrainingRuntime": models.TrainerV1alpha1TrainingRuntime,
}


def machine(**changes: Any) -> Kubernetes:
    made = machine_of(GPUS | changes, "machines.toml", "lab")
    assert isinstance(made, Kubernetes)
    return made


def jobs(stages: list[Stage], machine: Kubernetes, *overrides: str) -> list[Job]:
    recipe, run, corpus = str(FOLDER / "recipe.toml"), FOLDER.parent.parent, Path("/shared/text/corpus")
    return pipeline(stages, (recipe, *overrides), corpus, run, nodes=4, processes=machine.processes)


def rendered() -> dict[str, str]:
    """Map the name of each golden file to its rendered text."""
    texts: dict[str, str] = {}
    for name, (table, orders) in CASES.items():
        for stages in orders:
            chosen = machine(**table)
            for file, text in kubernetes.render(jobs(stages, chosen), chosen, FOLDER).items():
                texts[f"kubernetes_{name}_{file}"] = text
    return texts


RENDERED = rendered()


def objects(text: str) -> dict[str, dict[str, Any]]:
    return {each["kind"]: each for each in yaml.safe_load_all(text)}


def schema(kind: str) -> dict[str, Any]:
    """Return the schema that Kubernetes 1.36 and Kubeflow Trainer 2.3 publish, without room for unknown keys.

    It comes from the package that is generated from the published schema.
    """
    published = SCHEMAS[kind].model_json_schema()
    # The package has a class for a quantity, while the API takes a string or a number.
    published["$defs"]["IoK8sApimachineryPkgApiResourceQuantity"] = {"type": ["string", "number"]}
    _close(published)
    return published


def _close(node: Any) -> None:
    """Refuse unknown keys in the schema, as an API server with strict validation does."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _close(child)
    if isinstance(node, dict) and isinstance(node.get("properties"), dict) and node.get("type") == "object":
        node.setdefault("additionalProperties", False)


@pytest.mark.parametrize("name", RENDERED)
def test_a_manifest_is_valid(name: str) -> None:
    for kind, manifest in objects(RENDERED[name]).items():
        jsonschema.validate(manifest, schema(kind))


@pytest.mark.parametrize("place", [("spec", "podFailurePolicy"), ("spec", "template", "spec", "containers", 0)])
def test_the_schema_refuses_what_is_not_in_it(place: tuple[Any, ...]) -> None:
    manifest = objects(RENDERED["kubernetes_gpus_prepare.yaml"])["Job"]
    part: Any = manifest
    for key in place:
        part = part[key]
    part["invented"] = 1
    with pytest.raises(jsonschema.ValidationError, match="invented"):
        jsonschema.validate(manifest, schema("Job"))


def test_the_shares_of_a_preparation() -> None:
    spec = objects(RENDERED["kubernetes_gpus_prepare.yaml"])["Job"]["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 4, 4)
    assert spec["template"]["spec"]["containers"][0]["command"][-4:] == [
        *("--task", "$(JOB_COMPLETION_INDEX)/4", "--workers", "64"),
    ]


def members(text: str) -> dict[str, dict[str, Any]]:
    """Map the name of each replicated job to its definition, for a JobSet or for the runtime of a TrainJob."""
    manifests = objects(text)
    spec = (
        manifests["JobSet"]["spec"]
        if "JobSet" in manifests
        else manifests["TrainingRuntime"]["spec"]["template"]["spec"]
    )
    return {each["name"]: each for each in spec["replicatedJobs"]}


@pytest.mark.parametrize(("name", "member"), [("gpus_pretrain", "node"), ("gpus_pipeline", "pretrain")])
def test_what_a_failure_of_a_run_costs(name: str, member: str) -> None:
    """Check what each exit code of a pod costs.

    Exit code 2 ends the job. Exit code 75 and a drained node cost nothing. Any other failure costs one of the attempts,
    of which there are five for each node.
    """
    spec = members(RENDERED[f"kubernetes_{name}.yaml"])[member]["template"]["spec"]
    rules = [(rule["action"], rule.get("onExitCodes", {}).get("values")) for rule in spec["podFailurePolicy"]["rules"]]
    assert rules == [("FailJob", [2]), ("Ignore", [75]), ("Ignore", None)]
    assert {rule["onExitCodes"]["containerName"] for rule in spec["podFailurePolicy"]["rules"][:2]} == {member}
    assert spec["template"]["spec"]["containers"][0]["name"] == member
    assert spec["backoffLimit"] == 20
    assert spec["template"]["spec"]["restartPolicy"] == "Never"  # the API refuses a failure policy with any other value
    # The grace period is longer than torchrun waits for its processes, which save during this wait.
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 330


def test_a_variable_of_the_users_is_not_expanded_by_kubernetes() -> None:
    chosen = machine()
    [text] = kubernetes.render(jobs([Stage.pretrain], chosen, "about=$(HOME)"), chosen, FOLDER).values()
    assert "about=$$(HOME)" in objects(text)["TrainJob"]["spec"]["trainer"]["command"]
    [text] = kubernetes.render(jobs([Stage.prepare, Stage.pretrain], chosen, "about=$(HOME)"), chosen, FOLDER).values()
    for member in members(text).values():
        command = member["template"]["spec"]["template"]["spec"]["containers"][0]["command"]
        assert "about=$$(HOME)" in command and " ".join(command).count("$(JOB_COMPLETION_INDEX)") == 1


def test_names_are_labels_of_dns_and_differ() -> None:
    runs = ("Größe.of_the_LAB--" * 5, "x")
    names = set()
    for run in runs:
        for number in "12":
            named = Job(Stage.pretrain, (), Path("/shared") / run, Path("/shared/corpus"))
            for together in ((named,), (named, named)):
                names.add(Bundle(together, Path("/shared") / run / "submit" / number).name)
    assert len(names) == 8
    for name in names:
        # The API refuses longer names of pods: there may be 100,000 pods, and Kubernetes adds five letters to the name.
        assert len(f"{name}-pretrain-0-99999-abcde") <= 63 and re.fullmatch("[a-z][a-z0-9-]*[a-z0-9]", name)


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
    assert kubernetes.state_of({"status": status}, Stage.pretrain).kind == kind


@pytest.mark.parametrize(
    ("conditions", "counts", "kinds"),
    [
        ([], [], ["waiting", "waiting"]),
        (["Suspended"], [{"suspended": 1}, {}], ["waiting", "waiting"]),
        ([], [{"active": 1}, {}], ["running", "waiting"]),
        ([], [{"succeeded": 1}, {}], ["done", "waiting"]),
        ([], [{"succeeded": 1}, {"active": 1}], ["done", "running"]),
        (["Failed"], [{"failed": 1}, {}], ["failed", "failed"]),
        (["Failed"], [{"succeeded": 1}, {"failed": 1}], ["done", "failed"]),
        (["Completed"], [{"succeeded": 1}, {"succeeded": 1}], ["done", "done"]),
    ],
)
def test_states_of_a_pipeline(conditions: list[str], counts: list[dict[str, int]], kinds: list[str]) -> None:
    """The controller counts the jobs of every stage as soon as it has seen the JobSet."""
    none = dict.fromkeys(("active", "failed", "ready", "succeeded", "suspended"), 0)
    stages = (Stage.prepare, Stage.pretrain)
    counted = [{"name": str(stage)} | none | count for stage, count in zip(stages, counts, strict=False)]
    jsonschema.validate({"status": {"replicatedJobsStatus": counted, "restarts": 0}}, schema("JobSet"))
    held = [{"type": word, "status": "True", "message": "said"} for word in conditions]
    resource = {"status": {"conditions": held, "replicatedJobsStatus": counted}}
    assert [kubernetes.state_of(resource, stage).kind for stage in stages] == kinds


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"memory": "64GB"}, "machines.toml: lab.memory: '64GB' is no amount of memory; write 64Gi"),
        ({"volumes": {}}, "machines.toml: lab.volumes: empty; write"),
        ({"volumes": {"shared": "x"}}, "machines.toml: lab.volumes: 'shared' is no absolute path"),
        ({"imagee": "x"}, "unknown key lab.imagee; did you mean lab.image?"),
    ],
)
def test_a_wrong_table(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        machine(**changes)
    assert sentence in str(refused.value)


def test_a_folder_in_no_volume_is_refused() -> None:
    chosen = machine(volumes={"/data": "data"})
    with pytest.raises(UserError, match=r"^/shared/runs/base: is in none of the machine's volumes \(/data\)"):
        kubernetes.render(jobs([Stage.pretrain], chosen), chosen, FOLDER)


@pytest.mark.parametrize("stages", [[*Stage], [Stage.prepare, Stage.evaluate], [Stage.pretrain, Stage.export]])
def test_every_stage_waits_for_the_one_whose_result_it_reads(stages: list[Stage]) -> None:
    chosen = machine()
    together = jobs(stages, chosen)
    [text] = kubernetes.render(together, chosen, FOLDER).values()
    waits = {name: member.get("dependsOn", []) for name, member in members(text).items()}
    assert list(waits) == stages, "a JobSet refuses one that stands before what it depends on"
    for job in together:
        assert waits[job.stage] == [{"name": stage, "status": "Complete"} for stage in job.after]
    assert not waits[stages[0]] and all(len(waits[stage]) == 1 for stage in stages[1:])


def test_stages_without_an_order_are_jobs_of_their_own() -> None:
    chosen = machine()
    files = kubernetes.render(jobs([Stage.evaluate, Stage.export], chosen), chosen, FOLDER)
    assert {name: [*objects(text)] for name, text in files.items()} == {
        "evaluate.yaml": ["Job"],
        "export.yaml": ["Job"],
    }


def test_a_stage_is_the_same_alone_and_in_a_pipeline() -> None:
    chosen = members(RENDERED["kubernetes_gpus_pipeline.yaml"])
    for stage in (Stage.prepare, Stage.evaluate, Stage.export):
        alone = objects(RENDERED[f"kubernetes_gpus_{stage}.yaml"])["Job"]["spec"]
        assert chosen[stage]["template"]["spec"] == alone


def test_a_queue_would_keep_gpus_for_a_stage_that_waits() -> None:
    chosen = machine(queue="training")
    for stages, late in (
        ([Stage.prepare, Stage.pretrain], "pretrain: would wait for prepare"),
        ([Stage.pretrain, Stage.evaluate], "evaluate: would wait for pretrain"),
    ):
        with pytest.raises(UserError, match=f"--stage {late} with its GPUs kept for it, since the queue training"):
            kubernetes.render(jobs(stages, chosen), chosen, FOLDER)
    cores = machine(queue="training", gpus=0)
    assert kubernetes.render(jobs([*Stage], cores), cores, FOLDER)


def stand_in(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program of this name in the path in place of a cluster.

    It records its arguments and prints the content of a file.
    """
    program = folder / "bin" / name
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport json, pathlib, sys\nhere = pathlib.Path({str(folder)!r})\n"
        "with open(here / 'asked', 'a') as file:\n    print(json.dumps(sys.argv[1:]), file=file)\n"
        "print((here / 'answer').read_text())\n"
    )
    program.chmod(0o755)
    (folder / "answer").write_text("")
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return stand_in("kubectl", tmp_path, monkeypatch)


def test_what_kubectl_is_asked(kubectl: Path) -> None:
    chosen = machine(context="big", namespace="nlp")
    [(stage, id)] = kubernetes.submit(jobs([Stage.pretrain], chosen), chosen, FOLDER)
    name = id.removeprefix("trainjob/")
    (kubectl / "answer").write_text(json.dumps({"status": {"jobsStatus": [{"active": 1}]}}))
    assert kubernetes.state(chosen, stage, id).kind == "running"
    flags = ["--context=big", "--namespace=nlp"]
    asked = [json.loads(line) for line in (kubectl / "asked").read_text().splitlines()]
    assert asked == [[*flags, "create", "-f", f"{FOLDER}/pretrain.yaml"], [*flags, "get", id, "--output=json"]]
    assert kubernetes.cancel(chosen, id) == ["kubectl", *flags, "delete", id, f"trainingruntime/{name}"]
    assert name == objects(RENDERED["kubernetes_gpus_pretrain.yaml"])["TrainJob"]["metadata"]["name"]


def test_a_pipeline_is_created_at_once_and_deleted_as_a_whole(kubectl: Path) -> None:
    chosen = machine()
    ids = dict(kubernetes.submit(jobs([*Stage], chosen), chosen, FOLDER))
    name = objects(RENDERED["kubernetes_gpus_pipeline.yaml"])["JobSet"]["metadata"]["name"]
    assert ids == dict.fromkeys(Stage, f"jobset/{name}")
    [asked] = (kubectl / "asked").read_text().splitlines()
    assert json.loads(asked) == ["--namespace=default", "create", "-f", f"{FOLDER}/pipeline.yaml"]
    assert kubernetes.cancel(chosen, f"jobset/{name}")[-2:] == ["delete", f"jobset/{name}"]
    [shown] = kubernetes.logs(chosen, FOLDER, Stage.export, f"jobset/{name}")
    assert f"jobset.sigs.k8s.io/jobset-name={name},jobset.sigs.k8s.io/replicatedjob-name=export" in shown


def test_the_command(kubectl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow the command from machines.toml to the stored job and its reported state."""
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


def test_the_command_for_a_pipeline_that_fails(kubectl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(kubectl)
    Path("machines.toml").write_text(tomli_w.dumps({"lab": GPUS | {"volumes": {str(kubectl): "shared"}}}))
    message = "jobset failed due to one or more job failures (first failed job: electra-pipeline-run-prepare-0)"
    failed = {"conditions": [{"type": "Failed", "status": "True", "message": message}]}
    (kubectl / "answer").write_text(json.dumps({"status": failed}))
    order = ["submit", "base", "--on", "lab", "--stage", "prepare,pretrain", "--corpus", "corpus", "--run", "run"]
    watched = CliRunner().invoke(app, [*order, "data.sources=text", "--watch"])
    assert watched.exit_code == EXIT_UNFINISHED
    sentence = " ".join(watched.stderr.split())
    assert re.search(
        r"run: job jobset/\S+ \(prepare\) on lab ended as Failed \(jobset failed .*\); this shows", sentence
    )
    assert sentence.endswith("replicatedjob-name=prepare --prefix --tail=-1")
    shown = CliRunner().invoke(app, ["logs", "run"]).stdout
    assert re.findall("replicatedjob-name=(\\w+)", shown) == ["prepare", "pretrain"]


def test_without_kubectl_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="there is no kubectl here"):
        list(kubernetes.submit(jobs([Stage.prepare], machine()), machine(), FOLDER))
    assert kubernetes.state(machine(), Stage.prepare, "job/x").kind == "unknown"
