"""Where published checkpoints lie: on the Hugging Face hub and on Kaggle.

Knows no download: says what a checkpoint consists of there, where each file comes from and how it
is told to be whole, what other programs have already, and what a failure means.
"""

import base64
import dataclasses
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

LEFT_OUT = (".gitattributes", ".md")  # endings of files that loading does not need
KAGGLEHUB = "~/.cache/kagglehub"  # unless KAGGLEHUB_CACHE says otherwise
PATIENCE = 20  # seconds for an answer
PAGE = 100  # files that Kaggle lists at a time


class Trouble(RuntimeError):
    """A checkpoint did not come; the message says why and what to do."""


@dataclass(frozen=True)
class File:
    """One file of a checkpoint, as its source describes it."""

    name: str  # in the checkpoint's folder
    size: int  # bytes
    source: object  # HuggingFace or Kaggle
    url: str = ""  # to fetch it from
    digest: str = ""  # "sha256 ...", "git ..." or "md5 ..." in hex; "" where the source tells none

    def intact(self, path):
        """Whether the file at a Path is this one, whole."""
        if path.stat().st_size != self.size:
            return False
        kind, _, digest = self.digest.partition(" ")
        if not kind:
            return True
        found = hashlib.new("sha1" if kind == "git" else kind)
        if kind == "git":  # git's own hash of a file
            found.update(f"blob {self.size}\0".encode())
        with path.open("rb") as content:
            while piece := content.read(1 << 20):
                found.update(piece)
        return found.hexdigest() == digest


@dataclass(frozen=True)
class HuggingFace:
    """A repository of the Hugging Face hub, or some of its files."""

    name: str  # "owner/name"
    files: tuple = ()  # names in the repository; all but LEFT_OUT if empty

    title, token = "Hugging Face", "HF_TOKEN"

    @property
    def page(self):
        """Its address for a reader."""
        return f"https://huggingface.co/{self.name}"

    def cached(self):
        """The Path where huggingface_hub has it whole for other programs, or None.

        Of several commits that of "main", else the one that came last: a Space preloads by commit.
        """
        from huggingface_hub import constants, try_to_load_from_cache
        from huggingface_hub.file_download import repo_folder_name

        if self.files:
            return None
        config = try_to_load_from_cache(self.name, "config.json")
        main = [Path(config).parent] if isinstance(config, str) else []
        repository = repo_folder_name(repo_id=self.name, repo_type="model")
        commits = Path(constants.HF_HUB_CACHE, repository, "snapshots").glob("*")
        latest = sorted(commits, key=lambda folder: folder.stat().st_mtime, reverse=True)
        return next(filter(_weighty, (*main, *latest)), None)

    def listed(self):
        """Return its Files, a list.

        Raises:
            Trouble: one of `files` is missing.
        """
        from huggingface_hub import hf_hub_url

        about = self._about()
        return [
            File(
                each.rfilename,
                each.size,
                self,
                hf_hub_url(self.name, each.rfilename, revision=about.sha),
                f"sha256 {each.lfs.sha256}" if each.lfs else f"git {each.blob_id}",
            )
            for each in self._needed(about.siblings)
        ]

    def pinned(self):
        """Return its newest commit, in hex, and the names there of the files that are needed."""
        about = self._about()
        return about.sha, [each.rfilename for each in self._needed(about.siblings)]

    def _about(self):
        from huggingface_hub import HfApi

        return HfApi().model_info(self.name, files_metadata=True, timeout=PATIENCE)

    def _needed(self, siblings):
        if not self.files:
            return [each for each in siblings if not each.rfilename.endswith(LEFT_OUT)]
        named = {each.rfilename: each for each in siblings}
        for name in self.files:
            if name not in named:
                raise Trouble(f"{self.name} on {self.title} has no {name} any more.")
        return [named[name] for name in self.files]

    def located(self, file):
        """Return a File with its url and digest, which are known already."""
        return file

    def headers(self):
        """What a request for a file's content says of itself, a dict."""
        from huggingface_hub.utils import build_hf_headers

        return build_hf_headers()


@dataclass(frozen=True)
class Kaggle:
    """A version of a model on Kaggle, asked as kagglehub does."""

    name: str  # "owner/model/framework/variation/version"

    title, token = "Kaggle", "KAGGLE_API_TOKEN"

    @property
    def page(self):
        """Its address for a reader."""
        return f"https://www.kaggle.com/models/{self.name}"

    def cached(self):
        """The Path where kagglehub has it whole for other programs, or None."""
        home = Path(os.environ.get("KAGGLEHUB_CACHE") or KAGGLEHUB).expanduser()
        folder = home / "models" / self.name
        whole = folder.with_name(folder.name + ".complete").exists()
        return folder if whole and _weighty(folder) else None

    def listed(self):
        """Return its Files, a list, without url and digest: Kaggle tells those with each file."""
        files, page = [], {}
        while True:
            told = self._ask("ListModelInstanceVersionFiles", pageSize=PAGE, **page).json()
            files += [File(each["name"], each["size"], self) for each in told["files"]]
            page = {"pageToken": told.get("nextPageToken")}
            if not page["pageToken"]:
                return [file for file in files if not file.name.endswith(LEFT_OUT)]

    def located(self, file):
        """Return a File with the url where it lies for a while, and its digest if that is told."""
        import requests

        url = self._ask("DownloadModelInstanceVersion", path=file.name).headers["Location"]
        first = {"Range": "bytes=0-0"}  # whoever may read it may not always ask for its headers
        with requests.get(url, headers=first, stream=True, timeout=PATIENCE) as answer:
            answer.raise_for_status()
            told = answer.headers.get("x-goog-hash", "")
        named = dict(each.strip().split("=", 1) for each in told.split(",") if "=" in each)
        digest = f"md5 {base64.b64decode(named['md5']).hex()}" if "md5" in named else ""
        return dataclasses.replace(file, url=url, digest=digest)

    def headers(self):
        """Nothing: the url says all."""
        return {}

    def _ask(self, method, **more):
        """Kaggle's answer to a method of its models' service."""
        import requests
        from kagglehub.config import get_kaggle_credentials
        from kagglesdk.kaggle_env import get_endpoint, get_env

        owner, model, framework, variation, version = self.name.split("/")
        login, headers = get_kaggle_credentials(), {}
        if login and login.api_key:
            headers["Authorization"] = f"Bearer {login.api_key}"
        answer = requests.post(
            f"{get_endpoint(get_env())}/v1/models.ModelApiService/{method}",
            json={
                "ownerSlug": owner,
                "modelSlug": model,
                "framework": f"MODEL_FRAMEWORK_{framework.upper()}",
                "instanceSlug": variation,
                "versionNumber": int(version),
                **more,
            },
            headers=headers,
            auth=(login.username, login.key) if login and login.key else None,
            allow_redirects=False,
            timeout=PATIENCE,
        )
        answer.raise_for_status()
        return answer


def _weighty(folder):
    return any(folder.glob("*.weights.*"))


def explained(error, source, folder):
    """Trouble that says in one sentence what a failure means and what to do.

    Args:
        error: the exception.
        source: HuggingFace or Kaggle that was asked.
        folder: Path that was written to.
    """
    from huggingface_hub.errors import GatedRepoError

    if isinstance(error, Trouble):
        return error
    title, name = source.title, source.name
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, GatedRepoError):
        return Trouble(
            f"{name} asks to accept its licence first: sign in at {source.page}, accept it, "
            f"and start the app with {source.token} set to your token."
        )
    told = {
        401: f"{title} does not know who asks for {name}. Set {source.token} to a valid token.",
        403: f"{title} does not give {name} to this account. See {source.page}.",
        404: f"{title} has no {name}.",
        429: f"{title} has had too many requests from here. Try again in some minutes.",
    }
    if status in told:
        return Trouble(told[status])
    if status is not None:
        return Trouble(f"{title} answers with error {status}. Try again later.")
    if isinstance(error, OSError) and isinstance(error.errno, int):
        return Trouble(f"The download cannot be written to {folder}: {os.strerror(error.errno)}.")
    return Trouble(
        f"{title} cannot be reached, or broke off ({type(error).__name__}). Look at the network "
        "and try again: what has come is kept. The bundled models work without it."
    )
