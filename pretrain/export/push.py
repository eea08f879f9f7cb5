"""`electra export --push`: a model is exported, and its folders become repositories of the Hugging Face hub.

Every export is proved before anything is uploaded. A repository gets exactly the files that its export wrote. The token
is read by huggingface_hub itself, from HF_TOKEN or from its own store, and appears nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from huggingface_hub import CommitOperationAdd, HfApi, ModelCard, get_token
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError
from huggingface_hub.utils import validate_repo_id

from configs.common.errors import UserError
from configs.common.files import WRITING, make_folder, write_text
from configs.common.hub import reason_of
from pretrain.export.card import CARD
from pretrain.export.checkpoints import Choice
from pretrain.export.folder import Order, export, refuse_used

_MAIN = "main"
# The name that stands for the repository in the example of a card.
_PLACEHOLDER = '"FOLDER"'


@dataclass(frozen=True)
class Destination:
    """The request of the command line: a repository, and steps whose checkpoints become revisions of it."""

    repository: str  # OWNER/NAME
    public: bool
    steps: tuple[int, ...]

    @classmethod
    def of(cls, repository: str, *, public: bool, revisions: str | None) -> Destination:
        """Read the options of the command line. Raises UserError for a name that the hub would refuse."""
        steps = revisions.split(",") if revisions is not None else []
        if not all(step.strip().isdecimal() for step in steps):
            raise UserError(f"--revisions {revisions}: name steps of checkpoints, such as 10000,20000")
        for name in (repository, f"{repository}-discriminator"):
            try:
                validate_repo_id(name)
            except HFValidationError as error:
                raise UserError(f"--push {repository}: {reason_of(error)}") from None
        if "/" not in repository:
            raise UserError(f"--push {repository}: name the owner too, such as OWNER/{repository}")
        return cls(repository, public, tuple(map(int, steps)))

    @property
    def visibility(self) -> str:
        return "public" if self.public else "private"


@dataclass(frozen=True)
class Commit:
    """A folder, which becomes the content of a repository at a revision."""

    repository: str
    revision: str
    folder: Path

    @property
    def name(self) -> str:
        return f"{self.repository} ({self.revision})"

    def files(self) -> dict[str, Path]:
        """Return the files of the folder by their names in the repository."""
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path for path in paths}


def push(model: str, out: Path, order: Order, destination: Destination, *, upload: bool) -> Iterator[str]:
    """Export `model` and upload it, yielding lines for the user. `out` appears when everything is uploaded.

    Without `upload`, nothing is sent and nothing remains: the lines show what would be uploaded. Raises UserError for
    everything that `export` refuses, and when the hub refuses something or cannot be reached.
    """
    refuse_used(out)
    api = _signed_in() if upload else None
    make_folder(out.absolute().parent)
    with TemporaryDirectory(prefix=WRITING, dir=out.absolute().parent) as temporary:
        folder = Path(temporary)
        proved = export(model, folder / _MAIN, order)
        for exported, proof in proved:
            yield from (f"{out / exported.relative_to(folder / _MAIN)}: {line}" for line in proof.lines())
        names = list(dict.fromkeys(exported.relative_to(folder / _MAIN) for exported, _ in proved))
        for step in destination.steps:
            export(
                model, folder / f"step-{step}", replace(order, choice=Choice(str(step), weights=order.choice.weights))
            )
        revisions = [_MAIN, *(f"step-{step}" for step in destination.steps)]
        commits = [
            Commit(_repository(destination, name, names), revision, folder / revision / name)
            for name in names
            for revision in revisions
        ]
        for commit in commits:
            _complete_card(commit)
        if api:
            yield from _upload(api, commits, destination)
            (folder / _MAIN).replace(out)
        else:
            yield from _preview(commits, destination)


def _signed_in() -> HfApi:
    if get_token() is None:
        raise UserError("--push: there is no token for the hub; log in with `hf auth login`, or set HF_TOKEN")
    api = HfApi()
    with _sentences("--push: the hub cannot be used with this token"):
        api.whoami()
    return api


def _repository(destination: Destination, name: Path, names: Sequence[Path]) -> str:
    """Return the repository of a folder. If there are several folders, the name of the folder is added."""
    return destination.repository if len(names) == 1 else f"{destination.repository}-{name}"


def _complete_card(commit: Commit) -> None:
    """Name the repository in the example of a card, if the library of the example loads models from the hub."""
    file = commit.folder / CARD
    if ModelCard.load(file).data.to_dict().get("library_name") != "transformers":
        return
    place = f'"{commit.repository}"' + ("" if commit.revision == _MAIN else f', revision="{commit.revision}"')
    write_text(file, file.read_text(encoding="utf-8").replace(_PLACEHOLDER, place))


def _preview(commits: Sequence[Commit], destination: Destination) -> Iterator[str]:
    for commit in commits:
        files = commit.files()
        total = sum(path.stat().st_size for path in files.values())
        yield f"{commit.name}, {destination.visibility}: would get {len(files)} files of {total:,} bytes"
        for name, path in files.items():
            yield f"{path.stat().st_size:>15,}  {name}"
    for commit in (commit for commit in commits if commit.revision == _MAIN):
        yield f"The card of {commit.name}:"
        yield (commit.folder / CARD).read_text(encoding="utf-8")
    yield "nothing was sent and nothing was written; the same command with --yes uploads all this"


def _upload(api: HfApi, commits: Sequence[Commit], destination: Destination) -> Iterator[str]:
    existing = _existing(api, commits, destination)
    done: list[str] = []
    for commit in commits:
        with _sentences(f"{commit.name}: cannot be uploaded", done):
            if commit.repository not in existing:
                api.create_repo(commit.repository, private=not destination.public)
                existing.add(commit.repository)
                done.append(f"{commit.repository} was created")
            url = _commit(api, commit)
        done.append(f"{commit.name} was uploaded")
        yield f"{commit.name}: uploaded, {url}"


def _existing(api: HfApi, commits: Sequence[Commit], destination: Destination) -> set[str]:
    """Return the repositories that exist. Raises UserError if one of them has another visibility than requested.

    The hub ignores the visibility that is requested for a repository that exists, so a private upload could be public.
    """
    existing = set()
    for repository in dict.fromkeys(commit.repository for commit in commits):
        with _sentences(f"{repository}: cannot be looked up"):
            try:
                private = api.model_info(repository).private
            except RepositoryNotFoundError:
                continue
        if bool(private) == destination.public:
            is_now, remedy = ("private", "leave --public out") if private else ("public", "give --public")
            raise UserError(f"{repository}: exists and is {is_now}; {remedy}, or change its settings on the hub")
        existing.add(repository)
    return existing


def _commit(api: HfApi, commit: Commit) -> str:
    """Upload the files. The hub skips files that it has. Returns the address of the commit."""
    files = commit.files()
    if commit.revision != _MAIN:
        api.create_branch(commit.repository, branch=commit.revision, exist_ok=True)
    additions = [CommitOperationAdd(name, path) for name, path in files.items()]
    message = f"Upload {', '.join(files)}"
    made = api.create_commit(commit.repository, additions, commit_message=message, revision=commit.revision)
    # A .gitignore in the repository makes the hub leave files out without an error.
    lacking = files.keys() - {*api.list_repo_files(commit.repository, revision=commit.revision)}
    if lacking:
        raise UserError(f"the hub left out {', '.join(sorted(lacking))}; look at the repository's .gitignore")
    return made.commit_url


@contextmanager
def _sentences(failure: str, done: Sequence[str] = ()) -> Iterator[None]:
    """Raise UserError for every error in the block: the sentence `failure`, its reason, and what was `done` before.

    All errors are caught, because huggingface_hub passes on those of its HTTP client, which differs between versions.
    """
    try:
        yield
    except Exception as error:
        reason = str(error) if isinstance(error, UserError) else reason_of(error)
        before = f"; before that, {', '.join(done)}; the same command uploads the rest" if done else ""
        raise UserError(f"{failure} ({reason}){before}") from None
